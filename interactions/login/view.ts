import type { KoaContextWithOIDC } from 'oidc-provider'
import type { PendingFirstFactor } from '../../src/domain/first-factor.ts'
import { given } from '../core.ts'
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
  { account, now }: { account: unknown; now: Instant },
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
  const result = { ...(oidc.result as object | undefined), login: { accountId: pending.accountId } }
  const view = overlay(oidc, {
    session,
    result,
    account,
    entities: { ...oidc.entities, Account: account },
    acr: undefined,
    amr: pending.amr,
    promptPending: (name: string) => name !== 'login' && oidc.promptPending(name),
  })
  return overlay(ctx, { oidc: view })
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
