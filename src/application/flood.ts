import { MfaError } from '../domain/errors.ts'
import { classify } from '../domain/known-browser.ts'
import type { Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

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
    const { interaction, response, accountAndClass } = place
    const running = this.#byInteraction.get(interaction)
    if (running?.response === response) return (await running.outcome) as T
    const inFlight = this.#byClass.get(accountAndClass) ?? 0
    if (running !== undefined || inFlight >= MOST_IN_FLIGHT)
      throw new MfaError('too-many-attempts', 'Too many attempts are in flight', { status: 429 })
    const outcome = attempt()
    this.#byInteraction.set(interaction, { response, outcome })
    this.#byClass.set(accountAndClass, inFlight + 1)
    try {
      return await outcome
    } finally {
      this.#byInteraction.delete(interaction)
      this.#leave(accountAndClass)
    }
  }

  /** The last to leave takes the entry along: what has been tried once must not stay in memory. */
  #leave(accountAndClass: string): void {
    const left = (this.#byClass.get(accountAndClass) ?? 0) - 1
    if (left > 0) this.#byClass.set(accountAndClass, left)
    else this.#byClass.delete(accountAndClass)
  }
}

const floods = new WeakMap<Dependencies, Flood>()

/**
 * Lets an attempt at a code through, or refuses it. `fingerprint`: of its response; `seen`: the record that this
 * request has read. Throws MfaError `too-many-attempts` (429).
 */
export async function admit<T>(
  deps: Dependencies,
  { accountId, interaction, tokenHashes }: Place,
  { fingerprint, seen }: { readonly fingerprint: string; readonly seen: Loaded },
  attempt: () => Promise<T>,
): Promise<T> {
  const flood = floods.get(deps) ?? new Flood()
  floods.set(deps, flood)
  const browser = classify(seen.record, tokenHashes)
  const accountAndClass = JSON.stringify([
    accountId,
    ...(browser.kind === 'known' ? [browser.tokenHash] : []),
  ])
  return flood.run({ interaction, response: fingerprint, accountAndClass }, attempt)
}
