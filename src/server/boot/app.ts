import type { IncomingMessage, ServerResponse } from 'node:http'
import Router from '@koa/router'
import type { Context, Next } from 'koa'
import { Provider } from 'oidc-provider'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import type { JsonObject } from '../../domain/json.ts'
import { systemClock } from '../../adapters/crypto/index.ts'
import { giveCookiesLengths } from '../../http/cookie-lifetimes.ts'
import { answerError, isRefusedForm, type ErrorAnswer } from '../../http/errors.ts'
import { addLivePages } from '../account/live-pages.ts'
import { appsOf, type Apps } from '../accounts/apps.ts'
import {
  liveSessions,
  type LiveSessions,
  type LiveSessionServices,
} from '../accounts/live-sessions.ts'
import { passwordCheck } from '../accounts/sign-in.ts'
import { signInAlone } from '../accounts/sign-in-alone.ts'
import { ClientFaults } from '../clients/validate.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { signInFactorOf } from './factors.ts'
import { clientsOf, signingKeysOf, type Foundation } from './foundation.ts'
import { homeOf } from '../../host/provider.ts'
import { oidcIn } from '../../host/context.ts'
import { addIcons } from '../pages/icons.ts'
import { addHomePage } from '../pages/home.ts'
import { retryHrefOf } from '../pages/retry.ts'
import { hostPages } from '../pages/host-pages.ts'
import { hostHeaders } from './host-headers.ts'
import { logRefusedForm, reportHost, signOutNotDelivered } from '../observe/host-events.ts'
import type { SigningKeys } from '../keys/jwks.ts'
import { addAccountLinkRoutes, addAccountPages } from '../account/index.ts'
import { accessLog, requestIdOf, type Logger } from '../observe/log.ts'
import { pathToLog } from '../observe/path-to-log.ts'
import { inRequestSpan } from '../../observe/spans.ts'
import { afterAnswers, type AfterAnswer } from '../pages/after-answer.ts'
import { addForgottenPasswordRoutes, FORGOTTEN_PATH } from '../pages/forgotten-password.ts'
import { forgottenPasswordOf, setUpLinksOf } from '../pages/links.ts'
import type { Post } from '../notices/sender.ts'
import { linksOf, serverMfa, type ServerMfa } from './mfa.ts'
import type { PolicyReload } from '../upkeep/policy-reload.ts'
import { passEventsOn } from '../notices/notices.ts'
import { pageShower, type ShowPage } from '../pages/render.ts'
import { tellScopesOfApis } from './discovery.ts'
import { scopesOfApis } from './policy.ts'
import { hostConfiguration } from './provider.ts'
import { acceptFormerSecrets } from '../../host/former-secret.ts'
import { addressNormaliser } from './proxies.ts'
import { addConsentRoutes, showConsent, type ConsentServices } from '../pages/consent.ts'
import { formGuard, interactionOf, type FormGuard } from '../pages/context.ts'
import { addHealthRoutes } from '../pages/health.ts'
import { requestLimits } from '../pages/request-limits.ts'
import { addLanguageRoute, preferChosenLanguage } from '../pages/language.ts'
import { addLoginRoutes, showLogin, type LoginServices } from '../pages/login.ts'
import { addSetUpLinkRoutes } from '../pages/set-up-link.ts'
import { addWellKnowns } from '../pages/well-knowns.ts'
import { speakAsIssuer } from './speak-as-issuer.ts'

export interface AppServices {
  readonly log: Logger
  readonly mailer?: SmtpMailer
  readonly post?: Pick<Post, 'send'>
  readonly demonstrationAccountId?: string
  readonly isStopping?: () => boolean
  /** Throws while the database has a schema with which this version may not work. */
  readonly checkSchema?: () => Promise<void>
  readonly isMailFailing?: () => Promise<boolean>
  /** The policy that follows CONFIG_FILE. Absent: that of the start stays. */
  readonly policy?: PolicyReload
  /** Whether this node differs from one that started earlier. Default: no. */
  readonly differs?: () => boolean
  /** Relying parties that are neither in the storage nor in CLIENTS_FILE: the demonstration's. */
  readonly builtInClients?: readonly JsonObject[]
}

export interface ServerApp {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly clients: ClientRegistry
  readonly sessions: LiveSessions
  readonly apps: Apps
  /** The keys that the provider signs with and publishes. A provider keeps its keys as long as it lives. */
  readonly signingKeys: SigningKeys
  /** Resolves when all events have been passed on and no work waits. */
  settled(): Promise<void>
}

/**
 * The whole server behind one function: the host, the plugin, and the few pages that neither of them has.
 * Throws ClientFaults when CLIENTS_FILE cannot be used.
 */
