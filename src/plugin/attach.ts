import type { Context, Middleware, Next } from 'koa'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { linksOf, mountPath, providerOf, type Core } from '../../interactions/core.ts'
import { signInRequest } from '../../interactions/login/sign-in-form.ts'
import { isSwitching, showSwitchAccount } from '../../interactions/login/switch-account.ts'
import { isPostponedIn } from '../../interactions/later.ts'
import { isOurs, mfaRoutes } from '../../interactions/mfa/routes.ts'
import { isWishMissed } from '../../interactions/mfa/prompt.ts'
import { resultsOf } from '../../interactions/request.ts'
import { parseLogin, type SealedLogin } from '../../interactions/seal.ts'
import { replyIn } from '../../interactions/step-up-offer.ts'
import { aboutEnd, wayBack } from '../../interactions/way-back.ts'
import { cancelRecoveryRoutes, isCancelRecovery } from '../account/cancel-recovery.ts'
import { isNotMe, notMeRoutes } from '../account/not-me.ts'
import type { AccountConsole } from '../account/pages.ts'
import { MfaError } from '../domain/errors.ts'
import { withRefusal, withRound, type Asking } from '../domain/step-up-offer.ts'
import { assertionOf } from '../domain/policy/proofs.ts'
import { mergedProofs, proofsByLevel } from '../domain/policy/session-proofs.ts'
import { interactionIn } from '../host/context.ts'
import { given } from '../host/given.ts'
import { authorizationIdOf } from '../host/interaction.ts'
import { prepareHost } from '../host/needs.ts'
import { pathIfOn } from '../host/provider.ts'
import { chooseSuccessors } from '../host/refresh.ts'
import {
  epochIn,
  giveEpoch,
  giveLevel,
  givePostponed,
  giveProof,
  giveProofs,
  giveWishes,
  proofsIn,
  wishesIn,
} from '../host/session.ts'
import { answerError, isRefusedForm } from '../http/errors.ts'
import { pageHeaders } from '../http/headers.ts'
import { withinMount } from '../http/mount.ts'
import { refuseOtherPolicy, refuseUnconfigured } from './composed.ts'
import { assertRequest } from './assert-request.ts'
import { isAtomic, warnOfConsume } from './atomic-consume.ts'
import { endRefusedFamily, successorOf } from './second-use.ts'

/** The parts that are served besides the pages of a second factor. */
interface Served {
  readonly account: AccountConsole | undefined
  /** Whether the plugin takes the forms of login pages. */
  readonly signInRoutes: boolean
}

/**
 * Puts the plugin's pages into the provider and lets its sessions and grants carry the epoch in which they were made.
 * Call it right after `new Provider(...)`, because the host remembers the shape of its models at their first use.
 *
 * Throws MfaError `options-invalid` without a provider, when this `createMfa()` is attached already, where the pages
 * would take the path of a route of the host, and where a factor cannot work with the issuer; `host-unfit` when the host
 * lacks something that the plugin uses of it; `not-configured` when the provider was not made from the answer of
 * `configure`. Emits a process warning where the application's adapter does not say that its `consume` is atomic.
 */
export function attach(core: Core, provider: Provider, { account, signInRoutes }: Served): void {
  if (core.provider !== undefined)
    throw new MfaError(
      'options-invalid',
      'This createMfa() is attached to a provider already; make one for each',
    )
  if (typeof (provider as unknown) !== 'object')
    throw new MfaError(
      'options-invalid',
      'mfa.attach(provider) needs the provider: call it after `new Provider(...)`',
    )
  prepareHost(provider)
  refuseUnconfigured(core, provider)
  warnOfConsume(provider)
  refuseTakenPaths(core, provider)
  for (const factor of core.deps.factors.values()) factor.checkIssuer?.(provider.issuer)
  core.provider = provider
  chooseSuccessors(provider, (replaced, { oidc }) =>
    isAtomic(provider, 'RefreshToken') ? successorOf(core, replaced, oidc) : undefined,
  )
  provider.on('interaction.started', (ctx) => refuseOtherPolicy(core, ctx))
  provider.on('authorization.accepted', (ctx) => refuseOtherPolicy(core, ctx))
  provider.on('authorization.accepted', (ctx: KoaContextWithOIDC) => rememberRound(core, ctx))
  provider.on('authorization.accepted', (ctx: KoaContextWithOIDC) => assertRequest(core, ctx))
  provider.on('interaction.ended', (ctx: KoaContextWithOIDC) => rememberEpoch(core, ctx))
  provider.on('interaction.ended', (ctx: KoaContextWithOIDC) => rememberRefusal(ctx))
  provider.on('interaction.ended', (ctx: KoaContextWithOIDC) => rememberPostponed(ctx))
  provider.on('server_error', sayUnavailable)
  provider.use((_ctx: Context, next: Next) => asOneRequest(core, next))
  provider.use((ctx: Context, next: Next) => withinMount(ctx, next))
  provider.use((ctx: Context, next: Next) => serve(core, ctx, next))
  if (account !== undefined)
    provider.use((ctx: Context, next: Next) => serveAccount(core, account, ctx, next))
  const routes = mfaRoutes(core)
  const mailed = mailedRoutes(core)
  provider.use(async (ctx: Context, next: Next) => {
    if (!isOurs(core, ctx)) {
      if (signInRoutes && (await serveSignIn(core, ctx))) return
      await next()
      if (isSwitching(ctx)) await showSwitchAccount(core, ctx)
      await endRefusedFamily(core, ctx)
      return
    }
    try {
      await (mailed(ctx) ?? routes)(ctx, () => notFound())
    } catch (error) {
      await explain(core, ctx, error, {
        uid: uidOf(core, ctx),
        retryHref: mountPath(core) + retryPath(core, ctx),
      })
    }
  })
}

