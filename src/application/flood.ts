import { MfaError } from '../domain/errors.ts'
import { classify } from '../domain/known-browser.ts'
import type { StepName } from '../ports/measures.ts'
import type { Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'
import { tellRefused } from './refused-attempts.ts'

/** Attempts of one account and browser class that are examined at once on this node. */
export const MOST_IN_FLIGHT = 4

/**
 * Keeps a flood from starving the owner's save: one attempt in flight per interaction, four per account and browser
 * class (unknown browsers together, each known browser by itself). Further attempts are refused and are not charged.
 * This is no security limit, so the memory of one node is enough; the security limits are in the record.
 */
export class Flood {
  /** By interaction. */
  readonly #inFlight = new Map<string, InFlight>()

  /**
   * Runs `attempt`. The same response of the same interaction while it runs joins it: a double tap (R38).
   * Throws MfaError `too-many-attempts` (429) for any other, after it has called `refused`.
   */
  async run<T>(
    place: { interaction: string; response: string; accountAndClass: string },
    attempt: () => Promise<T>,
    refused: () => void = () => undefined,
  ): Promise<T> {
    const { interaction, response, accountAndClass } = place
    const running = this.#inFlight.get(interaction)
    if (running?.response === response) return (await running.outcome) as T
    if (running !== undefined || this.#count(accountAndClass) >= MOST_IN_FLIGHT) {
      refused()
      throw new MfaError('too-many-attempts', 'Too many attempts are in flight', { status: 429 })
    }
    const outcome = attempt()
    this.#inFlight.set(interaction, { response, accountAndClass, outcome })
    try {
      return await outcome
    } finally {
      this.#inFlight.delete(interaction)
    }
  }

  #count(accountAndClass: string): number {
    return [...this.#inFlight.values()].filter((one) => one.accountAndClass === accountAndClass)
      .length
  }
}

interface InFlight {
  readonly response: string
  readonly accountAndClass: string
  readonly outcome: Promise<unknown>
}

const floods = new WeakMap<Dependencies, Flood>()

export interface Admission {
  /** Recognises the response. */
  readonly fingerprint: string
  /** The record that this request has read. */
  readonly seen: Loaded
  /** The factor that the attempt is at. Absent: it is a change of factors, which examines no code. */
  readonly factor?: string
  /** The step of the sign-in, by which an attempt without an answer is counted. Default: a factor. */
  readonly step?: StepName
}

/**
 * Lets an attempt at a code through, or refuses it and tells the listeners. Throws MfaError `too-many-attempts` (429).
 */
export async function admit<T>(
  deps: Dependencies,
  place: Place,
  { fingerprint, seen, factor, step = 'factor' }: Admission,
  attempt: () => Promise<T>,
): Promise<T> {
  const { accountId, interaction, tokenHashes } = place
  const flood = floods.get(deps) ?? new Flood()
  floods.set(deps, flood)
  const browser = classify(seen.record, tokenHashes)
  const accountAndClass = JSON.stringify([
    accountId,
    ...(browser.kind === 'known' ? [browser.tokenHash] : []),
  ])
  const counted = (): Promise<T> =>
    deps.measures.span('oidc_mfa.attempt', { step, factor }, attempt).catch((error: unknown) => {
      if (factor !== undefined) countFailed(deps, step, factor, error)
      throw error
    })
  return flood.run({ interaction, response: fingerprint, accountAndClass }, counted, () => {
    if (factor === undefined) return
    const detail = { factor, browser: browser.kind, reason: 'throttled' as const }
    tellRefused(deps, place, { type: 'factor-refused', detail })
  })
}

/** An attempt that ends with an error of the person, such as a taken credential, has an answer. */
function countFailed(deps: Dependencies, step: StepName, factor: string, error: unknown): void {
  const { code, status } = error instanceof MfaError ? error : { code: 'error', status: 500 }
  if (status >= 500) deps.measures.step({ step, factor, outcome: 'failed', reason: code })
}
