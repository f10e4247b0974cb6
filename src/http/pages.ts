import type { ShutReason } from '../domain/doors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { RecoveryRefusal } from '../domain/recovery.ts'
import type { Instant } from '../domain/time.ts'
import type { EnrolPageName, OfferPageName, VerifyPageName } from '../factors/factor-pages.ts'
import type { TotpDescriptions } from '../factors/totp/index.ts'

/**
 * Every page of the product by its stable name (`body[data-page]`) with the model its template gets.
 * A template of the application's own in its `views` folder gets the same model.
 *
 * Text is in views/messages/<locale>.json; a model holds values, never sentences. `action` and `href`
 * values are paths of this server. Each form posts `csrf` besides its own fields.
 */
export interface PageModels {
  login: {
    action: string
    csrf: string
    username: string
    error?: LoginError
    /** The page where a person can reset a forgotten password, if there is one. */
    forgottenHref?: string
    /** The HTML of a form that signs in without a password, as `mfa.passkeySignIn` answers it. */
    signInForm?: string
    /** That form was refused, and says so. */
    refusal?: boolean
    /** Leads back to the app without signing in. */
    cancelAction?: string
    /**
     * The other languages of the page, each by its own name. POST `{ csrf, language }` to `action`, where `language` is a
     * `tag`. Absent where a choice would have no effect.
     */
    languages?: {
      action: string
      csrf: string
      others: readonly { tag: string; name: string }[]
    }
  }
  /**
   * A response of a form on the application's login page was refused. `signInForm`: the HTML of that form, with a fresh
   * challenge; `backHref`: the login page.
   */
  'sign-in-refused': { signInForm: string; backHref: string }
  'mfa-choose': {
    csrf: string
    /** `enrol`: the person has no factor yet; `verify`: the person chooses another factor to verify. */
    mode: 'enrol' | 'verify'
    reason: ChooseReason
    /** In the order in which they are shown. POST `{ csrf, factor }` to `action`, the button carries `data-factor`. */
    methods: readonly Method[]
    action: string
    cancelAction: string
    /** `over`: the person wanted to put the set-up off after its last day. */
    error?: 'over'
  }
  /**
   * A rule asks for a factor, and the set-up can still be put off: the page `mfa-choose` with one more button. POST
   * `{ csrf }` to `laterAction`; the button carries `data-later`.
   */
  'enrol-later': {
    csrf: string
    mode: 'enrol'
    /** `redundancy`: a second authenticator of another device; `change`: another one than the person has. */
    reason: 'policy' | 'change' | 'redundancy'
    methods: readonly Method[]
    action: string
    cancelAction: string
    laterAction: string
    /** A moment of the last day on which the set-up can be put off. */
    lastDay: Instant
  }
  /** The app asked for a higher level than the person can reach. POST `{ csrf, answer: 'set-up' | 'not-now' }`. */
  'mfa-offer': {
    csrf: string
    action: string
    /** Whether a second factor can be set up now. */
    canSetUp: boolean
    /** The app has got three answers below that level in a minute, and asks again. */
    repeated: boolean
  }
  /** The proof that a first enrolment asks for (R10): a code mailed to the verified address. */
  'owner-proof': {
    csrf: string
    /** Masked: `m•••@example.com`. */
    address: string
    /** If `delivery.sentTo` is absent, the page offers to send a code; otherwise it asks for the code. */
    delivery: DeliveryModel
    action: string
    cancelAction: string
    error?: OwnerCodeError
  }
  /**
   * Explains recovery to a person who has lost every factor. POST `{ csrf, address }` to `action` mails a code; `address`
   * is the place in `addresses`. With `refused` nothing can be begun here, and the page says whom to ask.
   */
  recovery: {
    csrf: string
    /** Absent: there is nothing to do here but to go back. */
    action?: string
    backHref: string
    /** Masked. */
    addresses: readonly string[]
    waitSeconds?: number
    bindSeconds?: number
    refused?: RecoveryReason
    /** When a refusal ends. */
    until?: Instant
  }
  /** The mailed code of recovery. POST `{ csrf, code }` to `action`. */
  'recovery-proof': {
    csrf: string
    action: string
    backHref: string
    delivery: DeliveryModel
    error?: OwnerCodeError
    /** Too many wrong codes: seconds after which one is examined again. */
    closedSeconds?: number
  }
  /**
   * A recovery is in progress. With `action` the person has just proved a factor: POST `{ csrf, do: 'cancel-recovery' }`
   * cancels it, any other `do` goes on. With `byMail` the person comes from a notice, and there is nothing to go on to.
   */
  'recovery-status': {
    csrf: string
    action?: string
    byMail?: boolean
    backHref?: string
    state: 'waiting' | 'open'
    /** The end of the wait, or of the time in which a replacement can be bound. */
    until: Instant
  }
  /**
   * The wait is over. Without `methods`, POST `{ csrf, address }` to `action` mails a code; with them, POST `{ csrf, factor
   * }` begins the set-up of the replacement.
   */
  'recovery-bind': {
    csrf: string
    action: string
    backHref: string
    /** Masked. */
    addresses: readonly string[]
    methods?: readonly Method[]
  }
  /**
   * POST `{ csrf }` to `action` goes on to the app. Without it the person came from a mail, and `href` leads to the sign-in,
   * where it is known.
   */
  'recovery-cancelled': { csrf?: string; action?: string; href?: string }
  /** The recovery that the link of a notice names is over, or the link is incomplete or forged. */
  'recovery-over': { /** Leads to the sign-in, where it is known. */ href?: string }
  /** No proof is possible here (no verified address, link expired). The page says whom to ask. */
  'enrolment-refused': { cancelAction: string; csrf: string }
  'totp-enrol': EnrolModel<TotpDescriptions['enrolment']>
  'totp-verify': VerifyModel<TotpDescriptions['verification']>
  'backup-code-verify': VerifyModel
  'imported-codes-verify': VerifyModel
  'backup-codes': {
    csrf: string
    action: string
    codes: readonly string[]
    downloadHref: string
    /** `SERVICE-backup-codes-YYYY-MM-DD.txt` */
    downloadName: string
    error?: 'not-confirmed'
  }
  'backup-codes-low': {
    csrf: string
    action: string
    remaining: number
    /** Where the person can make new ones, if the application has such a page. */
    manageHref?: string
    /** To the replacement of a lost device, where the person can replace it. Carries data-replace. */
    replaceHref?: string
  }
  /** Enough backup codes are left. POST `{ csrf }` to `action` goes on. */
  'backup-code-used': {
    csrf: string
    action: string
    remaining: number
    /** Carries data-replace. */
    replaceHref: string
  }
  /** Explains the removal of an authenticator. POST `{ csrf }` to `action`. */
  'factor-remove': ChangeModel
  /** The removal is refused: no other authenticator of the person would be left. */
  'factor-remove-refused': Omit<ChangeModel, 'action'>
  /** The account does not allow the change now. `until`: when it does again; absent if time alone does not help. */
  'factor-change-shut': {
    csrf: string
    cancelAction: string
    reason: ShutReason
    until?: Instant
  }
  /**
   * POST `{ csrf, name }` to `action`. On the account pages there is no `cancelAction` but `backHref`, and the form
   * posts `{ do: 'rename', id }` too.
   */
  'factor-rename': Omit<ChangeModel, 'cancelAction'> & {
    cancelAction?: string
    backHref?: string
    id?: string
    error?: 'nameless' | 'too-long'
    /** With `error`: the name as it was typed. */
    typed?: string
  }
  /** New look-up secrets replace the present ones. POST `{ csrf }` to `action`. */
  'factor-renew': Omit<ChangeModel, 'name'> & { remaining?: number }
  /** The authenticator that was just used ends after this time; its owner has to set up another before. */
  'factor-ends': { csrf: string; action: string; endsInSeconds: number }
  consent: {
    csrf: string
    action: string
    refuseAction: string
    /** Scope names that the person is asked to grant; texts in the catalogue, unknown ones shown as they are. */
    scopes: readonly string[]
    claims: readonly string[]
    resources: readonly { indicator: string; scopes: readonly string[] }[]
    /** The app can act when the person is away (refresh token). */
    offline: boolean
    /** The app's own pages, as it has registered them: `client_uri`, `policy_uri`, `tos_uri`. Absent: it has none. */
    about?: { website?: string; privacy?: string; terms?: string }
  }
  locked: {
    /**
     * `code`: too many wrong codes; `password-suspected`: R2; `codes-disabled`: R1; `factor-ended`: every
     * authenticator of this factor has reached its end.
     */
    reason: 'code' | 'password-suspected' | 'codes-disabled' | 'factor-ended'
    /** Seconds to wait; also in Retry-After. Absent where waiting does not help. */
    retryAfterSeconds?: number
    /** Where the person can try again after the wait. */
    retryHref?: string
    /** To the choice of a factor, where another factor of the person is open now. Carries data-other-way. */
    otherWayHref?: string
    csrf?: string
    cancelAction?: string
    /** To recovery, where it is offered. Carries data-lost. */
    lostHref?: string
  }
  /**
   * The owner's view of the account. Each form posts `{ csrf, do }` to `action`, with `factor` for `add` and `renew`, and
   * with `id` for `remove` and `rename`.
   */
  account: {
    csrf: string
    action: string
    /** The sentence about the change before: `account.said-SAID` of the catalogue. */
    said?: string
    /**
     * A factor was added beside others, and other sessions go on. POST `{ csrf, do: 'sign-out-elsewhere' }` to `action`
     * ends them.
     */
    othersGoOn?: true
    /** The owner has locked the account, and it has no factor whose proof could end the lock. */
    locked?: true
    methods: readonly ManagedMethod[]
    /**
     * The account lacks these. `codes`: backup codes that are left; `second`: a second device. Empty without a factor,
     * because everything is missing then.
     */
    lacks: readonly ('codes' | 'second')[]
    /** Factors of which one more can be set up. */
    addable: readonly string[]
    /** Factors of which a new set can be issued. */
    renewable: readonly string[]
    /** The last sign-ins, one for each known browser, the newest first. */
    signIns: readonly (Omit<ShownBrowser, 'id' | 'firstAt' | 'lastAt'> & { at: Instant })[]
    /**
     * The other pages under their headings, `account.group-NAME` of the catalogue. `account.page-NAME` has the text of a
     * page.
     */
    groups: readonly {
      name: 'sign-in' | 'access' | 'more'
      pages: readonly { name: string; href: string }[]
    }[]
    /** Links of the application's own, under the heading `more`. */
    ownLinks: readonly { href: string; text: string }[]
    /** POST `{ csrf, do: 'lock' }` to it signs out everywhere and locks changes. */
    lockAction: string
    /** To the page that turns the second factor off. Absent where there is none. */
    turnOffHref?: string
    /** Absent where the application has turned the host's sign-out off. */
    signOutHref?: string
  }
  /** Nobody is signed in to the account page: the person cancelled, or the answer belongs to another browser. */
  /**
   * POST `{ csrf, do: 'turn-off' }` to `action`. `refusal`: why it cannot be turned off; the page has no button then.
   * `nothing`: there is no second factor. `until`: when the account allows it again.
   */
  'account-turn-off': {
    csrf: string
    action: string
    backHref: string
    refusal?: 'policy' | 'nothing' | ShutReason
    until?: Instant
  }
  'account-closed': { /** Where to begin again. */ href: string }
  /** The events of the account. POST `{ csrf, do: 'export' }` to `action` downloads the person's security data. */
  'account-activity': {
    csrf: string
    action: string
    /** How far back the events go. */
    days: number
    /** The newest first; `activity.TYPE` of the catalogue has the sentence. */
    events: readonly {
      type: string
      at: Instant
      factor?: string
      name?: string
      app?: string
      browser?: { browser: string; system?: string }
      place?: string
      count?: number
    }[]
    nextHref?: string
    lockHref: string
    overviewHref: string
  }
  /** POST `{ csrf, do: 'lock' }` to `action` does what the page of a notice does. */
  'account-lock': { csrf: string; action: string; overviewHref: string }
  /** The language of pages and mails. POST `{ csrf, do: 'language', language }`; empty: that of the browser. */
  'account-language': {
    csrf: string
    action: string
    said?: string
    languages: readonly { tag: string; name: string }[]
    /** Absent: the person has chosen none. */
    chosen?: string
    overviewHref: string
  }
  /** A notice leads here: the person did not do what it says. POST `{ csrf }` to `action` locks the account. */
  'not-me': { csrf: string; action: string }
  /** The account is locked. Tells what to do next. */
  'not-me-done': { /** Leads to the sign-in, where it is known. */ href?: string }
  /** The link of a notice is over, incomplete or forged. */
  'not-me-expired': { /** Leads to the sign-in, where it is known. */ href?: string }
  /**
   * The sessions in which the person is signed in, this one first. The forms post `{ csrf, do }` to `action`, with `id`
   * for `end-session`; `end-all` ends all others.
   */
  'account-sessions': {
    csrf: string
    action: string
    /** The effect of the change before: a sentence of the catalogue, `account.said-SAID`. */
    said?: string
    sessions: readonly ShownSession[]
    /** The security settings. */
    accountHref: string
  }
  /**
   * The browsers that the account knows, this one first, and those that are trusted. The forms post `{ csrf, do, id }` to
   * `action`: `revoke-browser` forgets a known one, `revoke-trust` ends the trust in one, and `revoke-all-trust`, without
   * `id`, in all of them.
   */
  'account-browsers': {
    csrf: string
    action: string
    said?: string
    browsers: readonly ShownBrowser[]
    /** Those that are not asked for the second factor. */
    trustedOnes: readonly ShownTrustedBrowser[]
    /** The security settings. */
    accountHref: string
  }
  /** The apps with access. The forms post `{ csrf, do: 'revoke-app', id }` to `action`. */
  'account-apps': {
    csrf: string
    action: string
    said?: string
    apps: readonly ShownApp[]
    accountHref: string
  }
  logout: {
    /** The host's own form: action and xsrf. */ action: string
    xsrf: string
    signedInAs?: string
  }
  'signed-out': Empty
  /** A sign-out was declined. `href` leads to the app that asked for it, where its address is known. */
  'still-signed-in': { signedInAs: string; href?: string }
  /** The root of the issuer. */
  home: { /** The page of the person's own account. */ accountHref: string }
  /**
   * The host's own form (`action`, `xsrf`) signs the first person out. POST `{ csrf }` to `stayAction` keeps that person
   * signed in and goes on with them.
   */
  'switch-account': {
    action: string
    xsrf: string
    stayAction: string
    csrf: string
    from: string
    to: string
  }
  'set-up-link': {
    action: string
    csrf: string
    username: string
    minimumLength: number
    /** False: the link only proves a first enrolment, and the password stays. */
    setsPassword: boolean
    error?: PasswordError
  }
  /** `gone`: a link was used, has expired, or never existed. `href` leads to the sign-in. */
  'password-forgotten': {
    action: string
    csrf: string
    username: string
    href: string
    error?: 'missing' | 'gone'
  }
  /** Says the same whether or not there is such an account. `minutes`: how long a link is good. */
  'password-forgotten-sent': { minutes: number; againHref: string; href: string }
  /** A new password, from a mailed link. POST `{ csrf, password }` to `action`. */
  'password-reset': {
    action: string
    csrf: string
    username: string
    minimumLength: number
    error?: Exclude<PasswordError, 'mismatch'>
  }
  /** A POST of `{ csrf, do: 'change-password', currentPassword, password }` to `action`. */
  'account-password': {
    csrf: string
    action: string
    username: string
    minimumLength: number
    /** Leads to the overview, here and below. */
    href: string
    error?: Exclude<PasswordError, 'mismatch'> | 'wrong' | 'too-many'
    shut?: ShutDoor
  }
  /** A POST of `{ csrf, do: 'change-email', email }` to `action` has a link mailed to the new address. */
  'account-email': {
    csrf: string
    action: string
    /** The present address. */
    email?: string
    typed: string
    href: string
    error?: 'unfit' | 'own'
    shut?: ShutDoor
  }
  /**
   * Addresses for notices and recovery. POST `{ csrf, do, ... }` to `action`: `add-address` and `remove-address` with
   * `email`, `confirm-address` with `code`.
   */
  'account-addresses': {
    csrf: string
    action: string
    /** `own`: the address that `account-email` changes. */
    addresses: readonly { address: string; own: boolean }[]
    addable: boolean
    typed: string
    /** The new address to which a code was mailed. */
    waiting?: string
    href: string
    said?: string
    error?: AddressError
    shut?: ShutDoor
  }
  /** A new address of an account, from a mailed link. POST `{ csrf }` to `action` makes the change. */
  'email-confirm': { csrf: string; action: string; username: string; email: string }
  'email-confirm-done': { href: string }
  'email-confirm-expired': { href: string }
  'password-reset-done': { /** Leads to the sign-in. */ href: string }
  /** The link was used, has expired, or never existed. */
  'set-up-link-expired': { /** Leads to the sign-in. */ href: string }
  /** The password is set, or, without `isPasswordSet`, stays as it is. */
  'set-up-link-done': { /** Leads to the sign-in. */ href: string; isPasswordSet: boolean }
  expired: { /** The way back to the app, where it is known. */ href?: string }
  /** A page of a sign-in that was answered already (the back button). */
  answered: { /** The way back to the app, where it is known. */ href?: string }
  /** `retryHref`, here and below: the page to open for another try, where it is known. */
  busy: { retryAfterSeconds: number; retryHref?: string }
  forbidden: { retryHref?: string }
  'not-found': Empty
  unavailable: { retryAfterSeconds: number; retryHref?: string }
  error: {
    requestId: string
    /** An OAuth error's own code and description, from the host; no stack, no secret. */
    detail?: { error: string; description?: string }
    /** The way back to the app, where it is known. */
    href?: string
    /** Of a form that could not be read. */
    retryHref?: string
  }
  device: {
    action: string
    xsrf: string
    userCode: string
    error?: 'unknown' | 'expired' | 'used' | 'missing' | 'too-many' | 'aborted'
  }
  'device-confirm': { action: string; xsrf: string; userCode: string; refuseName: string }
  'device-done': Empty
  /** The pages of every other factor, by the names that it gives them (`pages.names`). */
  [page: EnrolPageName]: EnrolModel
  [page: VerifyPageName]: VerifyModel
  [page: OfferPageName]: OfferModel
}

