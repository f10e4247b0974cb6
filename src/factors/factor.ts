import type { Assurance } from '../domain/assurance.ts'
import type { Json } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { Delivery, PasswordHasher, Random } from '../ports/services.ts'
import type { Descriptions, FactorPages } from './factor-pages.ts'

export type * from './factor-pages.ts'

/**
 * The contract of a second factor. A factor is a value handed to `createMfa({ factors: [...] })`; a third
 * party's is as good as ours. It is pure but for the hashing it is given: no clock, no storage, no network.
 *
 * State, Pending and Challenge are JSON and are kept for the factor by the application: sealed with AES-GCM,
 * bound to the account and to their purpose, inside the account's one record. A factor never seals anything
 * itself and so cannot forget to.
 *
 * The order of an attempt is the application's: throttle, `examine`, `consume`, save, answer. After a lost
 * compare-and-swap only `consume` runs again, on the state just read.
 *
 * Three shapes fit: a code derived from state (TOTP, look-up secrets), a challenge-response (WebAuthn) and a
 * delivered code (mail). `src/testing/factors.ts` has the two that the product does not ship yet.
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
   * Its pages, words, script and style. Without it the application has to bring the templates
   * `factors/<id>/{enrol,verify}.njk` in a views folder of its own, or a `render` function.
   */
  readonly pages?: FactorPages

  /**
   * How a person comes by it. `confirmed`: set up on a page and active after one good response.
   * `issued`: made by the server together with the first confirmed factor, and anew when the person asks; shown
   * once (look-up secrets). `none`: in no way that is offered here; an account that has it got it from elsewhere.
   */
  readonly enrolment: 'confirmed' | 'issued' | 'none'

  /**
   * The id of the issued factor that takes the place of this one (`none` only). An account that has this one gets no
   * set of the other without asking; a fresh set of the other that it asks for removes this one.
   */
  readonly supersededBy?: string

  /** Whether a guess can succeed by luck, so that failures count toward R1 and locks apply to it. */
  readonly guessable: boolean

  /** Reads what was stored. Throws when it is not this factor's state. */
  parseState(stored: Json): State
  parsePending(stored: Json): Pending
  parseChallenge(stored: Json): Challenge

  /** Starts an enrolment. `confirmed` factors only. */
  beginEnrolment?(input: EnrolmentInput): Begun<Pending>
  /** What the set-up page shows: `enrolment` in the model of its page. */
  describeEnrolment?(
    pending: Pending,
    about: AccountLabel,
  ): Promise<Described['enrolment']> | Described['enrolment']
  /** Undefined: refused. The confirming response is already spent in the state (its step, its counter). */
  confirmEnrolment?(
    pending: Pending,
    response: Response,
    now: Instant,
  ): Promise<Confirmed<State> | undefined>

  /** Makes a fresh set. `issued` factors only. `shown` is what the person sees once; it is not kept. */
  issue?(input: IssueInput): Promise<{ state: State; shown: readonly string[] }>
  /** Uses left, where that is limited. */
  remaining?(state: State): number

  /**
   * What has to exist before a response can be examined; undefined: nothing (a code derived from state).
   * The application keeps the challenge with the interaction, one use, at most 10 minutes.
   */
  challenge?(state: State, input: ChallengeInput): Begun<Challenge>
  /** What the verify page shows besides the form: `verification` in the model of its page. */
  describeVerification?(state: State, challenge: Challenge | undefined): Described['verification']

  /** Types and normalises a form once (R34); undefined: this cannot be a response at all (400, not charged). */
  parseResponse(form: Form): Response | undefined
  /** The normal form of a response: what identifies "the same code" for R38 and for the used-check. */
  canonical(response: Response): string

  /** The cryptography, no I/O. Does not decide whether it was used before; `consume` does, on fresh state. */
  examine(input: ExamineInput<State, Challenge, Response>): Promise<Examined<Proof>>
  /** Synchronous. The state with the proof spent; undefined: it was already (R5). */
  consume(state: State, proof: Proof): State | undefined
  /**
   * After a restore from a backup: the state with everything spent that may have been used since the backup was made
   * (R37). Left out where nothing a factor accepts comes back to life with an older state.
   */
  afterRestore?(state: State, now: Instant): State
  /** What this proof says to relying parties (R26). */
  assurance(proof: Proof): Assurance
}

/** Any factor, for code that is generic over them. */
export type AnyFactor = Factor<any, any, any, any, any>

/** A parsed form: each field once, strings only, no null bytes. */
export type Form = Readonly<Record<string, string>>

export interface Begun<T> {
  readonly value: T
  /** Sent by the application after the commit. */
  readonly delivery?: Delivery
}

export interface AccountLabel {
  /** What the authenticator app shows as the service. */
  readonly issuerName: string
  /** What it shows as the account: a user name or address. */
  readonly label: string
}

export interface EnrolmentInput {
  readonly accountId: string
  readonly random: Random
  readonly now: Instant
  /** A verified address, where the application knows one. */
  readonly address?: string
}

export interface IssueInput {
  readonly random: Random
  readonly hasher: PasswordHasher
}

export interface ChallengeInput {
  readonly accountId: string
  readonly random: Random
  readonly now: Instant
}

export interface ExamineInput<State, Challenge, Response> {
  readonly state: State
  readonly challenge: Challenge | undefined
  readonly response: Response
  readonly now: Instant
  readonly hasher: PasswordHasher
}

/** The state to keep, and what the confirming response proved. */
export interface Confirmed<State> {
  readonly state: State
  readonly assurance: Assurance
}

export type Examined<Proof> =
  | { readonly outcome: 'proved'; readonly proof: Proof }
  | {
      readonly outcome: 'refused'
      /** The code was right this many seconds ago and is unused: the phone's clock is behind. Never for the future. */
      readonly behindSeconds?: number
    }
