import { expect } from 'chai'
import { ConfigError } from '../../config/environment.ts'
import { fileSchema } from '../../config/settings-file.ts'
import { faultsOfProposed } from '../../src/server/boot/policy.ts'
import { examineSettings } from '../../src/server/upkeep/doctor.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  redeem,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

/** Without passkeys no factor is phishing-resistant. */
const NO_PASSKEYS = { passkeys: { enabled: false } }

/** Rules of which each has a fault. */
const UNFIT = {
  rules: [
    { name: 'admins', when: { scope: 'admn' } },
    { name: 'everybody', require: 'phishing-resistant' },
  ],
}

async function refusalOf(settings: object): Promise<readonly string[]> {
  const started = startServer({ settings })
  const error = await started.then(
    () => undefined,
    (fault: unknown) => fault,
  )
  if (!(error instanceof ConfigError)) throw new Error('the server has started', { cause: error })
  return error.faults.map(({ problem }) => problem)
}

describe('the rules of a server', () => {
  afterEach(stopServers)

  const open = (settings: object, app: object = {}): Promise<TestServer> =>
    startServer({ settings, clients: [{ ...APP, ...app }] })

  /** The level of a sign-in of a person without a factor, who sets one up where the policy asks for it. */
  async function levelOf(server: TestServer, groups: readonly string[] = []): Promise<unknown> {
    const person = await addPerson(server, { groups })
    const page = await signIn(new HttpClient(), server.authorize(), person, server)
    return (await redeem(server, page)).claims['acr']
  }

  it('refuse the start with every fault, by the name of the rule', async () => {
    expect(await refusalOf({ ...NO_PASSKEYS, policy: UNFIT })).to.deep.equal([
      'rule "admins": when.scope names a scope that is not offered: "admn"',
      'rule "everybody": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
    ])
    expect(await refusalOf({ levels: [] })).to.deep.equal([
      'levels: must be a list of at least one level: { name, acr, kinds }',
    ])
  })

  it('may name the scopes of the server itself, and those of its APIs', () => {
    const api = { scopes: ['transfer'], format: 'jwt' }
    const settings = fileSchema.parse({ resources: { 'https://api.example': api } })
    const faultsFor = (scope: string): readonly string[] =>
      faultsOfProposed(settings, 'https://id.example', {
        rules: [{ name: 'pay', when: { scope } }],
      })
    for (const scope of ['openid', 'offline_access', 'email', 'authn', 'transfer'])
      expect(faultsFor(scope), scope).to.deep.equal([])
    expect(faultsFor('withdraw')).to.have.length(1)
  })

  it('are findings of doctor and of config check', async () => {
    const { config } = await open(NO_PASSKEYS)
    const settings = { ...config.settings, policy: { ...config.settings.policy, ...UNFIT } }
    const findings = await examineSettings({ ...config, settings }, String)
    expect(findings.filter(({ check }) => check === 'policy')).to.deep.equal([
      {
        check: 'policy',
        result: 'failed',
        detail: 'rule "admins": when.scope names a scope that is not offered: "admn"',
      },
      {
        check: 'policy',
        result: 'failed',
        detail:
          'rule "everybody": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
      },
    ])
  })

  const staff = { rules: [{ name: 'staff', when: { group: 'staff' }, require: 'multi-factor' }] }
  const optional = { mfa: { required: 'optional' } }

  it('ask for the level that a rule names, of those whom it matches', async () => {
    expect(await levelOf(await open({ ...optional, policy: staff }))).to.equal(PASSWORD_ACR)
    expect(await levelOf(await open({ ...optional, policy: staff }), ['staff'])).to.equal(
      MULTI_FACTOR_ACR,
    )
  })

  it('do not take away what `mfa.required` asks for', async () => {
    expect(await levelOf(await open({ policy: staff }))).to.equal(MULTI_FACTOR_ACR)
  })

  it('are joined by the demand of an app', async () => {
    expect(await levelOf(await open(optional, { mfa: 'optional' }))).to.equal(PASSWORD_ACR)
    for (const mfa of ['required', { require: 'multi-factor' }, { max_age_seconds: 60 }])
      expect(await levelOf(await open(optional, { mfa }))).to.equal(MULTI_FACTOR_ACR)
  })

  it('may have levels with names of their own', async () => {
    const server = await open({
      ...optional,
      levels: [
        { name: 'low', acr: 'urn:low', kinds: 1 },
        { name: 'high', acr: 'urn:high', kinds: 2 },
        { name: 'highest', acr: 'urn:highest', kinds: 3 },
      ],
      policy: { rules: [{ name: 'all', require: 'high' }] },
    })
    expect(await levelOf(server)).to.equal('urn:high')
    const discovery = await fetch(new URL('/.well-known/openid-configuration', server.url))
    const { acr_values_supported: values } = (await discovery.json()) as {
      acr_values_supported: string[]
    }
    // No configured factor proves a third kind.
    expect(values).to.deep.equal(['urn:low', 'urn:high'])
  })

  it('let no app register itself, so that only an administrator sets its demand', async () => {
    const server = await open({})
    const discovery = await fetch(new URL('/.well-known/openid-configuration', server.url))
    expect(await discovery.json()).not.to.have.property('registration_endpoint')
  })
})
