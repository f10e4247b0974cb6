import type { Context } from 'koa'
import { contextAtResume } from './login/policy.ts'
import type { Core } from './core.ts'

/**
 * Whether the application's policy requires a second factor of this account at this client. The application's functions
 * get a context that looks like one of the host, with the person in the session. True for an account that the
 * application does not know.
 */
export async function isFactorRequired(
  core: Core,
  { req, res }: Pick<Context, 'req' | 'res'>,
  accountId: string,
  clientId: string,
): Promise<boolean> {
  const params = { client_id: clientId }
  const { record } = await core.record(undefined, accountId)
  const subject = { accountId, amr: [], ts: core.deps.clock.now(), epoch: record.epoch }
  const { ctx, client } = await contextAtResume(core, req, res, { params }, subject)
  const account = await core.account(ctx, accountId)
  return account === undefined || core.requires({ account, client, params })
}