export type PageName = keyof PageModels

/** The pages this product ships, by name; the others are those of factors it does not know. */
export type KnownPage = keyof {
  [P in keyof PageModels as Empty extends Record<P, 1> ? never : P]: PageModels[P]
}

/** The pages that do not belong to a factor. */
export type OwnPage = Exclude<KnownPage, EnrolPageName | VerifyPageName>

export type Empty = Readonly<Record<never, never>>

/** The result of the last press of the button that sends a code. */
export type DeliveryNotice = 'sent' | 'wait' | 'failed'

/** For a page that asks for a sent code: POST `{ csrf }` to `sendAction` sends another code and shows the same page. */
export interface DeliveryModel {
  sendAction: string
  /** Where the code went, masked: `m•••@example.com`. Absent: no code is open. */
  sentTo?: string
  /** Seconds until the next may be sent; absent: now. */
  waitSeconds?: number
  notice?: DeliveryNotice
}

/** Setting up a factor. Posts `csrf`, `name` and the factor's own fields to `action`. */
export interface EnrolModel<Enrolment extends JsonObject = JsonObject> {
  csrf: string
  action: string
  cancelAction: string
  /** To the choice of another factor; absent: there is no other one to choose. */
  otherWayHref?: string
  /** The answer of the factor's `describeEnrolment`; empty where it has none. */
  enrolment: Enrolment
  /** The person's name for the authenticator; empty: the page suggests one. */
  name: string
  /** Why the person sets it up. Absent where the page before, with a choice of factors, has said so. */
  reason?: ChooseReason
  /** The time after which the set-up ends. The application always gives it; a page without it says nothing of an end. */
  endsInSeconds?: number
  /** Only an authenticator whose key is in hardware is accepted. */
  needsHardware?: true
  /** The name was refused; the code was not examined. */
  nameError?: 'too-long'
  /** Its number among the authenticators of this factor, from 2 on, for the name that the page suggests. */
  nth?: number
  /** Of a factor whose code is sent. */
  delivery?: DeliveryModel
  error?: CodeError
}

