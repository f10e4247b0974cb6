import type { Instant } from '../time.ts'
import type { Levels, Strength } from './levels.ts'
import type { Proof } from './proofs.ts'
import type { Circumstances, Rule } from './rules.ts'

/** The `acr` that a relying party asks for. An `essential` one must be reached (OIDC Core 5.5.1.1, R24). */
export interface AcrRequest {
  readonly essential: boolean
  readonly values: readonly string[]
  /** The longest time since the level was last proved (`claims.id_token.acr.max_age`). 0: a fresh factor. */
  readonly maxAgeSeconds?: number
}

export interface PolicyRequest extends Circumstances {
  readonly acr?: AcrRequest
  /** A second factor is asked for whatever the session has: `prompt=mfa`, a change of factors. */
  readonly fresh: boolean
  /**
   * Proofs before this time do not count for this request: `max_age`, `prompt=login`, the device flow. A trusted browser
   * does not stand in either (R14).
   */
  readonly provedSince?: Instant
  /** Proofs since this time were given for this very request: they are fresh enough, whatever their age. */
  readonly begunAt?: Instant
}

/** An authenticator of the person that a sign-in can ask for. */
export interface Authenticator extends Strength {
  /** The id of its factor. */
  readonly factor: string
  /** Whether it is a look-up secret, which is no second device. */
  readonly isBackup: boolean
  /** Authenticators with the same value do not count as two: they are on one device or have one key. */
  readonly device: string
  /** The settings of its factor refuse every response of it. It counts as set up, and nobody can be asked for it. */
  readonly isUnusable?: true
  /**
   * The strength by which a rule counts it as set up, where it may be more than its own: the one that it had before time
   * or a report took something away. Absent: its own.
   */
  readonly judgedAs?: Strength
}

/** A browser in which the person chose not to be asked for the factor for a while (R14). */
export interface Trust {
  /** Names the trust. Absent: it is that of a token, whose browser is not here. */
  readonly id?: string
  /** When the box was ticked. */
  readonly since: Instant
  /** The id of the factor that earned it. Absent: it is not known, and no rule that lists factors is met by it. */
  readonly factor?: string
}

export interface PolicyPerson {
  readonly authenticators: readonly Authenticator[]
  /** When each rule with a grace first met the account, by the rule's name. Absent: it does so now. */
  readonly metAt: Readonly<Record<string, Instant>>
  /** The trusts in the browser of the request: several, where the box was ticked again. Absent: there is none. */
  readonly trusts?: readonly Trust[]
  /**
   * Whether an enrolment can be put off: the browser has completed a sign-in before, or it is the first sign-in ever,
   * within 72 h of the account's making.
   */
  readonly mayPostpone: boolean
  /** Whether it was put off in this session already. */
  readonly postponed: boolean
}

/** A factor of the configuration that people can set up. */
export interface Enrollable extends Strength {
  readonly id: string
}

export interface PolicyInput {
  readonly levels: Levels
  /** All rules: those of the configuration, of the client, and the built-in ones. */
  readonly rules: readonly Rule[]
  /** The time for which a browser can be trusted; 0: no browser can. */
  readonly trustedBrowserSeconds: number
  readonly enrollable: readonly Enrollable[]
  readonly request: PolicyRequest
  readonly person: PolicyPerson
  /** The proofs that have been given: in the session or, while a first factor waits, of the login page alone. */
  readonly proofs: readonly Proof[]
  readonly now: Instant
}
