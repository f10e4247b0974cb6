import type { EventCause, MfaEvent } from '../domain/events.ts'
import type { RecoverySettings } from '../domain/recovery.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { AddedRules } from './added-rules.ts'
import type { Measures } from '../ports/measures.ts'
import type { Clock, Mailer, PasswordHasher, Random, SecretBox } from '../ports/services.ts'
import type { Storage } from '../ports/storage.ts'

/** The dependencies of the operations; made once by `createMfa`. */
export interface Dependencies {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly box: SecretBox
  readonly hasher: PasswordHasher
  readonly mailer: Mailer | undefined
  /** By id, in the order in which they were passed to `createMfa`: the order of preference. */
  readonly factors: ReadonlyMap<string, AnyFactor>
  /** How long a set-up in progress lives. */
  readonly setUpSeconds: number
  /** How long a recovery waits and stays open, and how long a young factor opens fewer doors. */
  readonly recovery: RecoverySettings
  /** The rules that single records add to those of every sign-in. */
  readonly rules: AddedRules
  /** The request or the operator that causes the present deed; each event of it says so. */
  readonly cause?: (() => EventCause) | undefined
  /** Passes events on to the listeners. Rejects if a listener fails; the events then stay in the record. */
  readonly publish: (events: readonly MfaEvent[]) => Promise<void>
  readonly measures: Measures
  /** Takes a fault that no response reports, such as a listener that failed after the response. */
  readonly report: (error: unknown) => void
}
