import type { Adapter, AdapterFactory, AdapterPayload, InteractionResults } from 'oidc-provider'
import { providerOf, type AccountSite, type Core } from '../../interactions/core.ts'
import { adoptLogin, adoptSignedIn } from '../../interactions/login/adopt.ts'
import { parseLogin, type SealedLogin } from '../../interactions/seal.ts'
import { accountClient, ACCOUNT_CLIENT_ID, clientTaken } from '../account/client.ts'
import { accessEndings } from '../domain/app-access.ts'
import { MfaError } from '../domain/errors.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { AUTHN_FACTORS } from '../domain/policy/authn-factors.ts'
import { FIRST_EPOCH, levelWithoutEpoch } from '../domain/session.ts'
import { HOUR_SECONDS } from '../domain/time.ts'
import { isResume, presentContext } from '../host/context.ts'
import { withPromptOfRequest } from '../host/device.ts'
import { given } from '../host/given.ts'
import { withSignInClaim } from '../host/grant.ts'
import {
  authorizationIdOf,
  remainsOf,
  submissionOf,
  withSubmission,
  type StoredInteraction,
} from '../host/interaction.ts'
import { overlay } from '../host/overlay.ts'
import { accessIn, epochIn, signedInSession, withAccess, withEpoch } from '../host/session.ts'
import { basisFor, basisIn, withBasis } from '../host/token-basis.ts'
import { guardRefreshToken, guardUse } from './second-use.ts'

type AdapterOption = AdapterFactory | (new (name: string) => Adapter)

/** The time for which the app of a finished interaction stays known: a tab or the back button may lead back to it. */
const REMAINS_SECONDS = HOUR_SECONDS

/**
 * Wraps the application's own storage of the host's records, for the models in which a sign-in is decided. Every other
 * model is left untouched.
 */
export function guardAdapter(core: Core, adapter: AdapterOption): AdapterFactory {
  const make = (name: string): Adapter =>
    isConstructor(adapter) ? new adapter(name) : adapter(name)
  return (name) => {
    const inner = make(name)
    switch (name) {
      case 'Interaction':
        core.taken.adapter = true
        return overlay(inner, guardInteraction(core, inner))
      case 'Client':
        return core.accountSite === undefined
          ? inner
          : overlay(inner, guardClients(core, inner, core.accountSite))
      case 'Session':
        return overlay(inner, guardSession(inner))
      case 'Grant':
        return overlay(inner, guardGrant(core, inner))
      case 'DeviceCode': {
        const kept = keepingBasis(inner)
        return overlay(kept, { ...guardDeviceCode(kept), ...guardUse(core, inner) })
      }
      case 'AuthorizationCode':
        return overlay(keepingBasis(inner), guardUse(core, inner))
      case 'RefreshToken': {
        const kept = keepingBasis(inner)
        return overlay(kept, guardRefreshToken(core, kept))
      }
      case 'AccessToken':
        return keepingBasis(inner)
      default:
        return inner
    }
  }
}

/**
 * A `login` that the plugin has not sealed never becomes a session. It is refused when it is written, by a page that
 * does not use the plugin. A login that came by another way is left out when the host reads it to apply it. At the
 * resume it would be too late to throw: the host stores the session all the same.
 *
 * A login that was sealed under an earlier epoch is left out there without an error: the account changed while a later
 * page was open, and the person signs in again.
 *
 * While nodes without the plugin run beside this one, sign-ins come over from them. An unsealed login among the earlier
 * submissions can only be theirs. It is adopted or left out wherever it is read, so that a later page (consent) is not
 * refused as one that does not use the plugin.
 */
function guardInteraction(core: Core, inner: Adapter): Partial<Adapter> {
  return {
    async upsert(id, payload: StoredInteraction, expiresIn) {
      for (const results of [payload.result, submissionOf(payload)])
        if (results?.login !== undefined && sealedIn(core, payload, results) === undefined)
          throw new MfaError(
            'login-not-sealed',
            'A `login` result did not come from the plugin, so nobody is signed in. In the login page replace ' +
              '`provider.interactionFinished` by `mfa.interactionFinished` (and `interactionResult` likewise)',
          )
      return inner.upsert(id, await withoutEndedConsent(core, payload), expiresIn)
    },
    async find(id) {
      const payload = await readSubmission(
        core,
        (await inner.find(id)) as StoredInteraction | undefined,
      )
      if (payload?.result?.login === undefined || !isResume(presentContext()?.oidc)) return payload
      const sealed = sealedIn(core, payload, payload.result)
      if (sealed !== undefined && (await isOfPresentEpoch(core, sealed))) return payload
      const rest = withoutLogin(payload.result)
      const { login } = payload.result
      const adopted = await adoptLogin(
        core,
        given(presentContext(), 'context'),
        asking(payload),
        login,
      )
      return { ...payload, result: { ...rest, ...adopted } }
    },
    // The remains take the place of the interaction, under its id: one write, as without the plugin.
    destroy(id) {
      const remains = remainsOf(id)
      return remains === undefined ? inner.destroy(id) : inner.upsert(id, remains, REMAINS_SECONDS)
    },
  }
}

function asking(payload: StoredInteraction): Parameters<typeof adoptLogin>[2] {
  const { params = {}, ...rest } = payload
  return { ...rest, params } as Parameters<typeof adoptLogin>[2]
}

