import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import { MfaError } from '../../src/domain/errors.ts'
import { PENDING_SECONDS } from '../../src/domain/first-factor.ts'
import { FIRST_EPOCH } from '../../src/domain/session.ts'
import type { Instant } from '../../src/domain/time.ts'
import { authorizationIdOf, type StoredInteraction } from '../../src/host/interaction.ts'
import type { Resumable } from '../../src/host/resume.ts'
import type { Core } from '../core.ts'
import { firstFactorOf, passwordLoginOf, type Subject } from '../result.ts'
import { faultsOfLogin, subjectOfLogin, type FirstFactorResult } from './finish.ts'
import { needsMore } from './policy.ts'

/**
 * Treats a login from a node without the plugin as if its login page had answered with `mfa.interactionFinished`: it
 * counts at most as a first factor. It counts only if the application has said that there are such nodes (`adopting`),
 * and only for accounts that have never changed, because nothing tells whether the password was checked before a change
 * or after. Undefined: the login does not count.
 */
export async function adoptLogin(
  core: Core,
  { req, res }: KoaContextWithOIDC,
  interaction: Resumable & Pick<StoredInteraction, 'cid' | 'iat'>,
  login: unknown,
): Promise<InteractionResults | undefined> {
  const now = core.deps.clock.now()
  const { iat = now } = interaction
  const cid = authorizationIdOf(interaction)
  // The time of the page's answer is unknown, but it cannot be before the interaction began: the first factor is
  // pending from that time on.
  if (now >= iat + PENDING_SECONDS) return undefined
  const subject = await subjectBefore(core, login, iat)
  if (subject === undefined || cid === undefined) return undefined
  try {
    const { record } = await core.record(undefined, subject.accountId)
    const { isMore } = await needsMore(core, req, res, interaction, { subject, record })
    const result = isMore
      ? firstFactorOf(core, cid, subject, iat)
      : passwordLoginOf(core, cid, subject)
    return result as InteractionResults
  } catch (error) {
    // The account or the client of the login is gone.
    if (error instanceof MfaError && error.status < 500) return undefined
    throw error
  }
}

/**
 * Does the same for a login that such a node has applied already: its session exists, and a later page (consent) passes
 * the login on. The login gets the level of that session, so that the host does not ask for `prompt=login` again.
 */
export async function adoptSignedIn(
  core: Core,
  interaction: StoredInteraction,
  login: unknown,
): Promise<InteractionResults | undefined> {
  const { session, iat } = interaction
  const cid = authorizationIdOf(interaction)
  const subject = await subjectBefore(core, login, iat ?? core.deps.clock.now())
  if (subject === undefined || cid === undefined) return undefined
  return session?.accountId === subject.accountId
    ? (passwordLoginOf(core, cid, subject) as InteractionResults)
    : undefined
}

/** The person of such a login. Undefined: no such login is expected, it is malformed, or the account has changed. */
async function subjectBefore(
  core: Core,
  login: unknown,
  answeredAt: Instant,
): Promise<Subject | undefined> {
  const said = Object(login) as FirstFactorResult
  // A seal that does not fit was forged or copied from elsewhere, because a page without the plugin makes no seal.
  if (!core.adopting || 'seal' in said || faultsOfLogin(said, core.deps.clock.now()).length > 0)
    return undefined
  const { record } = await core.record(undefined, said.accountId)
  return record.epoch === FIRST_EPOCH
    ? subjectOfLogin(said, FIRST_EPOCH, { now: answeredAt, begunAt: answeredAt })
    : undefined
}
