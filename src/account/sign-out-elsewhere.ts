import type { Context } from 'koa'
import type { Core } from '../../interactions/core.ts'
import { renewSession } from '../../interactions/session.ts'
import { signOutElsewhere } from '../application/manage-accounts.ts'
import type { AccountVisit, OwnDeed } from './page.ts'

/** The name of the deed. */
export const SIGN_OUT_ELSEWHERE = 'sign-out-elsewhere'

/** Ends every session but this one. The overview offers it after a factor was added, which ends none (R20). */
export function signingOutElsewhere(core: Core): OwnDeed {
  return {
    needs: 'recent',
    run: (visit, _form, ctx) => run(core, visit, ctx),
  }
}

async function run(
  core: Core,
  { accountId, epoch }: AccountVisit,
  ctx: Context,
): Promise<string | undefined> {
  const epochs = await signOutElsewhere(core.deps, accountId, epoch)
  if (epochs === undefined) return undefined
  await renewSession(core, ctx, accountId, epochs)
  return 'signed-out-elsewhere'
}
