import { expect } from 'chai'
import fc from 'fast-check'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, CLIENT, redeem, showPassword, startHost, type Host } from './host.ts'
import { decisionSeen, requestWithPassword, withoutSession } from './policy-page.ts'
import { enrolledPerson, type Person } from './sign-in.ts'

/** Without the examples. */
const RUNS = 30
const HOUR = 3_600
const DAY = 24 * HOUR

type Rule = NonNullable<NonNullable<MfaOptions['policy']>['rules']>[number]
type Demand = false | true | { name: string; require: string }

/** A person, a browser and a request. `explain` is told of all that it is not told by the account. */
interface Facts {
  readonly hasApp: boolean
  readonly groups: readonly string[]
  /** Seconds since the account was made. */
  readonly age: number
  readonly isKnownBrowser: boolean
  /** Whether the rules have met the account an hour ago. */
  readonly isMet: boolean
  readonly clientId: string
  readonly params: Record<string, string>
  readonly rules: readonly Omit<Rule, 'name'>[]
  readonly demand: Demand
  readonly ip: string
}

const part = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
/** The members that are not undefined. */
type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }
const given = <T extends object>(members: T): Given<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>

const CONDITIONS: readonly NonNullable<Rule['when']>[] = [
  { client: 'bank' },
  { client: '!bank' },
  { group: 'staff' },
  { group: '!staff' },
  { scope: 'payments' },
  { acr: 'multi-factor' },
  { network: '10.0.0.0/8' },
  { network: '!10.0.0.0/8' },
  { newBrowser: true },
  { newBrowser: false },
  { firstParty: true },
  { firstParty: false },
]
const anyRule: fc.Arbitrary<Omit<Rule, 'name'>> = fc
  .record({
    when: fc.constantFrom({}, ...CONDITIONS),
    require: fc.constantFrom('password', 'multi-factor', 'multi-factor', 'multi-factor'),
    maxAgeSeconds: part(fc.constantFrom(300)),
    enrol: part(
      fc.constantFrom<NonNullable<Rule['enrol']>[]>(
        'optional',
        { graceSeconds: HOUR / 2 },
        {
          graceSeconds: DAY,
        },
      ),
    ),
    redundancy: part(fc.boolean()),
  })
  .map(given)

const essential = (value: string): string =>
  JSON.stringify({ id_token: { acr: { essential: true, value } } })
const anyParams: fc.Arbitrary<Record<string, string>> = fc
  .record({
    scope: fc.constantFrom('openid', 'openid payments'),
    acr_values: part(fc.constantFrom(MULTI_FACTOR_ACR, PASSWORD_ACR, 'urn:nobody')),
    claims: part(fc.constantFrom(...[MULTI_FACTOR_ACR, PASSWORD_ACR, 'urn:nobody'].map(essential))),
    max_age: part(fc.constantFrom('0', '600')),
    prompt: part(fc.constantFrom('login', 'mfa')),
  })
  .map((members): Record<string, string> => given(members))

const anyFacts: fc.Arbitrary<Facts> = fc.record({
  // A person who has an app is asked for it in any case.
  hasApp: fc.constantFrom(false, false, false, true),
  groups: fc.constantFrom([], ['staff'], ['users']),
  age: fc.constantFrom(HOUR, 71 * HOUR, 30 * DAY),
  isKnownBrowser: fc.boolean(),
  isMet: fc.boolean(),
  clientId: fc.constantFrom('app', 'bank', 'wiki', 'ledger'),
  params: anyParams,
  rules: fc.array(anyRule, { maxLength: 3 }),
  demand: fc.constantFrom<Demand[]>(false, false, false, true, {
    name: 'own',
    require: 'multi-factor',
  }),
  ip: fc.constantFrom('10.1.2.3', '198.51.100.7'),
})

const PLAIN: Facts = {
  hasApp: false,
  groups: [],
  age: HOUR,
  isKnownBrowser: false,
  isMet: false,
  clientId: 'app',
  params: { scope: 'openid' },
  rules: [],
  demand: false,
  ip: '10.1.2.3',
}
/** The bank is an app of the service itself. */
const AT_THE_BANK: Facts = {
  ...PLAIN,
  groups: ['staff'],
  isKnownBrowser: true,
  clientId: 'bank',
  params: { scope: 'openid payments' },
  ip: '198.51.100.7',
}
/** The ledger asks for a level by its metadata. */
const AT_THE_LEDGER: Facts = { ...PLAIN, clientId: 'ledger' }

