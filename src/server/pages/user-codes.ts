import { createHash } from 'node:crypto'
import type { Adapter } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import { presentContext } from '../../host/context.ts'
import { overlay } from '../../host/overlay.ts'
import type { CounterAnswer, Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import { senderOf, type Refusals } from '../observe/audit.ts'
import { networkOf } from '../accounts/network.ts'

/** A wrong code is counted until every device code that existed at that time has expired. */
export const SECONDS_OF_DEVICE_CODE = 600
/** R17: the most wrong codes in one browser. A person copies eight letters wrongly once or twice. */
const MOST_IN_A_BROWSER = 5
/** Limits an attacker who uses several browsers. It is higher because several people can share an address. */
const MOST_FROM_AN_ADDRESS = 25

/**
 * Too many codes were wrong, so no code is looked up. The host shows the message on the page that asks for the code.
 */
export class TooManyUserCodes extends Error {
  readonly retryAt: Instant
  // As in the host's own refusals of a code: the host answers them with the page and logs no fault.
  readonly expose = true
  readonly statusCode = 429

  constructor(retryAt: Instant) {
    super('slow_down')
    this.name = 'TooManyUserCodes'
    this.retryAt = retryAt
  }
}

/**
 * Device codes whose user codes cannot be guessed (R17; RFC 8628 5.1). An attacker who finds one can connect another
 * person's device to an account of the attacker's choice. Each look-up is reserved before and released if the code
 * exists, so that parallel guesses get no more attempts than sequential ones.
 *
 * Throws TooManyUserCodes at the fifth wrong code of a browser, and at every further one.
 */
export function limitUserCodes(
  adapter: Adapter,
  services: {
    readonly counters: Counters
    readonly clock: Clock
    readonly refusals: Pick<Refusals, 'record'>
  },
): Adapter {
  const { counters, clock, refusals } = services
  const reserve = (key: string, limit: number): Promise<CounterAnswer> =>
    counters.reserve(key, { limit, windowSeconds: SECONDS_OF_DEVICE_CODE }, clock.now())

  const findByUserCode: Adapter['findByUserCode'] = async (userCode) => {
    const { browser, address, about } = whoAsks()
    const refuse = (reason: 'wrong' | 'throttled') =>
      refusals.record('user-code-refused', { ...about, detail: { ...about.detail, reason } })
    const byBrowser = await reserve(browser, MOST_IN_A_BROWSER)
    const byAddress = byBrowser.allowed ? await reserve(address, MOST_FROM_AN_ADDRESS) : byBrowser
    if (!byAddress.allowed) {
      await refuse('throttled')
      throw tooMany(byAddress, clock.now())
    }

    const found = await adapter.findByUserCode(userCode)
    if (found) {
      await counters.release(browser, clock.now())
      await counters.release(address, clock.now())
      return found
    }
    await refuse('wrong')
    if (byBrowser.count >= MOST_IN_A_BROWSER) throw tooMany(byBrowser, clock.now())
    return found
  }
  return overlay(adapter, { findByUserCode })
}

/**
 * The browser and the address of the present request. The host looks up a code only in a session that has shown the
 * form, but does not pass the request to its adapters.
 */
function whoAsks() {
  const ctx = presentContext()
  const uid = ctx?.oidc.session?.uid
  if (ctx === undefined || uid === undefined)
    throw new TypeError('a user code is looked up outside of a session')
  const accountId = ctx.oidc.session?.accountId
  return {
    // The uid opens the session's row, and the storage keeps names of counters in clear (R39).
    browser: `device:browser:${createHash('sha256').update(uid).digest('base64url')}`,
    address: `device:address:${networkOf(ctx.ip)}`,
    about: {
      ...(accountId === undefined ? {} : { accountId }),
      detail: senderOf(ctx),
    },
  }
}

function tooMany(answer: CounterAnswer, now: Instant): TooManyUserCodes {
  const retryAt = 'retryAt' in answer ? answer.retryAt : undefined
  return new TooManyUserCodes(retryAt ?? now + SECONDS_OF_DEVICE_CODE)
}
