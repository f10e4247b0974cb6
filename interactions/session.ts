import type { Context } from 'koa'
import { FIRST_EPOCH, isLive } from '../src/domain/session.ts'
import { signedInSessionOf } from '../src/host/session.ts'
import { providerOf, type Core } from './core.ts'

/** The person who is signed in, for a page of the application's own. */
export interface SignedInSession {
  readonly accountId: string
  /** The level that was proved, as in the ID token. */
  readonly acr: string | undefined
  /** The methods that were proved, as in the ID token. */
  readonly amr: readonly string[] | undefined
  /** The time at which the first factor was proved, in seconds since the Unix epoch. */
  readonly signedInAt: number
}

/**
 * Returns the session of the browser that sends the request of `ctx`, if the session still counts. The host's own
 * `Session.get` also returns a session that a change of password or factors has ended. Undefined: nobody is signed in.
 * Throws MfaError `not-attached`, and every error of the storage.
 */
export async function sessionOf(
  core: Core,
  ctx: Pick<Context, 'req' | 'res'>,
): Promise<SignedInSession | undefined> {
  const session = await signedInSessionOf(providerOf(core), ctx)
  if (session === undefined) return undefined
  const { record } = await core.record(undefined, session.accountId)
  const { accountId, acr, amr, signedInAt, epoch = FIRST_EPOCH } = session
  const counts = isLive(
    { epoch, signedInAt },
    record.epoch,
    core.sessionSeconds,
    core.deps.clock.now(),
  )
  return counts ? { accountId, acr, amr, signedInAt } : undefined
}
