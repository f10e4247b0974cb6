import type { EventDetails as General, EventOf, FactorsEvent } from '../domain/events.ts'
import type { BackupCodeEventDetails } from '../factors/backup-codes/index.ts'

/** The detail of each type of event of the product. */
export interface EventDetails extends General, BackupCodeEventDetails {}

/**
 * An event: a union by its type. `'*'` also passes on the types that factors of yours add, of which the compiler knows
 * nothing: a `switch` over `type` needs a `default`.
 */
export type MfaEvent = EventOf<EventDetails>

/** The events of one type of the product. */
export type MfaEventOf<Type extends keyof EventDetails> = EventOf<Pick<EventDetails, Type>>

/** An event whose type a factor of yours has added. */
export type OwnFactorEvent = Omit<FactorsEvent, 'type'> & { readonly type: string }

/**
 * A function that receives every event, and may return a promise. An event is kept, and offered again, until every
 * listener has taken it.
 */
export type Listener = (event: MfaEvent) => unknown

/**
 * Offers each event of a type to the listener, at least once; `'*'` means every type. Answers a function that stops it.
 * `event.detail` has the members of that type.
 */
export interface Subscribe {
  <Type extends keyof EventDetails>(
    type: Type,
    listener: (event: MfaEventOf<Type>) => unknown,
  ): () => void
  (type: '*', listener: Listener): () => void
  /** The same for a type that a factor of yours has added. */
  (type: string & {}, listener: (event: OwnFactorEvent) => unknown): () => void
}
