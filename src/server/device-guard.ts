import type { Context, Next } from 'koa'
import type { Counters } from '../ports/counters.ts'
import type { Clock } from '../ports/services.ts'
import { networkOf } from './accounts/network.ts'
import type { ShowPage } from './pages.ts'

/** R17: wrong user codes from one address, and how long it then waits. A code lives as long. */
const MOST_WRONG_CODES = 5
const WINDOW_SECONDS = 600

const WRONG = 'deviceCodeWrong'

/** The page of the host's device flow tells that the code was nobody's. */
export function deviceCodeWasWrong(ctx: { readonly state: object }): void {
  Object.assign(ctx.state, { [WRONG]: true })
}

/**
 * Ends the guessing of user codes. The host looks codes up for as long as it is asked; whoever finds one
 * signs somebody else's device in, or is signed in to a stranger's. Reserved before the look-up and given
 * back when the code was one, so that parallel guesses count as well.
 */
export function deviceGuard({
  counters,
  clock,
  show,
}: {
  readonly counters: Counters
  readonly clock: Clock
  readonly show: ShowPage
}) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.method !== 'POST' || ctx.path !== '/device') return void (await next())
    const now = clock.now()
    const key = `device:${networkOf(ctx.ip)}`
    const limit = { limit: MOST_WRONG_CODES, windowSeconds: WINDOW_SECONDS }
    const reserved = await counters.reserve(key, limit, now)
    if (!reserved.allowed) {
      const retryAfterSeconds = Math.max(1, (reserved.retryAt ?? now + WINDOW_SECONDS) - now)
      const headers = { 'Retry-After': String(retryAfterSeconds) }
      return show(ctx, 'busy', { retryAfterSeconds }, { status: 429, headers })
    }
    await next()
    if (!(WRONG in ctx.state)) await counters.release(key, now)
  }
}