/** Takes the forms of login pages. False: the request is for something else. */
async function serveSignIn(core: Core, ctx: Context): Promise<boolean> {
  const request = await signInRequest(core, ctx)
  if (request === undefined) return false
  const { uid, retryHref } = request
  try {
    await request.answer()
  } catch (error) {
    await explain(core, ctx, error, { uid, retryHref })
  }
  return true
}

/** The pages to which mails lead, which need no sign-in. Undefined: the request is for none of them. */
function mailedRoutes(core: Core): (ctx: Context) => Middleware | undefined {
  const notMe = notMeRoutes(core)
  const cancelRecovery = cancelRecoveryRoutes(core)
  return (ctx) =>
    isNotMe(core, ctx) ? notMe : isCancelRecovery(core, ctx) ? cancelRecovery : undefined
}

async function serveAccount(
  core: Core,
  account: AccountConsole,
  ctx: Context,
  next: Next,
): Promise<void> {
  const answer = account.handlerOf(ctx)
  if (answer === undefined) return void (await next())
  try {
    await answer()
  } catch (error) {
    await explain(core, ctx, error, { uid: uidOf(core, ctx), retryHref: account.retryPath(ctx) })
  }
}

/** The host's names of the routes whose paths the pages must not take. The host's option `routes` sets the paths. */
const HOST_ROUTES = [
  'authorization',
  'token',
  'userinfo',
  'jwks',
  'end_session',
  'registration',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'backchannel_authentication',
  'device_authorization',
  'code_verification',
]

function refuseTakenPaths({ path, accountSite }: Core, provider: Provider): void {
  const ours = { path, ...(accountSite === undefined ? {} : { 'account.path': accountSite.path }) }
  for (const [option, at] of Object.entries(ours))
    for (const route of HOST_ROUTES)
      if (isBelow(at, pathIfOn(provider, route, '')))
        throw new MfaError(
          'options-invalid',
          `createMfa: ${option}: ${at} is where the host has its route "${route}"; choose another`,
        )
}

function isBelow(path: string, route: string | undefined): boolean {
  return route === path || route?.startsWith(`${path}/`) === true
}

/**
 * Adds the epoch and the time of the second factor to the session, to which the host itself applies the rest of the
 * login.
 */
function rememberEpoch(core: Core, ctx: KoaContextWithOIDC): void {
  const { oidc } = ctx
  const { login, mfa } = resultsOf(oidc) as { login?: unknown; mfa?: { at?: unknown } | null }
  const sealed = parseLogin(core.deps.box, authorizationIdOf(interactionIn(oidc)), login)
  if (sealed === undefined) return
  const session = given(oidc.session, 'session')
  const isSameEpoch = epochIn(session) === sealed.epoch
  giveEpoch(session, sealed.epoch)
  const provedAt = typeof mfa?.at === 'number' ? mfa.at : undefined
  rememberProofs(core, session, sealed, { isSameEpoch, provedAt })
  if (typeof mfa?.at === 'number') giveProof(session, { accountId: sealed.accountId, at: mfa.at })
}

/**
 * Keeps the proofs of a login beside those that the session has of the same account, so that a new sign-in never lowers a
 * level that is still proved.
 */
function rememberProofs(
  { deps, policy, sessionSeconds }: Core,
  session: object,
  { accountId, acr, amr, ts, proofs: told }: SealedLogin,
  {
    isSameEpoch,
    provedAt,
  }: { readonly isSameEpoch: boolean; readonly provedAt: number | undefined },
): void {
  // A node of another release has answered: its login shows its proofs by its level.
  const proofs = told ?? proofsByLevel(policy.levels, { acr, amr, signedInAt: ts, provedAt })
  const before = isSameEpoch ? (proofsIn(session, accountId) ?? []) : []
  const merged = mergedProofs(before, proofs, { now: deps.clock.now(), sessionSeconds })
  giveProofs(session, { accountId, proofs: merged })
  const said = assertionOf(policy.levels, merged)
  if (said !== undefined) giveLevel(session, said)
}

