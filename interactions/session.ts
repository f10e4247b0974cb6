import type { Context } from 'koa'
import { FIRST_EPOCH, isLive } from '../src/domain/session.ts'
import { signedInSessionOf } from '../src/host/session.ts'
import { providerOf, type Core } from './core.ts'

/** Who is signed in, for a page of the application's own. */
export interface SignedInSession {
  readonly accountId: string
  /** The proved methods, as in the ID token. */
  readonly acr: string | undefined
  readonly amr: readonly string[] | undefined
  /** When the first factor was shown, in seconds since the epoch of Unix. */
  readonly signedInAt: number
}

/**
 * The session of the browser that sends the request of `ctx`, if it still counts: the host's own `Session.get` answers
 * with one that a change of password or factors has ended, too. Undefined: nobody is signed in. Throws MfaError
 * `not-attached`, and what the storage throws.
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
