import type { Assurance } from '../domain/assurance.ts'
import type { BrowserName } from '../domain/browser-name.ts'
import type { EventDetail } from '../domain/events.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { Delivery, PasswordHasher, Random } from '../ports/services.ts'
import type { Descriptions, FactorPages } from './factor-pages.ts'

export type * from './factor-pages.ts'

/**
 * The contract of a second factor. A factor is a value passed to `createMfa({ factors: [...] })`; a factor of a third
 * party can do everything that ours can. It is pure except for the hasher that it is given: it has no clock, no storage
 * and no network.
 *
 * State, Pending and Challenge are JSON and are kept for the factor by the application: sealed with AES-GCM, bound to
 * the account and to their purpose, inside the account's one record. A factor never seals anything itself, so it cannot
 * forget it.
 *
 * The application decides the order of an attempt: throttle, `examine`, `consume`, save, answer. After a lost
 * compare-and-swap only `consume` runs again, on the state just read.
 *
 * A person may have several authenticators of one factor. A challenge is made for all of them, and `examine` says
 * which one answered.
 *
 * Four shapes fit: a code derived from state (TOTP, look-up secrets), a challenge-response (WebAuthn), a delivered
 * code (mail), and a credential that names its owner (a discoverable WebAuthn credential). `src/testing/factors.ts`
 * has the three that the product does not ship yet.
 */
export interface Factor<
  State extends Json = Json,
  Pending extends Json = Json,
  Challenge extends Json = Json,
  Response = unknown,
  Proof = unknown,
  Described extends Descriptions = Descriptions,
