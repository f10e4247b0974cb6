import type { MfaEvent } from '../domain/events.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { AddedRules } from './added-rules.ts'
import type { Clock, Mailer, PasswordHasher, Random, SecretBox } from '../ports/services.ts'
import type { Storage } from '../ports/storage.ts'

/** What the application works with; made once by `createMfa`. */
export interface Dependencies {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly box: SecretBox
  readonly hasher: PasswordHasher
  readonly mailer: Mailer | undefined
  /** By id, in the order they were handed in: the order of preference. */
  readonly factors: ReadonlyMap<string, AnyFactor>
  /** What single records add to the rules of every sign-in. */
  readonly rules: AddedRules
  /** Passes events on to whoever listens; rejects when one could not take them, and they are kept. */
  readonly publish: (events: readonly MfaEvent[]) => Promise<void>
  /** Where a fault goes that no answer tells of: a listener that failed, after the answer. */
  readonly report: (error: unknown) => void
}
