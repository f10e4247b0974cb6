import type { KoaContextWithOIDC } from 'oidc-provider'
import type { PendingFirstFactor } from '../../src/domain/first-factor.ts'
import { given, type HostAccount } from '../core.ts'
import type { Instant } from '../../src/domain/time.ts'

/**
 * What the checks before the second factor look at: the host's context, with the pending subject in place of
 * the session's. The host's own checks (`no_session`, `max_age`, `id_token_hint`, `sub`) and an application's
 * then decide about the person who has just shown a password, although nobody is signed in.
 *
 * Everything else is the original: getters and methods run on it, since the host's classes have private fields.
 */
export function withPendingSubject(
  ctx: KoaContextWithOIDC,
  pending: PendingFirstFactor,
  { account, now }: { account?: HostAccount | undefined; now: Instant },
): KoaContextWithOIDC {
  const { oidc } = ctx
  const session = overlay(given(oidc.session, 'session'), {
    accountId: pending.accountId,
    loginTs: pending.ts,
    acr: undefined,
    amr: pending.amr,
    authTime: () => pending.ts,
    past: (age: number) => now - pending.ts > Number(age),
  })
  const { accountId, amr, ts, remember, extra } = pending
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
    amr: pending.amr,
    promptPending: (name: string) => name !== 'login' && oidc.promptPending(name),
  })
  return overlay(ctx, { oidc: view })
}

/**
 * As the host gives it to somebody who has granted nothing yet. What is granted is not looked up before the second
 * factor: an application's loadExistingGrant may store one.
 */
function grantFor({ provider, client }: KoaContextWithOIDC['oidc'], accountId: string): object {
  return new provider.Grant({ accountId, clientId: given(client, 'client').clientId })
}

function overlay<T extends object>(target: T, replaced: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get(original, name) {
      if (typeof name === 'string' && Object.hasOwn(replaced, name)) return replaced[name]
      const value: unknown = Reflect.get(original, name, original)
      return typeof value === 'function'
        ? (value as (...args: unknown[]) => unknown).bind(original)
        : value
    },
    set: (original, name, value) => Reflect.set(original, name, value, original),
  })
}
