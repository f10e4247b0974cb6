import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { JsonObject } from '../../src/domain/json.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { isInteraction, type Interaction } from '../../src/host/interaction.ts'
import { findClient, lookOf } from '../../src/host/provider.ts'
import { contextOfPage } from '../../src/host/resume.ts'
import { readForm } from '../../src/http/body.ts'
import { checkCsrf, csrfToken } from '../../src/http/csrf.ts'
import { pageHeaders } from '../../src/http/headers.ts'
import { presentMount } from '../../src/http/mount.ts'
import { checkOrigin } from '../../src/http/origin.ts'
import { linksOf, localeIn, mountPath, providerOf, type Core } from '../core.ts'
import { seeOther } from '../mfa/visit.ts'
import {
  answerIdentification,
  identifyingFactor,
  loginInteraction,
  openChallengeIn,
  unknownCredential,
} from './identify.ts'

/**
 * The form by which an application's login page offers a factor whose credentials name their owner, and the route that
 * takes it. The route is below the page of the interaction, where the interaction's cookie reaches it.
 */

/** A form for a login page. */
export interface SignInForm {
  /** The whole form with its script, as HTML. */
  readonly html: string
  /** The path to which the form is posted. */
  readonly action: string
  /** The value of its field `csrf`. */
  readonly csrf: string
}

export interface SignInFormOptions {
  /** The value of the field `csrf`, where the application takes the form itself. Default: one of the plugin. */
  readonly csrf?: string
  /** The form that was refused just now: the new one says so. */
  readonly refused?: Form
}

/** The forms are bound to the interaction. */
const PURPOSE = 'sign-in'

/** Opens a challenge, and makes the form of it. Throws what `openIdentification` throws. */
export async function openSignInForm(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  { factorId, ...options }: SignInFormOptions & { readonly factorId: string },
): Promise<SignInForm & { readonly verification: JsonObject }> {
  const factor = identifyingFactor(core, factorId)
  const interaction = await loginInteraction(core, request, response)
  const page = await pageOf(core, request, response, interaction)
  return formOf(core, request, { factor, interaction, page }, options)
}

interface FormPlace {
  readonly factor: AnyFactor
  readonly interaction: Interaction
  /** The login page. */
  readonly page: URL
}

async function formOf(
  core: Core,
  request: IncomingMessage,
  { factor, interaction, page }: FormPlace,
  { csrf, refused }: SignInFormOptions,
): Promise<SignInForm & { readonly verification: JsonObject }> {
  const verification = await openChallengeIn(core, request, interaction, factor)
  const form = {
    action: actionOf(page, factor),
    csrf: csrf ?? csrfToken(core.deps.box, { boundTo: interaction.uid, purpose: PURPOSE }),
  }
  const unknown = refused && (await unknownCredential(core, factor, refused))
  const model = {
    ...form,
    verification,
    refused: refused !== undefined,
    unknown: unknown ?? '',
  }
  const locale = localeIn(core, request.headers, interaction.params)
  return { html: core.views.signInForm(factor.id, model, locale), ...form, verification }
}

/** The address of the login page, as the application's own `interactions.url` says. */
async function pageOf(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Interaction,
): Promise<URL> {
  const { interactionUrl } = core
  const provider = providerOf(core)
  if (interactionUrl === undefined)
    return new URL(`/interaction/${interaction.uid}`, provider.issuer)
  const client = await findClient(provider, String(interaction.params.client_id))
  if (client === undefined)
    throw new MfaError('interaction-expired', 'The client of this sign-in is gone', { status: 410 })
  const ctx = contextOfPage(provider, { request, response }, interaction, client)
  return new URL(await interactionUrl(ctx, interaction), provider.issuer)
}

function actionOf(page: URL, factor: AnyFactor): string {
  return pathOfForm(page, factor) + page.search
}

function pathOfForm({ pathname }: URL, { id }: AnyFactor): string {
  return `${pathname.replace(/\/$/, '')}/${id}`
}