/** Each decision, and each condition both where it matches and where it does not, so that every run has them all. */
const EXAMPLES: readonly Facts[] = [
  ...CONDITIONS.flatMap((when) =>
    [PLAIN, AT_THE_BANK, AT_THE_LEDGER].map((facts) => ({
      ...facts,
      rules: [{ when, require: 'multi-factor' }],
    })),
  ),
  PLAIN,
  { ...PLAIN, hasApp: true },
  { ...PLAIN, demand: true },
  { ...PLAIN, rules: [{ require: 'multi-factor', enrol: { graceSeconds: DAY } }] },
  { ...PLAIN, params: { scope: 'openid', claims: essential('urn:nobody') } },
]

describe('mfa.policy.explain', () => {
  let host: Host
  let person: Person
  let demand: Demand = true
  let about: { groups: readonly string[]; createdAt: number } = { groups: [], createdAt: 0 }
  let runs = 0

  before(async () => {
    host = await startHost({
      mfa: {
        require: () => demand,
        describe: ({ accountId }) => ({ label: accountId, ...about }),
      },
      configuration: {
        clients: [
          CLIENT,
          { ...CLIENT, client_id: 'bank', first_party: true },
          { ...CLIENT, client_id: 'wiki', default_max_age: 600 },
          { ...CLIENT, client_id: 'ledger', default_acr_values: [MULTI_FACTOR_ACR] },
        ],
        extraClientMetadata: { properties: ['first_party'] },
        scopes: ['openid', 'offline_access', 'payments'],
        async loadExistingGrant({ oidc: { client, session, provider } }) {
          const { clientId } = client!
          const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
          grant.addOIDCScope('openid email payments')
          await grant.save()
          return grant
        },
      },
    })
    host.provider.proxy = true
    person = await enrolledPerson(host)
  })
  after(() => host.close())

  /** Makes the account of the facts. Returns its name, and the browser in which it signs in. */
  const prepare = async (facts: Facts): Promise<{ username: string; browser: HttpClient }> => {
    runs += 1
    about = { groups: facts.groups, createdAt: host.clock.at - facts.age }
    demand = false
    host.mfa.setPolicy({})
    const username = facts.hasApp ? person.username : `bare${runs}`
    const browser = facts.hasApp ? person.browser : new HttpClient()
    if (facts.isKnownBrowser && !facts.hasApp)
      expect(decisionSeen(await showPassword(host, browser, username))).to.equal('pass')
    demand = facts.demand
    // New names, because the account of the person with the app remembers the rules that have met it.
    host.mfa.setPolicy({
      rules: facts.rules.map((rule, place) => ({ ...rule, name: `run ${runs}, rule ${place}` })),
    })
    const { clientId: client_id, isMet, isKnownBrowser } = facts
    if (isMet) await requestWithPassword(host, new HttpClient(), username, { client_id })
    host.clock.at += HOUR
    await host.mfa.settled()
    host.events.splice(0)
    const headers = { 'x-forwarded-for': facts.ip }
    const used = isKnownBrowser ? browser : new HttpClient()
    return { username, browser: withoutSession(used, headers) }
  }

  const explained = async (facts: Facts, accountId: string) => {
    const client = (await host.provider.Client.find(facts.clientId))!
    const { params, ip, isKnownBrowser } = facts
    const account = { accountId, claims: () => ({ sub: accountId }) }
    return host.mfa.policy.explain({ account, client, params, ip, isKnownBrowser })
  }

  const met: Record<string, number> = {}

  it('R45 says the step, the rules and the level that the sign-in then has, on random facts', async () => {
    await fc.assert(
      fc.asyncProperty(anyFacts, async (facts) => {
        const { username, browser } = await prepare(facts)
        const { decision, acr, rules } = await explained(facts, username)
        met[decision] = (met[decision] ?? 0) + 1
        const { clientId, params } = facts
        const asked = { client_id: clientId, ...params }
        const page = await requestWithPassword(host, browser, username, asked)
        expect(decisionSeen(page)).to.equal(decision)
        await host.mfa.settled()
        const told = host.events.flatMap((event) =>
          event.type === 'policy-decided' ? [event.detail] : [],
        )
        const counting = rules.filter(({ part }) => part === 'counts' || part === 'grace')
        for (const one of told)
          expect(one).to.deep.include({ decision, rules: counting.map(({ name }) => name) })
        if (page.location === undefined) expect(told).to.have.length(1)
        if (!page.location?.searchParams.has('code')) return
        const { claims } = await redeem(host, callbackOf(page), clientId)
        expect(claims.acr).to.equal(acr)
      }),
      { numRuns: EXAMPLES.length + RUNS, examples: EXAMPLES.map((facts) => [facts]) },
    )
    expect(met).to.have.all.keys('pass', 'verify', 'enrol', 'enrol-later', 'refuse')
  })
})