/** Counts an answer below the level that the app asked for. The host stores the session anyway. */
function rememberRound(core: Core, ctx: KoaContextWithOIDC): void {
  const { session } = ctx.oidc
  const asking = askingIn(ctx.oidc)
  if (session === undefined || asking === undefined || !isWishMissed(ctx)) return
  giveWishes(session, withRound(wishesIn(session), asking, core.deps.clock.now()))
}

/** Remembers "Not now" for the session and the app. */
function rememberRefusal({ oidc }: KoaContextWithOIDC): void {
  const { session } = oidc
  const asking = askingIn(oidc)
  if (session === undefined || asking === undefined || replyIn(resultsOf(oidc)) !== 'refused')
    return
  giveWishes(session, withRefusal(wishesIn(session), asking))
}

/** Remembers "Later" for the session and the account. */
function rememberPostponed({ oidc }: KoaContextWithOIDC): void {
  const { session } = oidc
  const accountId = session?.accountId
  if (session !== undefined && accountId !== undefined && isPostponedIn(resultsOf(oidc), accountId))
    givePostponed(session, accountId)
}

function askingIn({ session, params }: KoaContextWithOIDC['oidc']): Asking | undefined {
  const { accountId } = session ?? {}
  const clientId = params?.client_id
  return accountId === undefined || typeof clientId !== 'string'
    ? undefined
    : { accountId, clientId }
}

/**
 * Answers 503 on the host's own routes while the storage is unavailable, so that programs and people try again later
 * (R32): the host would answer 500. The body stays that of the application's own `renderError`, or the host's JSON.
 */
function sayUnavailable(ctx: Context, error: unknown): void {
  const { page, status, headers } = answerError(error, { requestId: '' })
  if (page !== 'unavailable') return
  ctx.status = status
  ctx.set({ ...headers })
}

function asOneRequest({ deps: { storage } }: Core, next: Next): Promise<void> {
  return storage.duringRequest === undefined ? next() : storage.duringRequest(next)
}

async function serve({ views: { assets } }: Core, ctx: Context, next: Next): Promise<void> {
  const readable = ctx.method === 'GET' || ctx.method === 'HEAD'
  const asset = readable && ctx.path.startsWith(assets.base) ? assets.get(ctx.path) : undefined
  if (asset === undefined) return void (await next())
  ctx.set(asset.headers)
  ctx.type = asset.type
  ctx.body = asset.bytes
}

function notFound(): Promise<never> {
  return Promise.reject(Object.assign(new Error('Not Found'), { status: 404, expose: true }))
}

/** Whether the page of an error leads back to the app. */
function leadsBack(error: unknown): boolean {
  return ['expired', 'error'].includes(answerError(error, { requestId: '' }).page)
}

/** The page that a person opens for another try: the one whose form was posted, or else the first of the sign-in. */
function retryPath(core: Core, ctx: Context): string {
  const path = ctx.path.replace(/(\/send|\.txt)$/, '')
  return /\/(cancel|not-you|stay)$/.test(path) ? `${core.path}/${uidOf(core, ctx)}` : path
}

function uidOf(core: Core, ctx: Context): string {
  return ctx.path.slice(core.path.length + 1).split('/')[0] ?? ''
}

/** Shows the page of an error and nothing else of it. The application receives a fault by Koa's own `error` event. */
async function explain(
  core: Core,
  ctx: Context,
  error: unknown,
  { uid, retryHref }: { readonly uid: string; readonly retryHref: string | undefined },
): Promise<void> {
  const requestId = String(ctx.state.requestId ?? ctx.get('X-Request-Id') ?? '')
  const end = leadsBack(error) ? await wayBack(providerOf(core), uid) : undefined
  const answer = answerError(error, {
    requestId,
    ...aboutEnd(ctx, end),
    ...(retryHref === undefined ? {} : { retryHref }),
  })
  if (answer.fault) ctx.app.emit('error', error, ctx)
  if (isRefusedForm(error)) ctx.app.emit('mfa.form_refused', ctx, error)
  ctx.status = answer.status
  ctx.set({ ...pageHeaders({ issuer: providerOf(core).issuer }), ...answer.headers })
  ctx.type = 'html'
  ctx.body = await core.views.render(answer.page, answer.model, {
    issuerName: core.serviceName,
    locale: core.views.localeFor({ acceptLanguage: ctx.get('Accept-Language') }),
    links: linksOf(core),
  })
}
