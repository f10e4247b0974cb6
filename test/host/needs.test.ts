import { expect } from 'chai'
import { interactionPolicy, Provider } from 'oidc-provider'
import { createMfa, MfaError, totp, type Mfa } from '../../src/index.ts'
import { NEEDS, prepareHost } from '../../src/host/needs.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'

type Policy = ReturnType<typeof interactionPolicy.base>

/** For each need, makes a host lack it. Returns a function that undoes a change to more than this provider. */
const WITHOUT: Readonly<
  Record<string, (provider: Provider, policy: Policy) => (() => void) | void>
> = {
  'Provider.ctx': () => replace(Provider, 'ctx', { value: undefined }),
  'Session.IN_PAYLOAD': ({ Session }) => stores(Session, ['jti', 'kind', 'uid']),
  'Grant.IN_PAYLOAD': ({ Grant }) => stores(Grant, ['jti', 'kind', 'accountId']),
  'Session#loginAccount': ({ Session }) => method(Session, 'loginAccount', () => undefined),
  'Session#authTime and Session#past': ({ Session }) => method(Session, 'past', () => false),
  'Session#resetIdentifier': ({ Session }) =>
    method(Session, 'resetIdentifier', function (this: { id: string }) {
      this.id = 'another'
    }),
  'Session.get, Session#persist and provider.cookieName': ({ Session }) =>
    method(Session, 'persist', undefined),
  'Session#new': (provider) => {
    const Stored = { Session: class Session extends provider.Session {} }.Session
    const construct = (_: object, [payload = {}]: object[]): object =>
      new (Stored as unknown as new (payload: object) => object)(payload)
    return replace(provider, 'Session', { value: new Proxy(Stored, { construct }) })
  },
  'Session.findByUid': ({ Session }) => replace(Session, 'findByUid', { value: undefined }),
  'Interaction.IN_PAYLOAD': ({ Interaction }) =>
    stores(Interaction, ['jti', 'kind', 'params', 'result', 'prompt', 'returnTo']),
  'Interaction#persist': ({ Interaction }) => method(Interaction, 'persist', undefined),
  'Interaction.find': ({ Interaction }) => replace(Interaction, 'find', { value: undefined }),
  'Interaction.adapter': ({ Interaction }) =>
    replace(Object.getPrototypeOf(Interaction) as object, 'adapter', { value: undefined }),
  'RefreshToken#generateTokenId': ({ RefreshToken }) =>
    method(RefreshToken, 'generateTokenId', undefined),
  'AccessToken.find, accountId and sessionUid': ({ AccessToken }) =>
    replace(AccessToken, 'find', { value: undefined }),
  'AuthorizationCode.IN_PAYLOAD': ({ AuthorizationCode }) =>
    stores(AuthorizationCode, ['jti', 'kind', 'scope']),
  'DeviceCode.IN_PAYLOAD': ({ DeviceCode }) => stores(DeviceCode, ['jti', 'kind', 'scope']),
  'RefreshToken.IN_PAYLOAD': ({ RefreshToken }) => stores(RefreshToken, ['jti', 'kind', 'scope']),
  'AccessToken.IN_PAYLOAD': ({ AccessToken }) =>
    stores(AccessToken, ['jti', 'kind', 'scope', 'accountId', 'sessionUid']),
  'IdToken.validate': ({ IdToken }) => replace(IdToken, 'validate', { value: undefined }),
  'Client.find': ({ Client }) => replace(Client, 'find', { value: undefined }),
  'Client#backchannelLogout': ({ Client }) => method(Client, 'backchannelLogout', undefined),
  'Client#compareClientSecret and Client#metadata': ({ Client }) =>
    method(Client, 'compareClientSecret', undefined),
  'provider.OIDCContext': (provider) => method(provider.OIDCContext, 'promptPending', () => true),
  'provider.createContext': (provider) =>
    replace(provider, 'createContext', {
      value: () => ({ app: {}, cookies: {}, req: {}, res: {} }),
    }),
  'provider.pathFor': (provider) => replace(provider, 'pathFor', { value: () => '' }),
  'interactionPolicy: reason, description, error, check and details of a check': (_, policy) => {
    for (const { checks } of policy)
      for (const check of checks) Object.assign(check, { check: 'no function' })
  },
  'interactionPolicy: the checks essential_acr and essential_acrs of the prompt login': (
    _,
    policy,
  ) => policy.get('login')?.checks.remove('essential_acrs'),
}

describe('what the plugin needs of the host', () => {
  it('is listed here, with a host that lacks it', () => {
    expect(NEEDS.map(({ name }) => keyOf(name))).to.deep.equal(Object.keys(WITHOUT))
  })

  it('is there in the version that is installed', () => {
    expect(() => prepareHost(newProvider())).not.to.throw()
  })

  for (const [name, remove] of Object.entries(WITHOUT))
    it(`is named when it is missing: ${name}`, () => {
      const provider = newProvider()
      const policy = interactionPolicy.base()
      const undo = remove(provider, policy)
      try {
        const refused = refusalOf(() => prepareHost(provider, policy))
        expect(refused.code).to.equal('host-unfit')
        expect(listed(refused)).to.deep.equal([name])
      } finally {
        undo?.()
      }
    })

  it('is checked at attach, and everything that is missing is named in one message', () => {
    const provider = newProvider()
    replace(provider.Client, 'find', { value: undefined })
    replace(provider, 'pathFor', { value: () => '' })
    expect(listed(refusalOf(() => attachTo(provider)))).to.deep.equal([
      'Client.find',
      'provider.pathFor',
    ])
  })

  it('comes from one copy of oidc-provider: another one is refused, since no adapter would see its requests', () => {
    const ofAnotherCopy = Object.create(null) as Provider
    const refused = refusalOf(() => attachTo(ofAnotherCopy))
    expect(refused.code).to.equal('host-unfit')
    expect(refused.message).to.contain('another copy of oidc-provider')
  })

  it('may be met by a class that extends Provider', () => {
    class Own extends Provider {}
    expect(() => prepareHost(newProvider(Own))).not.to.throw()
  })
})

function newProvider(of: typeof Provider = Provider): Provider {
  return new of('https://op.example.com', {
    adapter: memoryStorage().hostRecords,
    cookies: { keys: ['a key of this test'] },
    jwks: { keys: [] },
    features: { devInteractions: { enabled: false } },
  })
}

function attachTo(provider: Provider): void {
  newMfa().attach(provider)
}

function newMfa(): Mfa {
  return createMfa({
    issuerName: 'Acme',
    storage: memoryStorage(),
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp()],
    firstEnrolment: 'password',
  })
}

function refusalOf(act: () => void): MfaError {
  try {
    act()
  } catch (error) {
    if (error instanceof MfaError) return error
    throw error
  }
  throw new Error('Nothing was refused')
}

/** The first part of a need's name, without its purpose. */
function keyOf(name: string): string {
  return (
    Object.keys(WITHOUT).find(
      (key) => name === key || name.startsWith(`${key}:`) || name.startsWith(`${key},`),
    ) ?? name
  )
}

function listed({ message }: MfaError): string[] {
  return message
    .split('\n- ')
    .slice(1)
    .map((name) => keyOf(name))
}

function replace(object: object, name: string, by: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name)
  Object.defineProperty(object, name, { configurable: true, ...by })
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, name)
    else Object.defineProperty(object, name, before)
  }
}

function method(model: { prototype: object }, name: string, by: unknown): () => void {
  return replace(model.prototype, name, { value: by })
}

function stores(model: object, names: readonly string[]): () => void {
  return replace(model, 'IN_PAYLOAD', { value: names })
}
