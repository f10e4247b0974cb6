import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { interactionPolicy, Provider } from 'oidc-provider'
import { MfaError } from '../domain/errors.ts'
import { ACR_CHECKS } from './prompt.ts'
import { carryEpoch, epochIn, withEpoch } from './session.ts'
import { basisIn, carryBasis, withBasis } from './token-basis.ts'

/** The prompts of a host's own policy. */
type Policy = ReturnType<typeof interactionPolicy.base>

/** One thing that the plugin uses of `oidc-provider` and that the documentation of `oidc-provider` does not promise. */
export interface Need {
  readonly name: string
  /** Whether the provider has it. The test stores nothing; an exception counts as no. */
  readonly isMet: (provider: Provider, policy: Policy) => boolean
}

/**
 * Every need that can be checked without a request. The test suite checks how the host behaves in a request, such as
 * that it applies `result.login`, and what its forms look like.
 */
export const NEEDS: readonly Need[] = [
  {
    name: 'Provider.ctx: the request in which an adapter is called',
    isMet: () => isGetter(Provider, 'ctx'),
  },
  {
    name: 'Session.IN_PAYLOAD: which members of a session are stored',
    isMet: ({ Session }) => {
      const session = new (Session as unknown as ModelClass)(withEpoch(SESSION, 1))
      return epochIn(session) === 1 && holds(session, SESSION)
    },
  },
  {
    name: 'Grant.IN_PAYLOAD: which members of a grant are stored',
    isMet: ({ Grant }) => {
      const grant = new (Grant as unknown as ModelClass)(withEpoch(GRANT, 1))
      return epochIn(grant) === 1 && holds(grant, GRANT)
    },
  },
  {
    name: 'Session#loginAccount: accountId, loginTs, acr, amr and transient of a session',
    isMet: ({ Session }) => {
      const session = new Session() as unknown as Probe
      call(session, 'loginAccount', { ...LOGIN, transient: true })
      return holds(session, { ...LOGIN, transient: true })
    },
  },
  {
    name: 'Session#authTime and Session#past: the age of a sign-in',
    isMet: ({ Session }) => {
      const session = Object.assign(new Session(), { loginTs: LOGIN.loginTs }) as unknown as Probe
      return call(session, 'authTime') === LOGIN.loginTs && call(session, 'past', 1) === true
    },
  },
  {
    name: 'Session#resetIdentifier: oldId and id of a session that moves',
    isMet: ({ Session }) => {
      const session = new Session() as unknown as Probe
      const { id } = session
      call(session, 'resetIdentifier')
      return typeof id === 'string' && session.oldId === id && session.id !== id
    },
  },
  {
    name: 'Session.get, Session#persist and provider.cookieName: storing the session of a browser',
    isMet: (provider) => {
      const { Session } = provider
      const names = provider as unknown as Probe
      const isNamed = typeof call(names, 'cookieName', 'session') === 'string'
      return isNamed && isMethod(Session, 'get') && isMethod(Session.prototype, 'persist')
    },
  },
  {
    name: 'Session#new: a session that was never stored',
    isMet: ({ Session }) => (new Session() as unknown as Probe).new === true,
  },
  {
    name: 'Session.findByUid: the session of an interaction',
    isMet: ({ Session }) => isMethod(Session, 'findByUid'),
  },
  {
    name: 'Interaction.IN_PAYLOAD: cid, result, lastSubmission, returnTo and what else of an interaction is stored',
    isMet: ({ Interaction }) => {
      const interaction: unknown = new (Interaction as unknown as InteractionClass)('id', STORED)
      return holds(interaction, { ...STORED, jti: 'id', uid: 'id', kind: 'Interaction' })
    },
  },
  {
    name: 'Interaction#persist: storing the answer to an interaction',
    isMet: ({ Interaction }) => isMethod(Interaction.prototype, 'persist'),
  },
  {
    name: 'Interaction.find: an interaction by its uid',
    isMet: ({ Interaction }) => isMethod(Interaction, 'find'),
  },
  {
    name: 'Interaction.adapter: finding an interaction that has expired',
    isMet: ({ Interaction }) => isGetter(Interaction, 'adapter'),
  },
  {
    name: 'RefreshToken#generateTokenId: choosing the value of a refresh token',
    isMet: ({ RefreshToken }) => isMethod(RefreshToken.prototype, 'generateTokenId'),
  },
  {
    name: 'AccessToken.find, accountId and sessionUid: the person and the session of an access token',
    isMet: ({ AccessToken }) => {
      const owner = { accountId: 'probe', sessionUid: 'probe' }
      const token = new (AccessToken as unknown as ModelClass)({ ...owner, gty: 'probe' })
      return isMethod(AccessToken, 'find') && holds(token, owner)
    },
  },
  ...(['AuthorizationCode', 'DeviceCode', 'RefreshToken', 'AccessToken'] as const).map((name) => ({
    name: `${name}.IN_PAYLOAD: which members of a code or token are stored`,
    isMet: (provider: Provider) => {
      const token = new (provider[name] as unknown as ModelClass)(withBasis(ISSUED, BASIS))
      return basisIn(token) === BASIS && holds(token, ISSUED)
    },
  })),
  {
    name: 'IdToken.validate: the person of an id_token_hint',
    isMet: ({ IdToken }) => isMethod(IdToken, 'validate'),
  },
  {
    name: 'Client.find: a client by its id',
    isMet: ({ Client }) => isMethod(Client, 'find'),
  },
  {
    name: 'Client#backchannelLogout: telling an app of the end of a session',
    isMet: ({ Client }) => isMethod(Client.prototype, 'backchannelLogout'),
  },
  {
    name: 'Client#compareClientSecret and Client#metadata: accepting the former secret of an app',
    isMet: ({ Client }) =>
      isMethod(Client.prototype, 'compareClientSecret') && isMethod(Client.prototype, 'metadata'),
  },
  {
    name: 'provider.OIDCContext: route, entities, entity and promptPending of a request',
    isMet: (provider) => {
      const ctx = contextOf(provider)
      const oidc = new provider.OIDCContext(ctx as never) as unknown as Probe
      Object.assign(oidc, { route: 'authorization', params: { prompt: 'login mfa' } })
      Object.assign(ctx, { oidc })
      call(oidc, 'entity', 'Probe', LOGIN)
      const entities = oidc.entities as Probe
      const isPending = (name: string): boolean => call(oidc, 'promptPending', name) === true
      return entities.Probe === LOGIN && isPending('mfa') && !isPending('consent')
    },
  },
  {
    name: 'provider.createContext: cookies, app, req and res of a request',
    isMet: (provider) => {
      const { app, cookies, req, res } = contextOf(provider)
      const { keys } = cookies as { keys?: object }
      const canSign = keys === undefined || (isMethod(keys, 'sign') && isMethod(keys, 'verify'))
      return app === provider && canSign && req !== undefined && res !== undefined
    },
  },
  {
    name: 'provider.pathFor: the path of a route by its name',
    isMet: (provider) =>
      provider.pathFor('authorization', { mountPath: '' }).startsWith('/') &&
      provider.pathFor('resume', { uid: 'probe', mountPath: '' }).includes('probe'),
  },
  {
    name: 'interactionPolicy: reason, description, error, check and details of a check, by which it is made anew',
    isMet: (_provider, policy) =>
      policy.every((prompt) => [...prompt.checks].every(isCheck) && isMethod(prompt, 'details')),
  },
  {
    name: `interactionPolicy: the checks ${ACR_CHECKS.join(' and ')} of the prompt login`,
    isMet: (_provider, policy) => {
      const checks = policy.get('login')?.checks
      return ACR_CHECKS.every((reason) => checks?.get(reason) !== undefined)
    },
  },
]