export async function createApp(foundation: Foundation, services: AppServices): Promise<ServerApp> {
  const { config, settings, issuer, serviceName, storage } = foundation
  const { log } = services
  const signingKeys = await signingKeysOf(foundation)
  const clients = clientsOf(foundation, signingKeys, services.builtInClients)
  await checkClientsFile(clients, log)

  const mfa = serverMfa(foundation, services)
  const show = pageShower({ views: mfa.views, issuer, serviceName, links: linksOf(settings) })
  const provider = makeProvider({ foundation, signingKeys, clients, mfa, show, log })
  const after = afterAnswers(log)
  const own: OwnPages = { foundation, services, provider, mfa, show, after }
  const live = liveOf(foundation, { provider, mfa, log })
  const sessions = liveSessions(live)
  const apps = appsOf({
    ...live,
    endAccess: (accountId, clientId) => mfa.accounts.endAccess(accountId, clientId),
  })
  addLivePages({ account: mfa.account, provider, sessions, apps, show })
  provider.use(ownRoutes(own).routes() as Parameters<Provider['use']>[0])

  const { audit, accounts } = storage
  passEventsOn({ mfa, audit, accounts, letters: foundation.letters })
  reportHost(provider, log, foundation.record)

  addAccountPages({ foundation, provider, mfa, show, sessions, after })
  const normaliseAddress = addressNormaliser(config.trustedProxies)
  const callback = provider.callback()
  return {
    handle(request, response) {
      normaliseAddress(request)
      giveCookiesLengths(response, () => systemClock.now())
      preferChosenLanguage(request, issuer)
      void callback(request, response)
    },
    provider,
    mfa,
    clients,
    sessions,
    apps,
    signingKeys,
    async settled() {
      await after.settled()
      await mfa.settled()
      await foundation.accountEvents.settled()
    },
  }
}

/** The services with which sessions and accesses of people are listed and ended. */
function liveOf(
  { storage, clock, record }: Foundation,
  {
    provider,
    mfa,
    log,
  }: { readonly provider: Provider; readonly mfa: ServerMfa; readonly log: Logger },
): LiveSessionServices {
  return {
    provider,
    records: storage.accountRecords,
    epochOf: (accountId) => mfa.accounts.epoch(accountId),
    clock,
    record,
    notTold: signOutNotDelivered(log, record),
  }
}

async function checkClientsFile(clients: ClientRegistry, log: Logger): Promise<void> {
  const faults = await clients.fileFaults()
  if (faults.length > 0) throw new ClientFaults('CLIENTS_FILE cannot be used:', faults)
  for (const { client, field } of clients.fileIgnored())
    log.warn({ client, field }, 'a member in CLIENTS_FILE is not known and has no effect')
}

interface HostParts {
  readonly foundation: Foundation
  readonly signingKeys: SigningKeys
  readonly clients: ClientRegistry
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly log: Logger
}

/** The host with the plugin in it: the one place where they meet. */
function makeProvider({ foundation, signingKeys, clients, mfa, show, log }: HostParts): Provider {
  const { config, settings, issuer, storage, clock, random } = foundation
  const { accounts } = storage
  const configuration = hostConfiguration({
    issuer,
    settings,
    signingKeys,
    accounts,
    clock,
    box: foundation.box,
    cookieKeys: config.cookieKeys,
    counters: storage.counters,
    hostRecords: storage.hostRecords,
    accountRecords: storage.accountRecords,
    refusals: foundation.refusals,
    findClient: (id) => clients.find(id),
    locales: mfa.views.locales,
    pages: hostPages({
      show,
      accounts,
      clock,
      sessionOf: (ctx) => mfa.sessionOf(ctx),
      explain: (ctx, error) => explained(mfa, ctx, error),
    }),
  })
  const provider = new Provider(issuer, mfa.configure(configuration))
  acceptFormerSecrets(provider)
  speakAsIssuer(provider, issuer)
  provider.use(traced)
  provider.use(accessLog(log, random))
  provider.use((ctx: Context, next: () => Promise<void>) =>
    foundation.causes.during({ requestId: requestIdOf(ctx) }, next),
  )
  provider.use(errorPages({ show, log, mfa }))
  provider.use(hostHeaders(issuer))
  provider.use(tellScopesOfApis(scopesOfApis(settings)))
  const { counters } = storage
  provider.use(requestLimits({ provider, mfa, show, counters, clock, limits: settings.limits }))
  mfa.attach(provider)
  return provider
}

/** The part of a trace that is one request. A path may hold a token, and a query a code (R31). */
function traced(ctx: Context, next: Next): Promise<void> {
  const request = { method: ctx.method, path: pathToLog(ctx.path), headers: ctx.req.headers }
  return inRequestSpan(request, async () => {
    await next()
    return ctx.status
  })
}

interface OwnPages {
  readonly foundation: Foundation
  readonly services: AppServices
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly after: AfterAnswer
}

