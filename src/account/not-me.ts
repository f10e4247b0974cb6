import { createHash } from 'node:crypto'
import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import {
  manageUrlOf,
  mountPath,
  providerOf,
  publicPath,
  type Core,
} from '../../interactions/core.ts'
import { Flood } from '../application/flood.ts'
import { freezeAccount } from '../application/manage-accounts.ts'
import { readForm } from '../http/body.ts'
import { checkCsrf, csrfToken, type FormBinding } from '../http/csrf.ts'
import { checkOrigin } from '../http/origin.ts'
import { notMeToken, readNotMeToken, type NotMeLink } from './not-me-link.ts'
import { requestDetail } from './request-detail.ts'
import { show } from './show.ts'

const PATH = '/not-me'
const DONE = '/done'

export interface NotMeOptions {
  /** The language of the mail (BCP 47), in which the page is shown too. Default: a language of the browser. */
  readonly language?: string
  /** The issuer, for a process that has attached no provider, such as a command. */
  readonly issuer?: string
}

/** The address that a notice of an account leads to. Throws MfaError `not-attached`. */
export function notMeUrl(
  core: Core,
  accountId: string,
  { language, issuer }: NotMeOptions,
): string {
  const { box, clock } = core.deps
  const link = { accountId, ...(language === undefined ? {} : { language }) }
  return mailedUrl(core, `${PATH}/${notMeToken(box, link, clock.now())}`, issuer)
}

/** The address of a page below the option `path`, for a mail. Throws MfaError `not-attached` without `issuer`. */
export function mailedUrl(core: Core, path: string, issuer: string | undefined): string {
  const base = issuer ?? providerOf(core).issuer
  const mount = issuer === undefined ? mountPath(core) : new URL(base).pathname.replace(/\/$/, '')
  return new URL(mount + core.path + path, base).href
}

/**
 * The page of a person who did not do what a notice says (R44). It asks for no sign-in and no factor, because a person
 * whose account is being taken has no time for them. A stranger who reads the mailbox can use the link too. They gain
 * nothing by it: everybody is signed out, and the owner is told.
 */
export function notMeRoutes(core: Core): Middleware {
  const router = new Router({ prefix: core.path + PATH })
  const flood = new Flood()

  router.get(DONE, (ctx) => showDone(core, ctx))

  // Mail scanners open every link, so a GET changes nothing.
  router.get('/:token', async (ctx) => {
    const { token = '' } = ctx.params
    const link = linkOf(core, token)
    if (link === undefined) return showGone(core, ctx)
    const action = `${publicPath(core)}${PATH}/${token}`
    const csrf = csrfToken(core.deps.box, bindingOf(token))
    await show(core, ctx, 'not-me', { action, csrf }, languageOf(link))
  })

  router.post('/:token', async (ctx) => {
    checkOrigin(ctx.headers, providerOf(core).issuer)
    const { token = '' } = ctx.params
    const { csrf } = await readForm(ctx)
    const link = linkOf(core, token)
    if (link === undefined) return showGone(core, ctx)
    checkCsrf(core.deps.box, bindingOf(token), csrf)
    const { accountId } = link
    const place = { interaction: token, response: token, accountAndClass: accountId }
    const detail = requestDetail(core, ctx, link.language)
    await flood.run(place, () => freezeAccount(core.deps, accountId, detail))
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(notMeDonePath(core))
    ctx.status = 303
  })

  return router.routes() as Middleware
}

/** Whether the request is for these pages. */
export function isNotMe({ path }: Core, ctx: Context): boolean {
  return ctx.path.startsWith(`${path}${PATH}/`)
}

/** The path of the page after a lock, which tells what to do next. */
export function notMeDonePath(core: Core): string {
  return `${publicPath(core)}${PATH}${DONE}`
}

function linkOf({ deps: { box, clock } }: Core, token: string): NotMeLink | undefined {
  return readNotMeToken(box, token, clock.now())
}

/** There is no session to bind the form to. The link itself is the secret that another site does not know. */
export function bindingOf(token: string, purpose = 'not-me'): FormBinding {
  return { boundTo: createHash('sha256').update(token).digest('base64url'), purpose }
}

async function showGone(core: Core, ctx: Context): Promise<void> {
  await show(core, ctx, 'not-me-expired', signInOf(core))
  ctx.status = 410
}

async function showDone(core: Core, ctx: Context): Promise<void> {
  await show(core, ctx, 'not-me-done', signInOf(core))
}

function signInOf(core: Core): { href?: string } {
  const href = manageUrlOf(core)
  return href === undefined ? {} : { href }
}

function languageOf({ language }: NotMeLink): { readonly language?: string } {
  return language === undefined ? {} : { language }
}