/**
 * Prepares the models of a provider for the plugin and checks that it has everything that the plugin needs. Call it
 * right after `new Provider(...)`, before the first use of a model. Throws MfaError `host-unfit`, which names everything
 * that is missing. `policy` is the host's own.
 */
export function prepareHost(provider: Provider, policy: Policy = interactionPolicy.base()): void {
  if (!(provider instanceof Provider))
    throw new MfaError(
      'host-unfit',
      'The provider comes from another copy of oidc-provider than the one that oidc-provider-mfa imports. ' +
        '`npm ls oidc-provider` shows the copies: keep one',
    )
  carryEpoch(provider)
  carryBasis(provider)
  const missing = NEEDS.filter((need) => !isMet(need, provider, policy)).map(({ name }) => name)
  if (missing.length > 0)
    throw new MfaError(
      'host-unfit',
      'This oidc-provider does not have what oidc-provider-mfa uses of it. Install a version in the range of ' +
        `peerDependencies:\n- ${missing.join('\n- ')}`,
    )
}

function isMet(need: Need, provider: Provider, policy: Policy): boolean {
  try {
    return need.isMet(provider, policy)
  } catch {
    return false
  }
}

type Probe = Readonly<Record<string, unknown>>
type ModelClass = new (payload: object) => Probe
type InteractionClass = new (id: string, payload: object) => object

const LOGIN = { accountId: 'probe', loginTs: 1, acr: 'probe', amr: ['pwd'] }

const SESSION = { ...LOGIN, uid: 'probe', transient: true, authorizations: {}, state: {} }

const GRANT = { accountId: 'probe', clientId: 'probe' }

const ISSUED = { scope: 'probe', grantId: 'probe' }

const BASIS = {
  proofs: [],
  acrs: [],
  isNewBrowser: true,
  mayPostpone: false,
  tellsFactors: false,
}

const STORED = {
  cid: 'probe',
  params: { client_id: 'probe' },
  prompt: { name: 'probe', reasons: [], details: {} },
  result: { login: LOGIN },
  lastSubmission: { probe: true },
  returnTo: 'https://probe.invalid/auth/id',
  trusted: [],
  deviceCode: 'probe',
  grantId: 'probe',
}

/** A context of a request that nobody has sent. */
function contextOf(provider: Provider): Probe {
  const request = new IncomingMessage(new Socket())
  return provider.createContext(request, new ServerResponse(request))
}

function holds(object: unknown, expected: Probe): boolean {
  const members = object as Probe
  return Object.entries(expected).every(([name, value]) => members[name] === value)
}

function call(object: Probe, method: string, ...args: unknown[]): unknown {
  return (object[method] as (...args: unknown[]) => unknown).apply(object, args)
}

function isMethod(object: object, name: string): boolean {
  return typeof (object as Probe)[name] === 'function'
}

/** Looks for a getter without calling it: to call the getter of a model would make the application's adapter. */
function isGetter(object: object, name: string): boolean {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object | null)
    if (Object.getOwnPropertyDescriptor(at, name)?.get !== undefined) return true
  return false
}

/** Whether the constructor makes the same check again from these five members, given in this order. */
function isCheck(check: InstanceType<typeof interactionPolicy.Check>): boolean {
  const { reason, description, error, check: ask, details } = check
  const again = new interactionPolicy.Check(reason, description, error as string, ask, details)
  return (
    holds(again, { reason, description, error, check: ask, details }) && isMethod(check, 'check')
  )
}