/** A request for the route of a form. */
export interface SignInRequest {
  /** The uid of the interaction. */
  readonly uid: string
  /** The path of the login page. Undefined: the interaction is over. */
  readonly retryHref: string | undefined
  answer(): Promise<void>
}

/**
 * The request of a browser for the form of a login page; undefined: it is none. GET answers the data of a fresh
 * challenge as JSON, for a page whose challenge is about to end; POST answers 303, or 422 with the form. Both are for
 * pages of the issuer's origin alone (R30).
 */
export async function signInRequest(core: Core, ctx: Context): Promise<SignInRequest | undefined> {
  const [, uid = '', id = ''] = /(?:^|\/)([^/]+)\/([^/]+)$/.exec(ctx.path) ?? []
  const factor = core.deps.factors.get(id)
  const isHandled = ctx.method === 'GET' || ctx.method === 'POST'
  if (!isHandled || factor?.identify === undefined || !core.views.hasSignInForm(id))
    return undefined
  const interaction = await present(core, ctx)
  if (interaction === undefined)
    return (await isInteraction(providerOf(core), uid))
      ? { uid, retryHref: undefined, answer: () => Promise.reject(over()) }
      : undefined
  const page = await pageOf(core, ctx.req, ctx.res, interaction)
  if (![presentMount(), mountPath(core)].some((at) => at + ctx.path === pathOfForm(page, factor)))
    return undefined
  const place = { factor, interaction, page }
  return {
    uid: interaction.uid,
    retryHref: page.pathname + page.search,
    answer: () => (ctx.method === 'POST' ? take(core, ctx, place) : renew(core, ctx, place)),
  }
}

function over(): MfaError {
  return new MfaError('interaction-expired', 'This sign-in is over', { status: 410 })
}

/** The interaction that the browser's cookie names. Undefined: there is none. */
async function present(core: Core, ctx: Context): Promise<Interaction | undefined> {
  try {
    return await providerOf(core).interactionDetails(ctx.req, ctx.res)
  } catch (error) {
    if ((error as Error).name === 'SessionNotFound') return undefined
    throw error
  }
}

async function renew(core: Core, ctx: Context, { factor }: FormPlace): Promise<void> {
  const { issuer } = providerOf(core)
  checkOrigin(ctx.headers, issuer)
  const interaction = await loginInteraction(core, ctx.req, ctx.res)
  ctx.set(pageHeaders({ issuer }))
  ctx.body = await openChallengeIn(core, ctx.req, interaction, factor)
}

async function take(core: Core, ctx: Context, place: FormPlace): Promise<void> {
  const { factor, interaction } = place
  checkOrigin(ctx.headers, providerOf(core).issuer)
  const form = await readForm(ctx)
  checkCsrf(core.deps.box, { boundTo: interaction.uid, purpose: PURPOSE }, form.csrf)
  const given = { factorId: factor.id, form }
  const location = await answerIdentification(core, ctx.req, ctx.res, given)
  if (location !== undefined) return seeOther(ctx, location)
  await showRefusal(core, ctx, place, form)
}

/** Shows the form again, with a fresh challenge, on a page of the plugin: the login page is the application's. */
async function showRefusal(core: Core, ctx: Context, place: FormPlace, form: Form): Promise<void> {
  const { issuer } = providerOf(core)
  // The attempt has spent the challenge of the interaction that was read before it.
  const interaction = await loginInteraction(core, ctx.req, ctx.res)
  const { params } = interaction
  const { html } = await formOf(core, ctx.req, { ...place, interaction }, { refused: form })
  const client = await findClient(providerOf(core), String(params.client_id))
  const { pathname, search } = place.page
  ctx.status = 422
  ctx.set(pageHeaders({ issuer, leadsToApp: params.redirect_uri !== undefined, fetches: true }))
  ctx.type = 'html'
  ctx.body = await core.views.render(
    'sign-in-refused',
    { signInForm: html, backHref: pathname + search },
    {
      issuerName: core.serviceName,
      locale: localeIn(core, ctx.headers, params),
      links: linksOf(core),
      ...(client === undefined ? {} : { client: lookOf(client) }),
    },
  )
}