> {
  /** Stable, kebab-case; stored in records and used in URLs, template paths and message keys. */
  readonly id: string

  /**
   * Its pages, messages, script and style. Without it the application has to bring the templates
   * `factors/<id>/{enrol,verify}.njk` in a views folder of its own, or a `render` function.
   */
  readonly pages?: FactorPages

  /**
   * How a person gets it. `confirmed`: set up on a page and active after one good response. `issued`: made by the
   * server together with the first confirmed factor, and again when the person asks; shown once (look-up secrets).
   * `none`: people cannot get it here; an account that has it was imported.
   */
  readonly enrolment: 'confirmed' | 'issued' | 'none'

  /**
   * The id of the issued factor that replaces this one (`none` only). An account that has this one gets no set of the
   * other without asking; a fresh set of the other that it asks for removes this one.
   */
  readonly supersededBy?: string

  /** Whether a guess can succeed by luck, so that failures count toward R1 and locks apply to it. */
  readonly guessable: boolean

  /**
   * True: `challenge` and `beginEnrolment` send a code (their `delivery`). The application then keeps the challenge
   * in the account's record, limits how often a code is sent (R3), and shows a page with a button that sends another.
   * Absent: a challenge sends nothing; it is made when the verify page is shown and kept with the interaction.
   */
  readonly delivers?: true

  /**
   * Seconds for which a challenge that sends nothing is open, 600 at most. Default 600. A page that is opened later
   * gets a new challenge.
   */
  readonly challengeSeconds?: number
  /** Most authenticators of this factor that an account may have. Default: ten of a guessable factor, else no limit. */
  readonly most?: number

  /** The types of the events of `eventsOf`, in kebab-case. Listeners and the audit trail get them as they are. */
  readonly eventTypes?: readonly string[]
  /**
   * Those of `eventTypes` that the owner is told of by a mail, which is named as the event: `mail/<type>.njk`. One mail
   * a day tells of an event of one authenticator.
   */
  readonly mailedEvents?: readonly string[]

  /**
   * Throws MfaError `options-invalid` if the factor cannot work with the provider's issuer identifier, an absolute URL.
   * `mfa.attach` calls it once, before the first page.
   */
  checkIssuer?(issuer: string): void

  /** Parses a stored state. Throws if it is not a state of this factor. */
  parseState(stored: Json): State
  parsePending(stored: Json): Pending
  parseChallenge(stored: Json): Challenge

  /** Starts an enrolment. `confirmed` factors only. */
  beginEnrolment?(input: EnrolmentInput<State, Pending>): Promise<Begun<Pending>> | Begun<Pending>
  /**
   * Makes the challenge that the confirming response answers, for a factor that needs one and sends nothing. It is kept
   * with the interaction like that of a sign-in, and separate from it: the first response spends it, right or wrong, and
   * the page gets a new one. `pending` lives longer, so that a person who tries again has the same data.
   */
  enrolmentChallenge?(
    pending: Pending,
    input: ChallengeInput,
  ): Promise<Begun<Challenge>> | Begun<Challenge>
  /**
   * The values of the set-up page: `enrolment` in the model of its page. `challenge`: the open one of
   * `enrolmentChallenge`. `existing`: the person's authenticators of this factor when the page is shown.
   */
  describeEnrolment?(
    pending: Pending,
    about: EnrolmentAbout,
    challenge?: Challenge,
    existing?: readonly Owned<State>[],
  ): Promise<Described['enrolment']> | Described['enrolment']
  /** Undefined: refused. The confirming response is already spent in the state (its step, its counter). */
  confirmEnrolment?(
    pending: Pending,
    response: Response,
    now: Instant,
    given: ConfirmInput<State, Challenge>,
  ): Promise<Confirmed<State> | undefined>

  /** Makes a fresh set. `issued` factors only. `shown`: the secrets that the person sees once; they are not kept. */
  issue?(input: IssueInput): Promise<{ state: State; shown: readonly string[] }>
  /** How authenticators of another application become authenticators of this factor. Absent: they cannot. */
  readonly imports?: Imports<State>

  /** Uses left, where that is limited. */
  remaining?(state: State): number
  /**
   * The key of an authenticator, decoded and in one spelling: two authenticators of an account with the same one would
   * accept one code twice, so the second is refused at an enrolment and left out after a restore (R40).
   */
  keyOf?(state: State): string
  /**
   * The device, or the store of keys, that an authenticator is on: two authenticators of this factor with the same one
   * count as one where a rule asks for a second device (`redundancy`). Undefined, or without the function: a device of its
   * own. Example: passkeys that one account of a vendor synchronises.
   */
  deviceOf?(state: State): string | undefined

  /**
   * Makes the challenge that must exist before a response can be examined. Absent: the factor needs none (a code
   * derived from state). One challenge for all of the person's authenticators of this factor, the last used one first.
   * One that sends nothing is spent by its first response, right or wrong, and ends after `challengeSeconds`. One that was
   * sent is spent by its first accepted response. `states` is empty when nobody has been named yet (`identify`).
   */
  challenge?(
    states: readonly Owned<State>[],
    input: ChallengeInput,
  ): Promise<Begun<Challenge>> | Begun<Challenge>
  /**
   * The values of the verify page: `verification` in the model of its page. `states` as in `challenge`; `challenge`:
   * the open one, undefined where there is none.
   */
  describeVerification?(
    states: readonly Owned<State>[],
    challenge: Challenge | undefined,
  ): Promise<Described['verification']> | Described['verification']

  /**
   * The values for the script `beside` of its pages on the overview of the person's account, such as what a device has to
   * forget. `states` are the person's own; `traces` are those of authenticators that the account had before (`traceOf`),
   * the newest last. At least one of the two is there. A person who has not shown the strongest proof
   * of the account gets no values.
   */
  pageData?(
    states: readonly Owned<State>[],
    about: PageAbout,
    traces: readonly string[],
  ): JsonObject
  /**
   * The trace of an authenticator: the text by which a device goes on to file it after the account has lost it, in each
   * way. `pageData` gets it from then on. It is kept in the account's record and not sealed, so it must be no secret. 1 to
   * 512 UTF-16 code units; any other text is not kept. The newest 20 of an account are kept.
   */
  traceOf?(state: State): string

  /** Types and normalises a form once (R34); undefined: this cannot be a response at all (400, not charged). */
  parseResponse(form: Form): Response | undefined
  /** The normal form of a response. R38 and the check for used codes recognise "the same code" by it. */
  canonical(response: Response): string

  /**
   * The handles of an authenticator by which its account can be found: random values, at least 128 bits each, never
   * an account id. The application stores their SHA-256. No two accounts may have the same handle.
   */
  handlesOf?(state: State): readonly string[]
  /**
   * The handle that a response names, for a credential that carries its owner; undefined: it names none. It is a
   * claim only: `examine` proves it, on the authenticators of the account that was found. A factor with `identify`
   * is not guessable and needs a challenge; createMfa refuses it otherwise (R4).
   */
  identify?(response: Response): string | undefined
  /**
   * The credential of a response: the id by which the browser knows it, and the one of `handlesOf` by which its account
   * can be found. A login page tells the browser of an id that no account has. Only with `identify`.
   */
  credentialOf?(response: Response): { readonly id: string; readonly handle: string } | undefined

  /**
   * Verifies the response: cryptography, no I/O. Finds the authenticator that answered. Does not decide whether the
   * proof was used before; `consume` does, on fresh state.
   */
  examine(input: ExamineInput<State, Challenge, Response>): Promise<Examined<Proof>>
  /** Synchronous. The state with the proof spent; undefined: it was already (R5). */
  consume(state: State, proof: Proof): State | undefined
  /**
   * After a restore from a backup: the state with everything spent that may have been used since the backup was made
   * (R37). Left out if no response that was spent is accepted again with an older state.
   */
  afterRestore?(state: State, now: Instant): State
  /**
   * The most that a proof of this factor can prove: rules that it cannot meet are refused when they are loaded. Default:
   * possession, not phishing-resistant.
   */
  readonly strength?: Omit<Assurance, 'amr'>
  /**
   * The most that this authenticator can prove now, where it may be less than `strength`: the key of one passkey is in
   * certified hardware, and that of another one is not. Synchronous. Default: `strength`.
   */
  strengthOf?(state: State, now: Instant): Omit<Assurance, 'amr'>
  /**
   * The most that this authenticator could prove before time or a report took something away, where `strengthOf` may be
   * less now: at least `strengthOf`. By it a rule decides whether the person has set up what the rule asks for, so that an
   * optional rule or a grace does not begin to wait. It proves nothing. Synchronous. Default: `strengthOf`.
   */
  judgedAs?(state: State): Omit<Assurance, 'amr'>
  /**
   * False: no response of this authenticator is accepted with the present settings, such as those of a maker that is no
   * longer allowed. It still counts as a factor that the person has: otherwise other settings would let somebody with the
   * password alone set up a factor. Synchronous. Default: true.
   */
  isUsable?(state: State, now: Instant): boolean
  /** The assurance of this proof, for relying parties (R26). */
  assurance(proof: Proof): Assurance
  /**
   * The factor's own events, in addition to the general ones: `accepted`, a proof was accepted and spent; `issued`, a
   * set was made (`renewed`: in place of another). Each type is one of `eventTypes`. Account, time, authenticator and
   * browser are added by the application.
   */
  eventsOf?(happened: Happened<Proof>): readonly FactorEvent[]
  /** The same for a proof that `consume` has refused on this state. Synchronous. */
  eventsOfRefusal?(state: State, proof: Proof): readonly FactorEvent[]
}