/** A change of a person's own factors, after a fresh proof for it. */
export interface ChangeModel {
  csrf: string
  action: string
  cancelAction: string
  factor: string
  /** The person's own name for the authenticator; may be empty. */
  name: string
}

/** Proving a factor. Posts `csrf` and the factor's own fields to `action`. */
export interface VerifyModel<Verification extends JsonObject = JsonObject> {
  csrf: string
  action: string
  cancelAction: string
  /** To mfa-choose; absent when there is no other way. Carries data-other-way. */
  otherWayHref?: string
  /** To recovery, where it is offered. Carries data-lost. */
  lostHref?: string
  /** Of a factor whose code is sent. */
  delivery?: DeliveryModel
  error?: CodeError
  /** The box `input[name=trust]` is offered: for so long this browser stands in for the factor. */
  trust?: { seconds: number }
  /** Only an authenticator whose key is in hardware is accepted. */
  needsHardware?: true
  /** The name the person gave the authenticator, when there is just one. */
  authenticatorName?: string
  /** The answer of the factor's `describeVerification`; empty where it has none. */
  verification: Verification
}

/**
 * A factor is offered after a sign-in with another one. POST `{ csrf, answer }` to `action`, where `answer` is `set-up`,
 * `not-now` or `never`: the first begins the set-up, the others lead on.
 */
