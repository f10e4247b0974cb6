import type { Context } from 'koa'
import { newRecord } from '../src/domain/mfa-record.ts'
import { stepOf } from './decide.ts'
import { contextAtResume } from './login/policy.ts'
import type { Core } from './core.ts'
import { firstProof } from '../src/domain/policy/session-proofs.ts'

/**
 * Whether the policy requires a second factor of this account at this client: whether it would ask the person to set one
 * up if they had none. The application's functions get a context that looks like one of the host, with the person in the
 * session. True for an account that the application does not know.
 */
export async function isFactorRequired(
  core: Core,
  { req, res, ip }: Pick<Context, 'req' | 'res' | 'ip'>,
  accountId: string,
  clientId: string,
): Promise<boolean> {
  const params = { client_id: clientId }
  const now = core.deps.clock.now()
  const { record } = await core.record(undefined, accountId)
  const subject = {
    accountId,
    amr: [],
    ts: now,
    epoch: record.epoch,
    proofs: [firstProof(['pwd'], now)],
  }
  const { ctx, client } = await contextAtResume(core, req, res, { params }, subject)
  const account = await core.account(ctx, accountId)
  if (account === undefined) return true
  const { proofs } = subject
  const without = newRecord(accountId)
  const given = {
    record: without,
    params,
    request: req,
    proofs,
    requested: undefined,
    fresh: false,
  }
  return (await stepOf(core, given, { account, client, ip })).step !== 'none'
}
