import type { FileValues } from '../../../config/schema.ts'
import {
  createMfa,
  mailedCode,
  type FirstEnrolment,
  type FirstEnrolmentFunction,
  type Mfa,
  type PolicyQuestion,
} from '../../index.ts'
import { DAY_SECONDS, HOUR_SECONDS } from '../../domain/time.ts'
import type { Account } from '../../ports/accounts.ts'
import { demandIn, type ClientDemand } from '../clients/mfa-metadata.ts'
import type { PolicyReload } from '../upkeep/policy-reload.ts'
import { noteRecovery } from '../upkeep/recoveries.ts'
import { rememberLanguage } from '../accounts/language.ts'
import { spendEnrolmentProof, voidSetUpLinks } from '../accounts/people.ts'
import { ACCOUNT_PATH } from '../pages/account.ts'
import { HOME_PATH } from '../pages/home.ts'
import type { Post } from '../notices/sender.ts'
import { shownProof } from '../pages/proof-cookie.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import { levelsIn, serverFactors } from './factors.ts'
import type { Foundation } from './foundation.ts'
import { policyIn } from './policy.ts'
import type { Subject } from '../accounts/subject.ts'

export type ServerMfa = Mfa

export interface MfaServices {
  /** Absent: no mail is set. It alone proves an address for a first factor (R10). */
  readonly mailer?: SmtpMailer
  /** Where the codes of a recovery go: the mail server, or the outbox of a development server. Default: `mailer`. */
  readonly post?: Pick<Post, 'send'>
  /**
   * The demonstration's account. It may set up its first factor with the password alone, which the server says at its
   * start.
   */
  readonly demonstrationAccountId?: string
  /** The policy that follows CONFIG_FILE. Absent: that of the start stays. */
  readonly policy?: Pick<PolicyReload, 'follow'>
}

/** R10: for this long after an account was made, its first sign-in may set up a factor with the password alone. */
const FIRST_SIGN_IN_SECONDS = 72 * HOUR_SECONDS
/** R9: a younger address is no second proof. */
const YOUNG_ADDRESS_SECONDS = 7 * DAY_SECONDS

/** The plugin as this server uses it: through its public entry, like any other application. */
export function serverMfa(foundation: Foundation, services: MfaServices = {}): ServerMfa {
  const { config, settings, serviceName, storage, hasher, clock, random, meterProvider } =
    foundation
  const { mailer, post = mailer } = services
  const mfa: ServerMfa = createMfa({
    issuerName: serviceName,
    storage,
    encryptionKeys: config.encryptionKeys,
    factors: serverFactors(settings, foundation.issuer),
    account: { path: ACCOUNT_PATH },
    // findAccount knows disabled accounts: the host fails on a session without an account.
    maySignIn: (account) => !(account as unknown as Subject).disabled,
    // The login page counts refusals together with those of passwords, and shows itself again.
    signInRoutes: false,
    require: (question) => demandsOf(settings, question),
    ...levelsIn(settings),
    policy: policyIn(settings),
    firstEnrolment: firstEnrolmentOf(foundation, services, (accountId) =>
      mfa.accounts.status(accountId),
    ),
    describe: (account) => (account as unknown as Subject).person,
    ...(post === undefined ? {} : { sendMail: (mail) => post.send(mail) }),
    locale: settings.service.locale,
    ...(settings.service.views === undefined ? {} : { views: settings.service.views }),
    links: linksOf(settings),
    recovery: settings.recovery,
    youngSeconds: settings.mfa.youngSeconds,
    sessionSeconds: settings.sessions.longestSeconds,
    sessions: { setUpSeconds: settings.sessions.setUpSeconds },
    hasher,
    clock,
    random,
    cause: () => foundation.causes.present(),
    ...(meterProvider === undefined ? {} : { meterProvider }),
  })
  services.policy?.follow(mfa)
  mfa.on('*', (event) => rememberLanguage(storage.accounts, event))
  mfa.on('signed-in', ({ accountId, at }) => spendEnrolmentProof(storage.accounts, accountId, at))
  mfa.on('recovery-started', ({ accountId }) => noteRecovery(storage.settings, accountId))
  mfa.on('account-locked-by-owner', ({ accountId }) => voidSetUpLinks(storage.accounts, accountId))
  return mfa
}

/** The links of each page, as far as they are set. The root of the issuer is a page of the server. */
export function linksOf({ service }: FileValues): Record<string, string> {
  const { help, privacy, terms } = service
  return Object.fromEntries(
    Object.entries({ home: HOME_PATH, help, privacy, terms }).filter(
      (link): link is [string, string] => link[1] !== undefined,
    ),
  )
}

/**
 * The demands beside the rules of the policy: `mfa.required` and the client's own `mfa`. A client can ask for more than
 * the server does, and never for less.
 */