export interface OfferModel {
  csrf: string
  action: string
  /**
   * The answer of the factor's `describeEnrolment` for a challenge that is `silent`: a browser that can makes one without
   * asking the person. POST `{ csrf, answer: 'silent' }` with the response to `action`. Absent: the person is asked.
   */
  silent?: JsonObject
  /** The browser has made one. The page tells it and has nothing to choose; POST `{ csrf }` to `action` leads on. */
  made?: boolean
}

export interface Method {
  factor: string
  /** Choosing it sends a code. */
  sends?: boolean
  /** The person's own name for it, in `verify` mode. */
  name?: string
  remaining?: number
  lastUsed?: boolean
}

/** A session as its owner sees it. Times are in seconds since 1970. */
export interface ShownSession {
  id: string
  /** Whether it is the one in which the page is shown. */
  current: boolean
  /** Absent: an unknown browser. */
  browser?: { browser: string; system?: string } | undefined
  /** The /24 or /48 of the last request. */
  network?: string | undefined
  firstAt: number
  lastAt: number
  /** The names of the apps that the person has signed in to in it. */
  apps: readonly string[]
}

/** A known browser as its owner sees it. */
export type ShownBrowser = Omit<ShownSession, 'apps'>

/** A trusted browser. `until`: the end of its time. */
export type ShownTrustedBrowser = Omit<ShownBrowser, 'firstAt' | 'lastAt'> & {
  readonly since: Instant
  readonly until: Instant
}

