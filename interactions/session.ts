import type { Context } from 'koa'
import { isEnrolled } from '../src/domain/enrolment.ts'
import { provedAtIn } from '../src/domain/freshness.ts'
import { FIRST_EPOCH, isLive } from '../src/domain/session.ts'
import { moveSession, signedInSessionOf, type SignedIn } from '../src/host/session.ts'
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
  /**
   * The time of the last proof in this session, in seconds since the Unix epoch: of the second factor or, where the
   * account has none, of the first. Absent: the account has a factor, and none was shown in this session.
   */
  readonly provedAt?: number
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
  const now = core.deps.clock.now()
  if (!isLive({ epoch, signedInAt }, record.epoch, core.sessionSeconds, now)) return undefined
  const factorAt = session.provedAt
  const provedAt = provedAtIn({ enrolled: isEnrolled(record), factorAt, signedInAt })
  const found = { accountId, acr, amr, signedInAt }
  return provedAt === undefined ? found : { ...found, provedAt }
}

/** The epochs of an account before and after a change of its password. */
export interface RaisedEpoch {
  readonly from: number
  readonly to: number
}

/**
 * After a change of the password on a page of the application's own: the session of the browser that made the change goes
 * on under a new id, while every other session of the account has ended (R19, R20). It goes on only if it was valid in
 * the epoch `from`; it is valid in `to` alone, so that a later end of everything ends it too. False: nobody is signed in
 * here with this account in that epoch. Throws MfaError `not-attached`, and every error of the storage.
 */
export async function renewSession(
  core: Core,
  ctx: Pick<Context, 'req' | 'res'>,
  accountId: string,
  epochs: RaisedEpoch,
): Promise<boolean> {
  const now = core.deps.clock.now()
  const admits = ({ accountId: owner, epoch = FIRST_EPOCH, signedInAt }: SignedIn): boolean =>
    owner === accountId && isLive({ epoch, signedInAt }, epochs.from, core.sessionSeconds, now)
  return moveSession(providerOf(core), ctx, { admits, epoch: epochs.to }, core.sessionCookie)
}
