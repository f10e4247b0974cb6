import type { Account, KoaContextWithOIDC } from 'oidc-provider'
import type { PendingFirstFactor } from '../domain/first-factor.ts'
import type { Instant } from '../domain/time.ts'
import { isPromptPending, type OIDC } from './context.ts'
import { given } from './given.ts'
import { overlay } from './overlay.ts'

/**
 * The context that the checks before the second factor see: the host's context, with the pending subject in place of
 * the session's. The host's own checks (`no_session`, `max_age`, `id_token_hint`, `sub`) and an application's then
 * decide about the person who has just shown a password, although nobody is signed in.
 */
export function withPendingSubject(
  ctx: KoaContextWithOIDC,
  pending: PendingFirstFactor,
  { account, now }: { account?: Account | undefined; now: Instant },
): KoaContextWithOIDC {
  const { oidc } = ctx
  const { accountId, amr, ts, remember, extra } = pending
  const session = overlay(given(oidc.session, 'session'), {
    accountId,
    loginTs: ts,
    acr: undefined,
    amr,
    authTime: () => ts,
    past: (age: number) => now - ts > Number(age),
  })
  const login = { ...extra, accountId, amr, ts, ...(remember === undefined ? {} : { remember }) }
  const result = { ...(oidc.result as object | undefined), login }
  const grant = account === undefined ? undefined : grantFor(oidc, accountId)
  const view = overlay(oidc, {
    session,
    result,
    account,
    grant,
    entities: { ...oidc.entities, Session: session, Account: account, Grant: grant },
    acr: undefined,
    amr,
    promptPending: (name: string) => name !== 'login' && isPromptPending(oidc, name),
  })
  return overlay(ctx, { oidc: view })
}

/**
 * The grant that the host makes for a person who has granted nothing yet. Stored grants are not looked up before the
 * second factor: an application's loadExistingGrant may store a grant.
 */
function grantFor({ provider, client }: OIDC, accountId: string): object {
  return new provider.Grant({ accountId, clientId: given(client, 'client').clientId })
}
