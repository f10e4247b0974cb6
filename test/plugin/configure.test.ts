import { expect } from 'chai'
import { interactionPolicy, type Configuration } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { createMfa, totp, type MfaOptions } from '../../src/index.ts'
import { defaultConfiguration } from './host.ts'

const { Prompt, base } = interactionPolicy

function newMfa(options: Partial<MfaOptions> = {}) {
  return createMfa({
    issuerName: 'Acme',
    storage: memoryStorage(),
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp()],
    firstEnrolment: 'password',
    ...options,
  })
}

function refusalOf(configuration: Configuration, options: Partial<MfaOptions> = {}): MfaError {
  try {
    newMfa(options).configure(configuration)
  } catch (error) {
    expect(error).to.be.instanceOf(MfaError)
    return error as MfaError
  }
  throw new Error('The configuration was taken')
}

/** A valid configuration, from which the tests make wrong ones. */
const good = (): Configuration => defaultConfiguration(memoryStorage())
const withoutLogin = (): Configuration['interactions'] => {
  const policy = base()
  policy.remove('login')
  return { policy }
}

describe('configure', () => {
  const faults: Readonly<Record<string, [spoilt: () => Configuration, named: string]>> = {
    'no adapter': [() => ({ ...good(), adapter: undefined }), '`adapter` is missing'],
    'an adapter that is no function': [
      () => ({ ...good(), adapter: {} as never }),
      '`adapter` must be a class',
    ],
    'an adapter that is made asynchronously': [
      () => ({ ...good(), adapter: (async () => ({})) as never }),
      '`adapter` must be a class',
    ],
    'a findAccount that is no function': [
      () => ({ ...good(), findAccount: {} as never }),
      '`findAccount` must be a function',
    ],
    'acrValues that are one text': [
      () => ({ ...good(), acrValues: 'urn:host:gold' as never }),
      '`acrValues` must be an array or a Set',
    ],
    'no findAccount': [() => ({ ...good(), findAccount: undefined }), '`findAccount` is missing'],
    'devInteractions left on': [
      () => ({ ...good(), features: {} }),
      '`features.devInteractions.enabled` must be false',
    ],
    'no prompt named login': [
      () => ({ ...good(), interactions: withoutLogin() }),
      'no prompt named "login"',
    ],
    'a prompt named mfa already': [
      () => ({
        ...good(),
        interactions: { policy: [...base(), new Prompt({ name: 'mfa' })] as never },
      }),
      'a prompt named "mfa" already',
    ],
    'a parameter named mfa_action already': [
      () => ({ ...good(), extraParams: new Set(['mfa_action']) }),
      'a parameter named "mfa_action" already',
    ],
    'CIBA that nobody vouches for': [
      () => ({ ...good(), features: { ...good().features, ciba: { enabled: true } } as never }),
      '`features.ciba` never meets the interaction policy',
    ],
    'pre-authorized codes that nobody vouches for': [
      () => ({
        ...good(),
        features: { ...good().features, openid4vci: { enabled: true } } as never,
      }),
      '`features.openid4vci` issues on pre-authorized codes',
    ],
  }
  for (const [fault, [spoilt, named]] of Object.entries(faults))
    it(`refuses ${fault} by name`, () => {
      const refusal = refusalOf(spoilt())
      expect(refusal.code).to.equal('configuration-not-composable')
      expect(refusal.message).to.contain(named)
      expect(refusal.message.match(/^- /gm)).to.have.length(1)
    })

  it('names what is missing where nothing was given, in plain JavaScript', () => {
    const { message } = refusalOf(undefined as never)
    expect(message).to.contain('`adapter` is missing')
  })

  it('lists all faults at once', () => {
    const { message } = refusalOf({
      interactions: withoutLogin(),
      features: { ciba: { enabled: true }, openid4vci: { enabled: true } } as never,
    })
    expect(message.match(/^- /gm)).to.have.length(6)
  })

  it('takes CIBA and pre-authorized codes that the application vouches for', () => {
    const features = {
      ...good().features,
      ciba: { enabled: true },
      openid4vci: { enabled: true },
    } as never
    const mfa = newMfa({ acknowledge: ['ciba', 'pre-authorized-codes'] })
    expect(mfa.configure({ ...good(), features })).to.have.property('acrValues')
  })

  for (const [kind, openid] of [
    ['an array', ['sub', 'email']],
    ['a Set', new Set(['sub', 'email'])],
    ['an object', { sub: null, email: null }],
    ['left out', undefined],
  ] as const)
    it(`takes the claims of openid, ${kind}, and adds acr, amr, auth_time and authn_factors`, () => {
      const given = { openid, profile: ['name'], address: new Set(['street']), locale: null }
      const { claims } = newMfa().configure({ ...good(), claims: given as never })
      const { openid: released, authn, ...others } = claims as Record<string, object>
      const own = openid === undefined ? ['sub'] : ['sub', 'email']
      const always = ['acr', 'amr', 'auth_time', 'authn_factors']
      expect(Object.keys(released!)).to.have.members([...own, ...always])
      expect(authn).to.deep.equal(['authn_factors'])
      const { openid: _, ...given2 } = given
      expect(others).to.deep.equal(given2)
      for (const [name, value] of Object.entries(given2))
        expect((others as Record<string, unknown>)[name], name).to.equal(value)
    })

  it('hands on everything else as the very value that it was given', () => {
    const given: Record<string, unknown> = {
      ...good(),
      scopes: new Set(['openid', 'tenant']),
      extraParams: { tenant: () => undefined },
      subjectTypes: ['public', 'pairwise'],
      clientAuthMethods: new Set(['none']),
      routes: { authorization: '/authorize' },
      ttl: { Session: 60 },
      pkce: { required: () => true },
      renderError: () => undefined,
      loadExistingGrant: async () => undefined,
      issueRefreshToken: async () => true,
      rotateRefreshToken: true,
      pairwiseIdentifier: () => 'x',
      conformIdTokenClaims: false,
      jwks: { keys: [] },
    }
    const ours = [
      'adapter',
      'acrValues',
      'claims',
      'features',
      'findAccount',
      'interactions',
      'extraTokenClaims',
      'extraParams',
    ]
    const wrapped = newMfa().configure(given) as Record<string, unknown>
    for (const name of Object.keys(given).filter((each) => !ours.includes(each)))
      expect(wrapped[name], name).to.equal(given[name])
    expect(wrapped.extraParams).to.include(given.extraParams)
    expect(Object.keys(wrapped)).to.have.members([...new Set([...Object.keys(given), ...ours])])
  })

  it('lets the tokens of the account pages end with the session, and those of apps as the application says', async () => {
    const asked: unknown[] = []
    const expiresWithSession = async (_ctx: unknown, token: unknown) => {
      asked.push(token)
      return false
    }
    const ask = (configured: Configuration, clientId: string | undefined, token: string) =>
      configured.expiresWithSession?.(
        { oidc: { client: clientId === undefined ? undefined : { clientId } } } as never,
        token as never,
      )
    const wrapped = newMfa({ account: true }).configure({ ...good(), expiresWithSession })
    expect(await ask(wrapped, 'account', 'ours')).to.equal(true)
    expect(await ask(wrapped, 'app', 'theirs')).to.equal(false)
    expect(await ask(wrapped, undefined, 'of no client')).to.equal(false)
    expect(asked).to.deep.equal(['theirs', 'of no client'])
    expect(newMfa({ account: true }).configure(good())).to.not.have.property('expiresWithSession')
  })

  it('finds stored clients where the account pages are on, except one of their name', async () => {
    const stored = async (id: string) => (id === 'stored' ? { client_id: id } : undefined)
    const adapter = (() => ({ find: stored })) as never
    const wrapped = newMfa({ account: true }).configure({ ...good(), adapter })
    const clients = (wrapped.adapter as (name: string) => { find: typeof stored })('Client')
    expect(await clients.find('stored')).to.deep.equal({ client_id: 'stored' })
    expect(await clients.find('unknown')).to.equal(undefined)
  })

  it('leaves the configuration that it is given as it was', () => {
    const policy = base()
    const given = { ...good(), interactions: { policy }, acrValues: new Set(['urn:host:gold']) }
    const prompts = policy.map((prompt) => [prompt, [...prompt.checks]] as const)
    freeze(given)
    const wrapped = newMfa().configure(given)
    expect(wrapped).not.to.equal(given)
    expect([...given.acrValues]).to.deep.equal(['urn:host:gold'])
    expect(policy.map((prompt) => [prompt, [...prompt.checks]])).to.deep.equal(prompts)
    expect(policy.get('login')!.checks.get('essential_acr')).to.not.equal(undefined)
  })
})

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  Object.values(value).forEach(freeze)
}