/** The pages of the server: health, login, consent, and links that set a password. */
function ownRoutes(own: OwnPages): Router {
  const { foundation, services, provider, mfa, show } = own
  const { storage, box, issuer, record } = foundation
  const forms = formGuard(box, issuer)
  const login = loginOf(own, forms)
  const consent: ConsentServices = {
    provider,
    mfa,
    accounts: storage.accounts,
    show,
    forms,
    record,
    box,
  }
  const router = new Router()
  addHealthRoutes(router, {
    checkSchema: services.checkSchema ?? (async () => undefined),
    checkWritable: () => storage.checkWritable(),
    isStopping: services.isStopping ?? (() => false),
    isPolicyStale: () => services.policy?.isStale === true,
    isMailFailing: services.isMailFailing ?? (async () => false),
    isDrifting: () => foundation.settings.cluster.strict && services.differs?.() === true,
    log: services.log,
  })
  router.get('/interaction/:uid', async (ctx) => {
    const interaction = await interactionOf(provider, ctx, ctx.params['uid'])
    if (interaction.prompt.name === 'consent') return showConsent(consent, ctx, interaction)
    await interactionOf(provider, ctx, ctx.params['uid'], 'login')
    return showLogin(login, ctx, interaction)
  })
  addHomePage(router, show)
  addIcons(router, mfa.views.assets)
  addWellKnowns(router, {
    issuer,
    passkeys: foundation.settings.passkeys,
    passwordPath: `${mfa.account.path}/password`,
  })
  addLoginRoutes(router, login)
  addLanguageRoute(router, { provider, views: mfa.views, forms, issuer })
  addConsentRoutes(router, consent)
  addAccountLinkRoutes(router, { foundation, mfa, show, forms })
  addSetUpLinkRoutes(router, {
    links: setUpLinksOf(foundation, mfa),
    show,
    forms,
    issuer,
    refusals: foundation.refusals,
    minimumLength: foundation.minimumPasswordLength,
  })
  addForgottenPassword(router, own, forms)
  return router
}

function addForgottenPassword(
  router: Router,
  { foundation, mfa, show, after }: OwnPages,
  forms: FormGuard,
): void {
  const { issuer, clock, random, storage, settings, minimumPasswordLength } = foundation
  addForgottenPasswordRoutes(router, {
    forgotten: forgottenPasswordOf(foundation, mfa),
    mfa,
    after,
    show,
    forms,
    issuer,
    clock,
    random,
    minimumLength: minimumPasswordLength,
    counters: storage.counters,
    limits: settings.limits,
  })
}

function loginOf(own: OwnPages, forms: FormGuard): LoginServices {
  const { foundation, provider, mfa, show } = own
  const { storage, passwords, clock, record, refusals, settings, issuer } = foundation
  return {
    provider,
    mfa,
    show,
    forms,
    now: () => clock.now(),
    forgottenHref: FORGOTTEN_PATH,
    signInFactor: signInFactorOf(settings, issuer),
    checkAlone: signInAlone({
      counters: storage.counters,
      clock,
      refusals,
      limits: settings.passwords,
    }),
    checkPassword: passwordCheck({
      accounts: storage.accounts,
      counters: storage.counters,
      hasher: passwords,
      clock,
      record,
      refusals,
      limits: settings.passwords,
      epochOf: (accountId) => mfa.accounts.epoch(accountId),
    }),
  }
}

/** Turns an error, and a request that no route answers, into a page that says no more than a person needs. */
function errorPages({ show, log, mfa }: { show: ShowPage; log: Logger; mfa: ServerMfa }) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next()
      if (ctx.status !== 404 || ctx.body || ctx.headerSent || ctx.res.writableEnded) return
      await show(ctx, 'not-found', {}, { status: 404 })
    } catch (error) {
      const answer = await explained(mfa, ctx, error)
      if (answer.fault) log.error({ requestId: requestIdOf(ctx), error })
      if (isRefusedForm(error)) logRefusedForm(log, ctx, error)
      if (ctx.headerSent) return void ctx.res.destroy()
      await show(ctx, answer.page, answer.model, { status: answer.status, headers: answer.headers })
    }
  }
}

/**
 * Explains an error. The page has a way on: another try, or back to the app, which the request or its interaction names.
 */
async function explained(mfa: ServerMfa, ctx: Context, error: unknown): Promise<ErrorAnswer> {
  const requestId = requestIdOf(ctx)
  const retryHref = retryHrefOf(ctx)
  const retry = retryHref === undefined ? {} : { retryHref }
  const answer = answerError(error, { requestId, ...retry })
  if (answer.page !== 'expired' && answer.page !== 'error') return answer
  const [, uid] = /^\/(?:interaction|auth|device)\/([\w-]+)/.exec(ctx.path) ?? []
  const end = uid === undefined ? undefined : await mfa.wayBack(uid)
  const href = end?.href ?? appOf(ctx)
  return answerError(error, {
    requestId,
    ...retry,
    answered: end?.answered === true && ctx.method !== 'POST',
    ...(href === undefined ? {} : { wayBack: href }),
  })
}

/** The address of the app that the host has found in a request. */
function appOf(ctx: Context): string | undefined {
  const client = oidcIn(ctx)?.client
  return client === undefined ? undefined : homeOf(client)
}
