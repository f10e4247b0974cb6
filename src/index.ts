import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Configuration, Provider } from 'oidc-provider'
import { hashBrowserToken, readBrowserTokens } from '../interactions/browser-token.ts'
import {
  given,
  mountPath,
  type Core,
  type HostAccount,
  type PersonDescription,
} from '../interactions/core.ts'
import { answerInteraction, type InteractionResults } from '../interactions/login/finish.ts'
import { wayBack } from '../interactions/way-back.ts'
import { passwordHasher, secretBox, systemClock, systemRandom } from './adapters/crypto/index.ts'
import { checkAccount } from './application/check-account.ts'
import { loadRecord, settleEvents, type Loaded } from './application/commit.ts'
import type { Dependencies } from './application/dependencies.ts'
import { importFactors, type ImportOutcome } from './application/import-factors.ts'
import type { FieldsToImport } from './application/import-fields.ts'
import * as accounts from './application/manage-accounts.ts'
import { patientStorage } from './application/patient-storage.ts'
import { resealSecrets, sealingKeys } from './application/reseal.ts'
import { restoreAccount } from './application/restore-account.ts'
import { MfaError } from './domain/errors.ts'
import type { EventType, MfaEvent } from './domain/events.ts'
import { createViews, type Views } from './http/views.ts'
import { attach } from './plugin/attach.ts'
import { configure } from './plugin/configure.ts'
import type { FirstEnrolmentFunction, SendMail } from './plugin/first-enrolment.ts'
import { parseOptions, type MfaOptions, type ParsedOptions } from './plugin/options.ts'

export { backupCodes } from './factors/backup-codes/index.ts'
export { totp, type TotpOptions } from './factors/totp/index.ts'
export type * from './factors/factor.ts'
export { IMPORT_FIELDS } from './application/import-fields.ts'
export { mailedCode } from './plugin/first-enrolment.ts'
export type {
  FirstEnrolment,
  FirstEnrolmentFunction,
  FirstEnrolmentQuestion,
  MailedCode,
  OutgoingMail,
  SendMail,
} from './plugin/first-enrolment.ts'
export type { ManageOptions, MfaOptions } from './plugin/options.ts'
export type {
  HostAccount,
  HostClient,
  PersonDescription,
  PolicyQuestion,
} from '../interactions/core.ts'
export type { FirstFactorResult, InteractionResults } from '../interactions/login/finish.ts'
export type { ImportOutcome } from './application/import-factors.ts'
export type { FieldsToImport, ImportFault, ImportWarning } from './application/import-fields.ts'
export type { AccountStatus, FactorStatus } from './application/manage-accounts.ts'
export type { EventDetail, EventType, MfaEvent } from './domain/events.ts'
export { MfaError, type ErrorCode } from './domain/errors.ts'
export { MULTI_FACTOR_ACR, PASSWORD_ACR } from './domain/policy.ts'
export type { PageModels, PageName, Render, Surroundings } from './http/pages.ts'
export type { MfaRecords, Versioned } from './ports/mfa-records.ts'
export type { OneTime } from './ports/one-time.ts'
export type { CounterAnswer, CounterLimit, Counters } from './ports/counters.ts'
export type { Storage } from './ports/storage.ts'
export type { Clock, Delivery, PasswordHasher, Random } from './ports/services.ts'

/** May return a promise: an event is kept, and offered again, until every listener has taken it. */
export type Listener = (event: MfaEvent) => unknown