/** An app with access as the owner of the account sees it. */
export interface ShownApp {
  id: string
  name: string
  /** In seconds since 1970. */
  since: number
  scopes: readonly string[]
}

/** An authenticator as its owner sees it. */
export interface ManagedMethod {
  id: string
  factor: string
  /** May be empty. */
  name: string
  addedAt: Instant
  lastUsedAt?: Instant
  remaining?: number
  /** It is weaker than one that is set up here, and ends at this time. */
  endsAt?: Instant
  /** With `endsAt`: whether that time has come. */
  ended?: boolean
  /** True: the person has set it up and can rename it. False: it was issued, and a new set can be issued. */
  own: boolean
  /** It is the last one with `own`, and cannot be removed. */
  only: boolean
}

/**
 * `change`, `replace`: the person wants to add, change or replace a factor, which requires a fresh proof. `redundancy`:
 * a rule asks for a second authenticator of another device, which requires one too.
 */
export type ChooseReason = 'policy' | 'step-up' | 'chosen' | 'change' | 'replace' | 'redundancy'
/** Why recovery needs an administrator, or time. `sign-in-again`: the password was not typed in this sign-in. */
export type RecoveryReason = RecoveryRefusal | 'sign-in-again'
export type LoginError = 'credentials' | 'missing'
/** Why a change is not possible now, and when it is again. */
export interface ShutDoor {
  /** `frozen-without-factor`: the account is locked and has no second step whose proof could end the lock. */
  reason: ShutReason | 'frozen-without-factor'
  until?: Instant
}
/** `wrong`: the code; `gone`: no code is open any more; `too-many`: codes of this hour. */
export type AddressError = 'unfit' | 'own' | 'full' | 'too-many' | 'wrong' | 'gone'
export type PasswordError = 'too-short' | 'too-long' | 'blocked' | 'mismatch' | 'contains-name'
/** `over`: no code of this sign-in is open, because its time is over or the code is that of another sign-in. */
export type OwnerCodeError = CodeError | { code: 'over' }
/** `refused` is the only answer for wrong, replayed and unknown codes. `behindSeconds`: the clock hint. */
export type CodeError = { code: 'refused' | 'unreadable'; behindSeconds?: number }

