import type { Configuration } from 'oidc-provider'
import {
  mountPath,
  type Core,
  type HostAccount,
  type PersonDescription,
} from '../../interactions/core.ts'
import { ACCOUNT_CLIENT_ID } from '../account/client.ts'
import { passwordHasher, secretBox, systemClock, systemRandom } from '../adapters/crypto/index.ts'
import { loadRecord, type Loaded } from '../application/commit.ts'
import type { Dependencies } from '../application/dependencies.ts'
import type { Demand } from '../application/policy-input.ts'
import { patientStorage } from '../application/patient-storage.ts'
import { ACCOUNT_PAGES } from '../domain/policy/built-in.ts'
import { ownAccount } from '../host/account.ts'
import { given } from '../host/given.ts'
import { measuredPort } from '../observe/port.ts'
import { measuresOf } from '../observe/measures.ts'
import { createViews, type Views, type ViewsOptions } from '../http/views.ts'
import { demandsIn } from './demands.ts'
import type { FirstEnrolmentFunction, SendMail } from './first-enrolment.ts'
import { networkTest } from './networks.ts'
import type { ParsedOptions } from './options.ts'

/** Parts of the plugin that the core needs and that are known later than the options. */
export interface Joined {
  /** The application's own function, from the configuration that was wrapped. */
  findAccount(): Configuration['findAccount']
  publish: Dependencies['publish']
  /** The rules of the parts of the product that a sign-in does not know. */
  readonly rules: Dependencies['rules']
  readonly notices: Core['notices']
}

/** Makes the core, which pages, prompt and guards share, from the options of `createMfa`. */
export function coreOf(options: ParsedOptions, joined: Joined): Core {
  const { findAccount, notices } = joined
  const { firstEnrolment } = options
  // Errors go to Koa's own event. Without a listener `emit` would throw; Koa adds one that prints when it begins to
  // serve.
  const report = (error: unknown): void => {
    if ((core.provider?.listenerCount('error') ?? 0) > 0) core.provider?.emit('error', error)
  }
  const views = viewsOf(options, { mountPath: () => mountPath(core), report })
  const deps = dependenciesOf(options, { ...joined, views, report })
  const records = new WeakMap<object, Map<string, Promise<Loaded>>>()
  const found = new WeakMap<object, Map<string, Promise<HostAccount | undefined>>>()
  const core: Core = {
    deps,
    issuerName: options.issuerName,
    serviceName: serviceNameOf(options),
    path: options.path,
    views,
    notices,
    links: options.links ?? {},
    sessionSeconds: options.sessionSeconds,
    recovers: options.recovers,
    policy: options.inForce,
    upstream: options.upstreamTrust,
    demands: (question) => demandsOf(options, question),
    groupsOf: async (account) => {
      const { rules, shadow } = options.inForce.present()
      if (![...rules, ...shadow].some(({ when }) => when.group !== undefined)) return []
      return (await core.describe(account)).groups ?? []
    },
    isWithin: networkTest,
    isFirstParty: (client) =>
      client['first_party'] === true || client.clientId === ACCOUNT_CLIENT_ID,
    firstEnrolmentRule: async (question) => firstEnrolmentRule(firstEnrolment, question),
    describe: async (account) => (options.describe ?? describeByClaims)(account),
    maySignIn: async (account) => options.maySignIn?.(account) ?? true,
    mayManage: (client) => mayManage(options, client),
    manageUrl: options.manage?.url,
    accountSite: accountSiteOf(options, deps),
    async account(ctx, accountId, seenAs = ctx) {
      const { session, account } = ctx.oidc
      // The host has already asked for the account of the session.
      if (account !== undefined && session?.accountId === accountId) return ownAccount(account)
      return onceFor(found, ctx, accountId, async () => {
        // Database drivers answer null where there is no account.
        return (await given(findAccount(), 'findAccount')(seenAs, accountId)) ?? undefined
      })
    },
    record: (ctx, accountId) =>
      ctx === undefined
        ? loadRecord(deps, accountId)
        : onceFor(records, ctx, accountId, () => loadRecord(deps, accountId)),
    adopting: options.adopting ?? false,
    taken: nothingTaken(),
    sessionCookie: undefined,
    interactionUrl: undefined,
    provider: undefined,
  }
  return core
}

function nothingTaken(): Core['taken'] {
  return {
    configured: false,
    adapter: false,
    firstFactorPrompts: new Set(),
    policy: new WeakSet(),
  }
}