export interface Mfa {
  /** The host's configuration with the second factor in it: `new Provider(issuer, mfa.configure(configuration))`. */
  configure(configuration: Configuration): Configuration
  /** The plugin's pages and routes. Right after `new Provider(...)`. */
  attach(provider: Provider): void
  /** In the login page, in place of `provider.interactionFinished`. Answers the request with a redirect. */
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<void>
  /** For JSON front ends, in place of `provider.interactionResult`. Answers where the browser goes next. */
  interactionResult(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<string>
  readonly accounts: {
    status(accountId: string): Promise<accounts.AccountStatus>
    /**
     * The epoch to read before a password is checked and to hand to `interactionFinished` with the account: what
     * was right under an older one is not accepted under a new one.
     */
    epoch(accountId: string): Promise<number>
    /** Removes every factor and ends everything live: an administrator starts a reset (R36). */
    reset(accountId: string): Promise<void>
    /** After every change of the password: it ends what the old one has signed in (R20). */
    passwordChanged(accountId: string): Promise<void>
    /** Ends sessions, grants and tokens; factors stay. For a disabled account. */
    endEverything(accountId: string, reason: string): Promise<void>
    /**
     * Seals anew, with the newest encryption key, what an older one has sealed for the account; answers whether
     * there was anything. Throws, after the rest was saved, when a value does not open.
     */
    resealSecrets(accountId: string): Promise<boolean>
    /** How many values of the account are sealed with each encryption key, by the key's id. Opens none. */
    sealingKeys(accountId: string): Promise<Readonly<Record<string, number>>>
    /** Takes over what another application kept of a person's second factor. Once; a second call changes nothing. */
    import(
      accountId: string,
      fields: FieldsToImport,
      options?: { dryRun?: boolean },
    ): Promise<ImportOutcome>
    /** Opens everything that a sign-in would open; throws what would stop it. */
    check(accountId: string): Promise<void>
    /** After a restore from a backup, for every account, before anybody signs in (R37). */
    restored(accountId: string, options?: { since?: number }): Promise<boolean>
  }
  readonly browsers: {
    /** Whether the account's owner has completed a sign-in in this browser: it is exempt from strangers' limits (R4). */
    isKnown(request: IncomingMessage, accountId: string): Promise<boolean>
    /** A wrong password came from it. At ten failures it is a stranger again. */
    failed(request: IncomingMessage, accountId: string): Promise<void>
  }
  /** Events of a decision, at least once each; `'*'` for all of them. Answers how to stop listening. */
  on(type: EventType | '*', listener: Listener): () => void
  /** From an expired interaction, by its uid, back to the app that began it; for a page that explains it. */
  wayBack(uid: string): Promise<string | undefined>
  /** The pages, mails and assets: for an application that shows its own pages in the same look. */
  readonly views: Views
  /** Resolves when what has been decided was passed on to the listeners: before closing the storage. */
  settled(): Promise<void>
}

/**
 * A second factor for an `oidc-provider`. See `MfaOptions`.
 * Throws MfaError `options-invalid` that lists every fault.
 */
export function createMfa(options: MfaOptions): Mfa {
  const parsed = parseOptions(options)
  const listeners = new Map<EventType | '*', Set<Listener>>()
  const core = coreOf(parsed, listeners)
  const { deps } = core
  const tokenHashes = (request: IncomingMessage, accountId: string): string[] =>
    readBrowserTokens(request, issuerOf(core)).map((token) => hashBrowserToken(accountId, token))

  return {
    configure: (configuration = {}) => {
      const wrapped = configure(core, configuration, {
        acknowledge: parsed.acknowledge ?? [],
        trustedGrantTypes: parsed.trustedGrantTypes ?? [],
      })
      if (configuration.findAccount !== undefined)
        findAccountOf.set(core, configuration.findAccount)
      return wrapped
    },
    attach: (provider) => attach(core, provider),
    async interactionFinished(request, response, results, finishOptions) {
      const location = await answerInteraction(core, request, response, results, finishOptions)
      response.statusCode = 303
      response.setHeader('Location', location)
      response.setHeader('Content-Length', '0')
      response.end()
    },
    interactionResult: (request, response, results, finishOptions) =>
      answerInteraction(core, request, response, results, finishOptions),
    accounts: {
      status: (accountId) => accounts.readStatus(deps, accountId),
      epoch: (accountId) => accounts.readEpoch(deps, accountId),
      reset: (accountId) => accounts.resetAccount(deps, accountId),
      passwordChanged: (accountId) => accounts.passwordChanged(deps, accountId),
      endEverything: (accountId, reason) => accounts.endEverything(deps, accountId, reason),
      resealSecrets: (accountId) => resealSecrets(deps, accountId),
      sealingKeys: (accountId) => sealingKeys(deps, accountId),
      import: (accountId, fields, importOptions) =>
        importFactors(deps, accountId, fields, importOptions),
      check: (accountId) => checkAccount(deps, accountId),
      restored: (accountId, { since } = {}) => restoreAccount(deps, accountId, since),
    },
    browsers: {
      isKnown: (request, accountId) =>
        accounts.knowsBrowser(deps, accountId, tokenHashes(request, accountId)),
      failed: (request, accountId) =>
        accounts.browserFailed(deps, accountId, tokenHashes(request, accountId)),
    },
    on(type, listener) {
      const set = listeners.get(type) ?? new Set()
      listeners.set(type, set.add(listener))
      return () => void set.delete(listener)
    },
    wayBack: async (uid) => (core.provider === undefined ? undefined : wayBack(core.provider, uid)),
    views: core.views,
    settled: () => settleEvents(deps),
  }
}

const findAccountOf = new WeakMap<Core, NonNullable<Configuration['findAccount']>>()

function coreOf(options: ParsedOptions, listeners: Map<EventType | '*', Set<Listener>>): Core {
  const { firstEnrolment } = options
  const views = viewsOf(options, () => mountPath(core))
  const send = typeof firstEnrolment === 'object' ? firstEnrolment.send : options.sendMail
  const deps: Dependencies = {
    storage: patientStorage(options.storage),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    box: secretBox({ keys: options.encryptionKeys }),
    hasher: options.hasher ?? passwordHasher(),
    mailer: send === undefined ? undefined : mailerOf(send, views, options.issuerName),
    factors: new Map(options.factors.map((factor) => [factor.id, factor])),
    // Koa's own way. Without a listener `emit` would throw; Koa adds one that prints when it begins to serve.
    report(error) {
      if ((core.provider?.listenerCount('error') ?? 0) > 0) core.provider?.emit('error', error)
    },
    async publish(events) {
      for (const event of events)
        for (const listener of [
          ...(listeners.get(event.type) ?? []),
          ...(listeners.get('*') ?? []),
        ])
          await listener(event)
    },
  }
  const records = new WeakMap<object, Map<string, Promise<Loaded>>>()
  const found = new WeakMap<object, Map<string, Promise<HostAccount | undefined>>>()
  const core: Core = {
    deps,
    issuerName: options.issuerName,
    path: options.path,
    views,
    links: options.links ?? {},
    sessionSeconds: options.sessionSeconds,
    async requires(question) {
      const { require = true } = options
      return typeof require === 'boolean' ? require : Boolean(await require(question))
    },
    async firstEnrolmentRule(question) {
      if (firstEnrolment === 'password') return 'allowed'
      const rule: FirstEnrolmentFunction =
        typeof firstEnrolment === 'function' ? firstEnrolment : firstEnrolment.rule
      return rule(question)
    },
    describe: async (account) => (options.describe ?? describeByClaims)(account),
    async mayManage(client) {
      const { clients = [] } = options.manage ?? {}
      return typeof clients === 'function'
        ? Boolean(await clients(client))
        : clients.includes(client.clientId)
    },
    manageUrl: options.manage?.url,
    async account(ctx, accountId, seenAs = ctx) {
      const { session, account } = ctx.oidc
      // The host has asked for the session's already, and would not ask twice.
      if (account !== undefined && session?.accountId === accountId) return account
      return onceFor(found, ctx, accountId, async () => {
        // Drivers answer null for nobody.
        return (await given(findAccountOf.get(core), 'findAccount')(seenAs, accountId)) ?? undefined
      })
    },
    record: (ctx, accountId) =>
      ctx === undefined
        ? loadRecord(deps, accountId)
        : onceFor(records, ctx, accountId, () => loadRecord(deps, accountId)),
    adopting: options.adopting ?? false,
    provider: undefined,
  }
  return core
}

/** One answer per request and account: the checks of one authorization must not see two states. */
function onceFor<T>(
  kept: WeakMap<object, Map<string, Promise<T>>>,
  ctx: object,
  accountId: string,
  ask: () => Promise<T>,
): Promise<T> {
  const known = kept.get(ctx) ?? new Map<string, Promise<T>>()
  kept.set(ctx, known)
  const answer = known.get(accountId) ?? ask()
  known.set(accountId, answer)
  return answer
}

function viewsOf(options: ParsedOptions, mountPath: () => string): Views {
  const views = createViews({
    assetBase: `${options.path}/assets`,
    mountPath,
    ...(options.views === undefined ? {} : { views: options.views }),
    ...(options.locale === undefined ? {} : { locale: options.locale }),
    ...(options.messages === undefined ? {} : { messages: options.messages }),
  })
  return options.render === undefined ? views : { ...views, render: options.render }
}

function mailerOf(send: SendMail, views: Views, issuer: string): Dependencies['mailer'] {
  return {
    async send({ to, template, values }) {
      await send({ to, ...views.renderMail(template, { issuer, ...values }) })
    },
  }
}

/** By the standard claims: what most applications have. */
async function describeByClaims(account: HostAccount): Promise<PersonDescription> {
  const claims = account.claims as unknown as (
    use: string,
    scope: string,
    claims: object,
    rejected: string[],
  ) => Promise<Record<string, unknown>>
  const about = await claims.call(account, 'userinfo', 'openid profile email', {}, [])
  const label = [about.preferred_username, about.email, about.name].find(
    (value) => typeof value === 'string' && value !== '',
  ) as string | undefined
  const { email, email_verified: verified } = about
  return {
    label: label ?? account.accountId,
    ...(typeof email === 'string' && verified === true ? { address: email } : {}),
  }
}

function issuerOf(core: Core): string {
  if (core.provider === undefined)
    throw new MfaError('not-attached', 'Call mfa.attach(provider) right after `new Provider(...)`')
  return core.provider.issuer
}