function demandsOf(
  { mfa }: FileValues,
  { account, client }: PolicyQuestion,
): false | readonly ({ readonly name: string } & ClientDemand)[] {
  const ofClient = demandIn(client['mfa'])
  const demands = [
    ...(isRequired(mfa.required, account) ? [{ name: 'mfa.required' }] : []),
    ...(ofClient === undefined ? [] : [{ name: 'mfa of the client', ...ofClient }]),
  ]
  return demands.length > 0 && demands
}

function isRequired(
  required: FileValues['mfa']['required'],
  account: PolicyQuestion['account'],
): boolean {
  if (required === 'everybody') return true
  if (required === 'optional') return false
  const { groups } = account as unknown as Subject
  return required.some((group) => groups.includes(group))
}

/**
 * Whether an imported person without a factor can sign in with their password: no second factor is asked of them, or they
 * can prove who they are before they set one up. An import is never the first sign-in (R10).
 */
export function hasWayIn(
  settings: FileValues,
  { isMailSet, person, mustEnrol }: ImportedWithoutFactor,
): boolean {
  const { required, firstEnrolment } = settings.mfa
  const isAsked =
    mustEnrol ||
    required === 'everybody' ||
    (required !== 'optional' && required.some((group) => person.groups.includes(group)))
  if (!isAsked || firstEnrolment === 'password') return true
  const mails = isMailSet && firstEnrolment !== 'first-sign-in'
  return mails && person.email !== undefined && person.emailVerified
}

export interface ImportedWithoutFactor {
  readonly isMailSet: boolean
  /** A second factor was on, and none of it came along. */
  readonly mustEnrol: boolean
  readonly person: {
    readonly email?: string
    readonly emailVerified: boolean
    readonly groups: readonly string[]
  }
}

type Status = Awaited<ReturnType<Mfa['accounts']['status']>>

function firstEnrolmentOf(
  foundation: Foundation,
  services: MfaServices,
  statusOf: (accountId: string) => Promise<Status>,
): FirstEnrolment {
  const { settings, storage, clock, issuer } = foundation
  const { mailer, demonstrationAccountId } = services
  if (settings.mfa.firstEnrolment === 'password') return 'password'
  const mails = mailer !== undefined && settings.mfa.firstEnrolment !== 'first-sign-in'

  const rule: FirstEnrolmentFunction = async ({ account: { accountId }, firstSignIn }) => {
    const account = (await storage.accounts.byId(accountId))?.account
    if (account === undefined) return 'refused'
    const now = clock.now()
    if (accountId === demonstrationAccountId) return 'password'
    if (isProved(account, await statusOf(accountId), { now, browser: shownProof(issuer) }))
      return 'allowed'
    if (mails && isMailboxProof(account, now)) return 'mailed-code'
    return firstSignIn && isFresh(account, now) ? 'password' : 'refused'
  }
  return mails ? mailedCode((mail) => mailer.send(mail), rule) : rule
}

/**
 * Whether a set-up link was used in this browser within the last hour, and nobody has since enrolled, reset or signed
 * in. First factors and resets raise the epoch. Sign-ins do not raise it but take the proof away. The first sign-in ever
 * is compared here as well, since its time is recorded before its proof is taken away. A person who knows only the
 * password, in another browser, proves nothing.
 */
function isProved(
  { enrolmentProof: proof }: Account,
  status: Status,
  { now, browser }: { readonly now: number; readonly browser: string | undefined },
): boolean {
  return (
    proof !== undefined &&
    now < proof.until &&
    browser === proof.browser &&
    status.epoch === proof.epoch &&
    (status.firstSignInAt === undefined || status.firstSignInAt < proof.usedAt)
  )
}

/**
 * Whether a code mailed to the account's address proves more than its password (R10). It does not if the same mailbox
 * has set the password. Nor does a new address: where the account has no factor, the password alone has changed it, and
 * a mailbox that has set the password could lead on to another one.
 */
function isMailboxProof(
  { email, emailVerified, emailVerifiedAt, passwordOrigin, passwordMailedTo }: Account,
  now: number,
): boolean {
  if (email === undefined || !emailVerified) return false
  if (emailVerifiedAt === undefined) return passwordOrigin !== 'mail' || passwordMailedTo !== email
  return passwordOrigin !== 'mail' && now >= emailVerifiedAt + YOUNG_ADDRESS_SECONDS
}

/**
 * Whether an administrator set the password of a new account. False after an import or a reset: somebody else may
 * have set or known that password.
 */
function isFresh({ createdAt, passwordOrigin }: Account, now: number): boolean {
  return passwordOrigin === 'administrator' && now < createdAt + FIRST_SIGN_IN_SECONDS
}
