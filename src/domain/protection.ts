import type { Instant } from './time.ts'

/** An authenticator, as far as it protects its account against the loss of another one. */
export interface Held {
  /** Whether its owner has set it up, so that it does not run out as look-up secrets do. */
  readonly lasting: boolean
  /** The look-up secrets that are left; absent where there is no such number. */
  readonly remaining?: number
  /** The end of an authenticator that is weaker than one that is set up here. */
  readonly endsAt?: Instant
}

/** A part of its protection that an account lacks. `codes`: look-up secrets; `second`: another lasting authenticator beside the only one. */
export type Lack = 'codes' | 'second'

/**
 * Tells what an account with a second factor lacks. Without it the loss of one device locks its owner out. An
 * authenticator that has ended counts as none, and so does a set of look-up secrets that are all used. `issues`: whether
 * look-up secrets can be made here.
 */
export function lacksOf(
  held: readonly Held[],
  { issues, now }: { readonly issues: boolean; readonly now: Instant },
): readonly Lack[] {
  if (held.length === 0) return []
  const usable = held.filter(({ endsAt, remaining }) => !isOver(endsAt, now) && remaining !== 0)
  const lacks: Lack[] = []
  if (issues && !usable.some(({ lasting }) => !lasting)) lacks.push('codes')
  if (usable.filter(({ lasting }) => lasting).length < 2) lacks.push('second')
  return lacks
}

/** Whether the end of a weak authenticator has come. */
export function isOver(endsAt: Instant | undefined, now: Instant): boolean {
  return endsAt !== undefined && endsAt <= now
}
