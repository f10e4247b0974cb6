import { MfaError } from '../domain/errors.ts'

/** Attempts of one account and browser class that are examined at once on this node. */
export const MOST_IN_FLIGHT = 4

/**
 * Keeps a flood from starving the owner's save: one attempt in flight per interaction, four per account and
 * browser class (strangers and a known browser apart). The rest is refused and charges nothing. It is no
 * security limit, so memory of one node is enough; the limits that are, are in the record.
 */
export class Flood {
  readonly #byInteraction = new Map<string, { response: string; outcome: Promise<unknown> }>()
  readonly #byClass = new Map<string, number>()

  /**
   * Runs `attempt`. The same response of the same interaction while it runs joins it: a double tap (R38).
   * Throws MfaError `too-many-attempts` (429) for any other.
   */
  async run<T>(
    place: { interaction: string; response: string; accountAndClass: string },
    attempt: () => Promise<T>,
  ): Promise<T> {
    const running = this.#byInteraction.get(place.interaction)
    if (running?.response === place.response) return (await running.outcome) as T
    const inFlight = this.#byClass.get(place.accountAndClass) ?? 0
    if (running !== undefined || inFlight >= MOST_IN_FLIGHT)
      throw new MfaError('too-many-attempts', 'Too many attempts are in flight', { status: 429 })
    this.#byClass.set(place.accountAndClass, inFlight + 1)
    const outcome = attempt()
    this.#byInteraction.set(place.interaction, { response: place.response, outcome })
    try {
      return await outcome
    } finally {
      this.#byInteraction.delete(place.interaction)
      const left = this.#byClass.get(place.accountAndClass)! - 1
      if (left === 0) this.#byClass.delete(place.accountAndClass)
      else this.#byClass.set(place.accountAndClass, left)
    }
  }
}
