import { ruleWithMailbox } from '../../src/application/prove-owner.ts'
import { contextAtResume } from '../login/policy.ts'
import type { MfaDetails } from './prompt.ts'
import { expired, type Visit } from './visit.ts'

/**
 * The visit with the person's addresses as findAccount and `describe` know them now. The findings of the prompt are as
 * old as the sign-in: an address that its owner has removed or replaced meanwhile must get no code (R9, R10), and a code
 * of recovery that was sent there must prove nothing. Throws MfaError `interaction-expired`.
 */
export async function withPresentAddresses(visit: Visit): Promise<Visit> {
  const { core, ctx, interaction, subject, seen } = visit
  const resumed = await contextAtResume(core, ctx.req, ctx.res, interaction, subject)
  const account = await core.account(resumed.ctx, subject.accountId)
  if (account === undefined) throw expired('The account of this sign-in is gone')
  const { address, addresses } = await core.describe(account)
  const { address: _address, addresses: _addresses, ...others } = visit.details
  const details: MfaDetails = {
    ...others,
    rule: ruleWithMailbox(core.deps, seen.record, others.rule, address),
    ...(address === undefined ? {} : { address }),
    ...(addresses === undefined ? {} : { addresses }),
  }
  return { ...visit, details }
}
