import {
  Provider,
  type Adapter,
  type AdapterFactory,
  type AdapterPayload,
  type InteractionResults,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { given, type Core } from '../../interactions/core.ts'
import { adoptLogin, adoptSignedIn } from '../../interactions/login/adopt.ts'
import { parseLogin, type SealedLogin } from '../../interactions/seal.ts'
import { MfaError } from '../domain/errors.ts'
import { FIRST_EPOCH, levelWithoutEpoch } from '../domain/session.ts'
import { HOUR_SECONDS } from '../domain/time.ts'

type AdapterOption = AdapterFactory | (new (name: string) => Adapter)

/** How long a finished interaction still knows its app: a tab or the back button comes back to it. */
const REMAINS_SECONDS = HOUR_SECONDS

/**
 * Wraps the application's own storage of the host's records, for the models in which a sign-in is decided.
 * Everything else goes through untouched.
 */
export function guardAdapter(core: Core, adapter: AdapterOption): AdapterFactory {
  const make = (name: string): Adapter =>
    isConstructor(adapter) ? new adapter(name) : adapter(name)
  return (name) => {
    const inner = make(name)
    switch (name) {
      case 'Interaction':
        return overlay(inner, guardInteraction(core, inner))
      case 'Session':
        return overlay(inner, guardSession(inner))
      case 'Grant':
        return overlay(inner, guardGrant(core, inner))
      default:
        return inner
    }
  }
}

/**
 * A `login` that the plugin has not sealed never becomes a session. Refused when it is written, inside the page
 * that forgot; left out when the host reads it to apply it, should it have come by another way. At the resume it
 * would be too late to throw: the host stores the session all the same.
 *
 * One that was sealed under an epoch of before is left out there without an error: nobody forgot anything, the
 * account changed while a later page was open, and the person signs in again.
 *
 * While nodes without the plugin run beside this one, sign-ins come over from them. An unsealed login that is stored
 * as submitted before can only be theirs: it is left out wherever it is read, so that a later page (consent) is not
 * taken for one that forgot.
 */
function guardInteraction(core: Core, inner: Adapter): Partial<Adapter> {
  return {
    async upsert(id, payload: Payload, expiresIn) {
      for (const results of [payload.result, payload.lastSubmission])
        if (results?.login !== undefined && sealedIn(core, payload, results) === undefined)
          throw new MfaError(
            'login-not-sealed',
            'A `login` result did not come from the plugin, so nobody is signed in. In the login page replace ' +
              '`provider.interactionFinished` by `mfa.interactionFinished` (and `interactionResult` likewise)',
          )
      return inner.upsert(id, payload, expiresIn)
    },
    async find(id) {
      const payload = await readSubmission(core, (await inner.find(id)) as Payload | undefined)
      if (payload?.result?.login === undefined || !isResume()) return payload
      const sealed = sealedIn(core, payload, payload.result)
      if (sealed !== undefined && (await isOfPresentEpoch(core, sealed))) return payload
      const rest = withoutLogin(payload.result)
      const { login } = payload.result
      const adopted = await adoptLogin(core, given(Provider.ctx, 'context'), asking(payload), login)
      return { ...payload, result: { ...rest, ...adopted } }
    },
    // In place of it and under its name: one write, as before.
    destroy(id) {
      const remains = remainsOf(id)
      return remains === undefined ? inner.destroy(id) : inner.upsert(id, remains, REMAINS_SECONDS)
    },
  }
}

function asking(payload: Payload): Parameters<typeof adoptLogin>[2] {
  const { params = {}, ...rest } = payload
  return { ...rest, params } as Parameters<typeof adoptLogin>[2]
}

async function readSubmission(
  core: Core,
  payload: Payload | undefined,
): Promise<Payload | undefined> {
  const submitted = payload?.lastSubmission
  if (payload === undefined || submitted?.login === undefined) return payload
  if (sealedIn(core, payload, submitted) !== undefined) return payload
  const adopted = await adoptSignedIn(core, payload, submitted.login)
  return { ...payload, lastSubmission: { ...withoutLogin(submitted), ...adopted } }
}

function withoutLogin({ login: _, ...rest }: InteractionResults): InteractionResults {
  return rest
}

/**
 * What is left of an interaction that the host has just ended: which app it was for, so that the page which the
 * back button finds can lead there. It has expired long ago, whatever the host tolerates of clocks: nothing can be
 * answered or resumed with it.
 */
function remainsOf(id: string): AdapterPayload | undefined {
  const { oidc } = (Provider.ctx ?? {}) as Partial<KoaContextWithOIDC>
  const ended = oidc?.entities.Interaction
  if (ended === undefined || ended.jti !== id) return undefined
  const { client_id, redirect_uri } = ended.params
  return { jti: id, kind: 'Interaction', exp: 1, params: { client_id, redirect_uri } }
}

/**
 * A session of before the plugin, or of a node without it, carries no epoch. Its level is what it shows, also in the
 * tokens that come of it.
 */
function guardSession(inner: Adapter): Partial<Adapter> {
  const read = (payload: SessionPayload | undefined | void): SessionPayload | undefined | void => {
    if (!payload || payload.accountId === undefined || payload.mfaEpoch !== undefined)
      return payload
    return { ...payload, acr: levelWithoutEpoch(payload.acr, payload.amr ?? []) }
  }
  return {
    find: async (id) => read(await inner.find(id)),
    findByUid: async (uid) => read(await inner.findByUid(uid)),
  }
}

/** A grant made under another epoch is none: with it die its codes and its refresh and access tokens (R20). */
function guardGrant(core: Core, inner: Adapter): Partial<Adapter> {
  const epochOf = async (accountId: string): Promise<number> =>
    (await core.record(Provider.ctx, accountId)).record.epoch
  return {
    async upsert(id, payload, expiresIn) {
      const { accountId, mfaEpoch } = payload as GrantPayload
      if (accountId === undefined || mfaEpoch !== undefined)
        return inner.upsert(id, payload, expiresIn)
      // A new one. Saved again later it keeps its epoch, so that a request in flight revives nothing.
      const stamped = { ...payload, mfaEpoch: await epochOf(accountId) }
      return inner.upsert(id, stamped, expiresIn)
    },
    async find(id) {
      const payload = await inner.find(id)
      if (payload === undefined || payload === null) return payload
      const { accountId, mfaEpoch = FIRST_EPOCH } = payload as GrantPayload
      if (accountId === undefined) return payload
      return mfaEpoch === (await epochOf(accountId)) ? payload : undefined
    },
  }
}

type Payload = AdapterPayload & {
  result?: InteractionResults
  lastSubmission?: InteractionResults
  cid?: unknown
}
type GrantPayload = AdapterPayload & { mfaEpoch?: number }
type SessionPayload = AdapterPayload & { mfaEpoch?: number }

/** The login among the results, if it was sealed for this very authorization. */
function sealedIn(
  core: Core,
  { cid }: Payload,
  { login }: InteractionResults,
): SealedLogin | undefined {
  return parseLogin(core.deps.box, cid, login)
}

async function isOfPresentEpoch(core: Core, { accountId, epoch }: SealedLogin): Promise<boolean> {
  return epoch === (await core.record(Provider.ctx, accountId)).record.epoch
}

function isResume(): boolean {
  const { oidc } = (Provider.ctx ?? {}) as { oidc?: { route?: string } }
  return oidc?.route === 'resume' || oidc?.route === 'device_resume'
}

/** The host's own test: what it would call with `new`. */
function isConstructor(value: unknown): value is new (name: string) => Adapter {
  return (
    typeof value === 'function' &&
    typeof (value as { prototype?: unknown }).prototype === 'object' &&
    (value as { prototype?: unknown }).prototype !== null
  )
}

function overlay(inner: Adapter, replaced: Partial<Adapter>): Adapter {
  return new Proxy(inner, {
    get(original, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name as keyof Adapter]
      const value: unknown = Reflect.get(original, name, original)
      return typeof value === 'function'
        ? (value as (...args: unknown[]) => unknown).bind(original)
        : value
    },
  })
}