/** Any factor, for code that is generic over them. */
export type AnyFactor = Factor<any, any, any, any, any>

/** One of a person's authenticators of a factor, opened. */
export interface Owned<State> {
  readonly authenticatorId: string
  readonly state: State
}

export type Happened<Proof> =
  | { readonly what: 'accepted'; readonly proof: Proof }
  | { readonly what: 'issued'; readonly renewed: boolean }

export interface FactorEvent {
  readonly type: string
  readonly detail?: Pick<EventDetail, 'reason'>
}

/** A parsed form: each field once, strings only, no null bytes. */
export type Form = Readonly<Record<string, string>>

export interface Begun<T> {
  readonly value: T
  /** Sent by the application after the commit. Only of a factor that `delivers`. */
  readonly delivery?: Delivery
}

export interface AccountLabel {
  /** The name of the service that the authenticator app shows. */
  readonly issuerName: string
  /** The name of the account that the app shows: a user name or an address. */
  readonly label: string
}

/** The set-up that a page is for. */
export interface EnrolmentAbout extends AccountLabel {
  /** True: only an authenticator whose key is in hardware can be set up. Absent: each one. */
  readonly needsHardware?: true
}

/** The person and the provider of a page that is not the factor's. */
export interface PageAbout {
  /** The name of the account: a user name or an address. */
  readonly label: string
  /** The issuer identifier of the provider, an absolute URL. The page is of its origin. */
  readonly issuer: string
}