async function readSubmission(
  core: Core,
  payload: StoredInteraction | undefined,
): Promise<StoredInteraction | undefined> {
  const submitted = payload && submissionOf(payload)
  if (payload === undefined || submitted?.login === undefined) return payload
  if (sealedIn(core, payload, submitted) !== undefined) return payload
  const adopted = await adoptSignedIn(core, payload, submitted.login)
  return withSubmission(payload, { ...withoutLogin(submitted), ...adopted })
}

/**
 * Leaves out a consent that a page has answered for a session of an earlier epoch (R20). Its grant is new and carries
 * the present epoch: if it counted, the app would get access at the owner's next sign-in without a consent page.
 */
async function withoutEndedConsent(
  core: Core,
  payload: StoredInteraction,
): Promise<StoredInteraction> {
  const { result, session: begunIn } = payload
  if (result?.consent === undefined || begunIn?.uid === undefined) return payload
  const session = await signedInSession(providerOf(core), { uid: begunIn.uid })
  const { record } = await core.record(
    presentContext(),
    given(payload.session?.accountId, 'account'),
  )
  if (session !== undefined && (session.epoch ?? FIRST_EPOCH) === record.epoch) return payload
  const { consent: _, ...rest } = result
  return { ...payload, result: rest }
}

function withoutLogin({ login: _, ...rest }: InteractionResults): InteractionResults {
  return rest
}

/**
 * Answers with the client of the account pages, which no storage keeps: its address depends on the issuer and on where
 * the provider is mounted. A client of the application's own with this id could change people's factors, or the pages
 * would sign people in as that client, so it is refused.
 */
function guardClients(core: Core, inner: Adapter, site: AccountSite): Partial<Adapter> {
  let isFree = false
  return {
    async find(id) {
      if (id !== ACCOUNT_CLIENT_ID) return inner.find(id)
      if (!isFree && (await inner.find(id))) {
        // The host answers 500 and says no reason.
        const error = clientTaken()
        core.deps.report(error)
        throw error
      }
      isFree = true
      return accountClient(core, site)
    },
  }
}

/**
 * Lowers the level of a session without an epoch to the one that it can show, also in the tokens issued from it. Such a
 * session was made before the plugin was installed, or by a node without the plugin.
 */
function guardSession(inner: Adapter): Partial<Adapter> {
  const read = (payload: AdapterPayload | undefined | void): AdapterPayload | undefined | void => {
    if (!payload || payload.accountId === undefined || epochIn(payload) !== undefined)
      return payload
    return { ...payload, acr: levelWithoutEpoch(payload.acr, payload.amr ?? []) }
  }
  return {
    find: async (id) => read(await inner.find(id)),
    findByUid: async (uid) => read(await inner.findByUid(uid)),
  }
}

/**
 * Hides a grant that was made in another epoch, or before the access of its app was ended: its codes and its refresh and
 * access tokens end with it (R20).
 */
function guardGrant(core: Core, inner: Adapter): Partial<Adapter> {
  const recordOf = async (accountId: string): Promise<MfaRecord> =>
    (await core.record(presentContext(), accountId)).record
  return {
    async upsert(id, payload, expiresIn) {
      const { accountId, clientId = '' } = payload
      if (accountId === undefined || epochIn(payload) !== undefined)
        return inner.upsert(id, payload, expiresIn)
      // The grant is new. A grant that is saved again keeps both, so that a request in flight revives nothing.
      const record = await recordOf(accountId)
      const counted = withAccess(payload, accessEndings(record, clientId))
      return inner.upsert(id, withEpoch(counted, record.epoch), expiresIn)
    },
    async find(id) {
      const payload = await inner.find(id)
      if (payload === undefined || payload === null) return payload
      const { accountId, clientId = '' } = payload
      if (accountId === undefined) return payload
      const record = await recordOf(accountId)
      const epoch = epochIn(payload) ?? FIRST_EPOCH
      const isLive = epoch === record.epoch && accessIn(payload) === accessEndings(record, clientId)
      return isLive ? withSignInClaim(payload, AUTHN_FACTORS) : undefined
    },
  }
}

/** Stores its basis with each code and token, so that the policy can judge it again. */
function keepingBasis<T extends Adapter>(inner: T): T {
  return overlay(inner, {
    upsert: (id: string, payload: AdapterPayload, expiresIn: number) =>
      inner.upsert(
        id,
        withBasis(payload, basisIn(payload) ?? basisFor(presentContext())),
        expiresIn,
      ),
  })
}

/** Keeps the prompt that the device has asked for, which the host drops. */
function guardDeviceCode(inner: Adapter): Partial<Adapter> {
  return {
    upsert: (id, payload, expiresIn) => inner.upsert(id, withPromptOfRequest(payload), expiresIn),
  }
}

/** The login among the results, if it was sealed for this very authorization. */
function sealedIn(
  core: Core,
  interaction: StoredInteraction,
  { login }: Readonly<Record<string, unknown>>,
): SealedLogin | undefined {
  return parseLogin(core.deps.box, authorizationIdOf(interaction), login)
}

async function isOfPresentEpoch(core: Core, { accountId, epoch }: SealedLogin): Promise<boolean> {
  return epoch === (await core.record(presentContext(), accountId)).record.epoch
}

/** Whether the host would call the value with `new`, by the host's own test. */
function isConstructor(value: unknown): value is new (name: string) => Adapter {
  return (
    typeof value === 'function' &&
    typeof (value as { prototype?: unknown }).prototype === 'object' &&
    (value as { prototype?: unknown }).prototype !== null
  )
}