/** The values that every page gets besides its own model. */
export interface Surroundings {
  readonly issuerName: string
  readonly locale: string
  /** The app that the person signs in to; absent on the issuer's own pages. */
  readonly client?: {
    readonly name: string
    readonly logoUri?: string
    readonly accent?: string
    readonly accentInk?: string
  }
  /** The account that signs in; absent before the first factor. */
  readonly account?: {
    readonly label: string
    readonly initials: string
    /** Before the second factor: POST `{ csrf }` to `action` asks for the first factor again, for somebody else. */
    readonly notYou?: { readonly action: string; readonly csrf: string }
  }
  /** `home` is where people begin; pages that lead to nothing else link to it. The others are in the footer. */
  readonly links?: {
    readonly home?: string
    readonly help?: string
    readonly privacy?: string
    readonly terms?: string
  }
  /** The factors whose script `beside` is on the page though it is not a page of theirs. Absent: none. */
  readonly beside?: readonly Beside[]
}

/** A script of a factor on a page that is not the factor's. */
export interface Beside {
  readonly factor: string
  /** The factor may be offered after this page. */
  readonly offer?: true
  /** The answer of the factor's `pageData`. */
  readonly data?: JsonObject
}

/** Turns a page into HTML. `createMfa({ render })` replaces it; the default is Nunjucks over views/. */
export type Render = <P extends PageName>(
  page: P,
  model: PageModels[P],
  surroundings: Surroundings,
) => string | Promise<string>