export interface Imports<State> {
  /** The name of the field with a person's authenticators, a list. */
  readonly field: string
  /** Reads one of the list, which is anything at all. One whose handle another account has is refused afterwards. */
  read(given: unknown): Promise<Imported<State>> | Imported<State>
  /** Whether two of a list are one authenticator, which may be bound once (R40). */
  isSame(one: State, other: State): boolean
}

export type Imported<State> =
  | {
      readonly state: State
      /** Empty: no name. */
      readonly name: string
    }
  /** The member that is unfit, such as `publicKey`, or the empty text for the whole. Never a value (R31). */
  | { readonly fault: string }

/** The values that a confirming response is checked against, besides the enrolment itself. */
export interface ConfirmInput<State, Challenge> {
  /** The open challenge of `enrolmentChallenge`. Undefined: none, or its time is over. */
  readonly challenge: Challenge | undefined
  /** The person's authenticators of this factor at the time of the commit. */
  readonly existing: readonly Owned<State>[]
  /** The browser of the set-up, in our own words. Absent: an unknown one. For a name alone: the browser chooses it. */
  readonly browser?: BrowserName
}

export interface EnrolmentInput<State = unknown, Pending = unknown> extends ChallengeInput {
  /** The person's authenticators of this factor: a registered key must not be registered a second time (R40). */
  readonly existing: readonly Owned<State>[]
  /** The set-ups of this factor that are in progress in other interactions of the account. Absent: none. */
  readonly underway?: readonly Pending[]
  /** True: only an authenticator whose key is in hardware can be set up. Absent: each one. */
  readonly needsHardware?: true
}

export interface IssueInput {
  readonly random: Random
  readonly hasher: PasswordHasher
}

export interface ChallengeInput {
  /** Undefined when nobody has been named yet (`identify`). */
  readonly accountId: string | undefined
  readonly random: Random
  readonly now: Instant
  /** A verified address of the person, where the application knows one. */
  readonly address?: string
  /** The language of the page that asks, as a BCP 47 tag; a `Delivery` is written in it. */
  readonly locale: string
  /** The issuer identifier of the provider, an absolute URL. The page that asks is of its origin. */
  readonly issuer: string
  /**
   * In `enrolmentChallenge` alone. True: the browser makes the authenticator without asking the person (`pages.silent`). The
   * authenticator of a response to this challenge must prove no more than possession until a sign-in has proved more.
   */
  readonly silent?: true
}

export interface ExamineInput<State, Challenge, Response> {
  /** All of the account's authenticators of this factor that can be used, the last used one first. */
  readonly states: readonly Owned<State>[]
  readonly challenge: Challenge | undefined
  readonly response: Response
  readonly now: Instant
  readonly hasher: PasswordHasher
}

/** The state to keep, and the assurance of the confirming response. */
export interface Confirmed<State> {
  readonly state: State
  readonly assurance: Assurance
  /**
   * The name of the authenticator if the person types none, such as its maker's. Default: no name. Where the person has
   * one of this factor with the same name, the application adds a number.
   */
  readonly name?: string
}

export type Examined<Proof> =
  | {
      readonly outcome: 'proved'
      /** Which of `states` has answered. */
      readonly authenticatorId: string
      readonly proof: Proof
    }
  | {
      readonly outcome: 'refused'
      /**
       * The code was right this many seconds ago and is unused: the phone's clock is behind. Never computed for steps
       * in the future.
       */
      readonly behindSeconds?: number
    }