function dependenciesOf(
  options: ParsedOptions,
  joined: Pick<Joined, 'publish' | 'rules'> & {
    readonly views: Views
    readonly report: Dependencies['report']
  },
): Dependencies {
  const { publish, rules, views, report } = joined
  const { firstEnrolment } = options
  const send = typeof firstEnrolment === 'object' ? firstEnrolment.send : options.sendMail
  const storage = patientStorage(options.storage)
  const measures = measuresOf({
    meterProvider: options.meterProvider,
    factors: options.factors.map(({ id }) => id),
  })
  return {
    storage: { ...storage, records: measuredPort(storage.records, 'records', measures) },
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    box: secretBox({ keys: options.encryptionKeys }),
    hasher: options.hasher ?? passwordHasher({}, measures),
    mailer: send === undefined ? undefined : mailerOf(send, views, options),
    factors: new Map(options.factors.map((factor) => [factor.id, factor])),
    setUpSeconds: options.setUpSeconds,
    recovery: options.recoverySettings,
    rules,
    measures,
    report,
    cause: options.cause,
    publish,
  }
}

function serviceNameOf({ theme, issuerName }: ParsedOptions): string {
  return theme?.name ?? issuerName
}

function accountSiteOf({ account }: ParsedOptions, { random }: Dependencies): Core['accountSite'] {
  if (account === undefined) return undefined
  const clientSecret = Buffer.from(random.bytes(32)).toString('base64url')
  return { ...account, clientSecret, terms: undefined }
}

async function demandsOf(
  options: ParsedOptions,
  question: Parameters<Core['demands']>[0],
): ReturnType<Core['demands']> {
  return [...(await ownDemands(options, question)), ...demandsOfPages(options, question)]
}

async function ownDemands(
  { require = true, inForce }: ParsedOptions,
  question: Parameters<Core['demands']>[0],
): ReturnType<Core['demands']> {
  const answer = typeof require === 'boolean' ? require : await require(question)
  return demandsIn(answer, inForce.levels)
}

/** A trusted browser opens no page where people manage their account (R14). The rule asks for no level of its own. */
function demandsOfPages(
  { inForce }: ParsedOptions,
  { client }: Parameters<Core['demands']>[0],
): readonly Demand[] {
  if (client.clientId !== ACCOUNT_CLIENT_ID) return []
  const { acr } = inForce.levels[0]
  return [{ name: ACCOUNT_PAGES, require: acr, trustedBrowserSeconds: 'never' }]
}

function firstEnrolmentRule(
  firstEnrolment: ParsedOptions['firstEnrolment'],
  question: Parameters<Core['firstEnrolmentRule']>[0],
): ReturnType<FirstEnrolmentFunction> | 'password' {
  if (firstEnrolment === 'password') return 'password'
  return typeof firstEnrolment === 'function'
    ? firstEnrolment(question)
    : firstEnrolment.rule(question)
}

async function mayManage(
  { manage, account }: ParsedOptions,
  client: Parameters<Core['mayManage']>[0],
): Promise<boolean> {
  if (account !== undefined && client.clientId === ACCOUNT_CLIENT_ID) return true
  const clients = manage?.clients ?? []
  return typeof clients === 'function'
    ? Boolean(await clients(client))
    : clients.includes(client.clientId)
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

function viewsOf(
  options: ParsedOptions,
  later: Required<Pick<ViewsOptions, 'mountPath' | 'report'>>,
): Views {
  return createViews({
    factors: options.factors,
    assetBase: `${options.path}/assets`,
    ...later,
    ...(options.theme === undefined ? {} : { theme: options.theme }),
    ...(options.views === undefined ? {} : { views: options.views }),
    ...(options.locale === undefined ? {} : { locale: options.locale }),
    ...(options.messages === undefined ? {} : { messages: options.messages }),
    ...(options.render === undefined ? {} : { render: options.render }),
  })
}

function mailerOf(send: SendMail, views: Views, options: ParsedOptions): Dependencies['mailer'] {
  const issuer = serviceNameOf(options)
  const { links } = options
  // A mail has no address of its own to which a path could belong.
  const help = /^https?:/.test(links?.help ?? '') ? { helpUrl: links?.help ?? '' } : {}
  return {
    async send({ to, template, locale, values }) {
      await send({ to, ...views.renderMail(template, { issuer, ...help, ...values }, locale) })
    },
  }
}

/** Takes label, address and language from the standard claims, which most applications have. */
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
  const { email, email_verified: verified, locale } = about
  return {
    label: label ?? account.accountId,
    ...(typeof email === 'string' && verified === true ? { address: email } : {}),
    ...(typeof locale === 'string' ? { language: locale } : {}),
  }
}
