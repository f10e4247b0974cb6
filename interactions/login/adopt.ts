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
 * What the login page of a node without the plugin has answered, as if it had answered with
 * `mfa.interactionFinished`: at most a first factor. Only where the application has said that there are such nodes
 * (`adopting`), and only for accounts that have not changed since: nothing tells whether the password was checked
 * before a change or after. Undefined: it counts for nothing.
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
  // Nothing tells when the page has answered, but that it was not before the interaction: it waits from then on.
  if (now >= iat + PENDING_SECONDS) return undefined
  const subject = await subjectBefore(core, login, iat)
  if (subject === undefined || cid === undefined) return undefined
  try {
    const { record } = await core.record(undefined, subject.accountId)
    const result = (await needsMore(core, req, res, interaction, { subject, record }))
      ? firstFactorOf(core, cid, subject, iat)
      : passwordLoginOf(core, cid, subject)
    return result as InteractionResults
  } catch (error) {
    // Its account or its client is gone.
    if (error instanceof MfaError && error.status < 500) return undefined
    throw error
  }
}

/**
 * The same of a login that such a node has applied already: its session is there, and a later page (consent) hands
 * the login on. It is the level of that session, so that `prompt=login` is not asked for again.
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

/** Undefined: nobody expects such a login, or it is none. */
async function subjectBefore(
  core: Core,
  login: unknown,
  answeredAt: Instant,
): Promise<Subject | undefined> {
  const said = Object(login) as FirstFactorResult
  // A seal that does not fit was made up or carried here: no page of before has ever made one.
  if (!core.adopting || 'seal' in said || faultsOfLogin(said, core.deps.clock.now()).length > 0)
    return undefined
  const { record } = await core.record(undefined, said.accountId)
  return record.epoch === FIRST_EPOCH ? subjectOfLogin(said, FIRST_EPOCH, answeredAt) : undefined
}
