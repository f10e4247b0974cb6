import { expect } from 'chai'
import fc from 'fast-check'
import type { MfaOptions, PolicyExplanation, SimulatedPerson } from '../../src/index.ts'
import { CLIENT, startHost, type Host } from './host.ts'
import { enrolledPerson, type Person } from './sign-in.ts'

type Rule = NonNullable<NonNullable<MfaOptions['policy']>['rules']>[number]
type HostClient = Parameters<Host['mfa']['policy']['simulate']>[1]['clients'][number]

const EVERYBODY: Rule = { name: 'everybody', require: 'multi-factor' }
const NAMES = ['app', 'bank', 'ledger', 'wiki']

const anyRule: fc.Arbitrary<Omit<Rule, 'name'>> = fc.record({
  when: fc.constantFrom<NonNullable<Rule['when']>[]>(
    {},
    { client: 'bank' },
    { client: '!bank' },
    { client: ['ledger', 'wiki'] },
    { group: 'staff' },
    { group: '!staff' },
    { client: 'wiki', group: 'staff' },
    { scope: 'payments' },
    { firstParty: false },
    { newBrowser: false },
  ),
  require: fc.constantFrom('password', 'multi-factor'),
  redundancy: fc.boolean(),
})
const anyRules = fc
  .array(anyRule, { maxLength: 3 })
  .map((rules) => rules.map((rule, place) => ({ ...rule, name: `rule ${place}` })))

describe('mfa.policy.simulate', () => {
  let host: Host
  let holder: Person
  let clients: readonly HostClient[]
  let isRequired = true
  let asked: string[] = []
  let groups: readonly string[] = []

  before(async () => {
    host = await startHost({
      mfa: {
        require: ({ client }) => isRequired || client['first_party'] === true,
        describe: ({ accountId }) => {
          asked.push('describe')
          return { label: accountId, groups }
        },
        firstEnrolment: ({ client }) => {
          asked.push('firstEnrolment')
          return client.clientId === 'wiki' ? 'refused' : 'password'
        },
      },
      configuration: {
        clients: NAMES.map((client_id) => ({
          ...CLIENT,
          client_id,
          first_party: client_id === 'ledger',
        })),
        extraClientMetadata: { properties: ['first_party'] },
        scopes: ['openid', 'offline_access', 'payments'],
      },
    })
    holder = await enrolledPerson(host)
    isRequired = false
    clients = await Promise.all(NAMES.map(async (name) => (await host.provider.Client.find(name))!))
  })
  after(() => host.close())
  beforeEach(() => {
    asked = []
    groups = []
    host.mfa.setPolicy({})
  })

  const accountOf = (accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) })
  const simulate = async (
    accountId: string,
    rules: readonly Rule[],
    readsOf?: (client: HostClient) => unknown,
  ): Promise<SimulatedPerson> => {
    const how = readsOf === undefined ? { clients } : { clients, readsOf }
    const { of, faults } = host.mfa.policy.simulate({ rules }, how)
    expect(faults).to.equal(undefined)
    return of!(accountOf(accountId))
  }
  /** The answers of `explain` at each client, by the rules. */
  const explained = async (
    accountId: string,
    rules: readonly Rule[],
  ): Promise<readonly PolicyExplanation[]> => {
    host.mfa.setPolicy({ rules })
    const account = accountOf(accountId)
    const params = { scope: 'openid payments' }
    return Promise.all(
      clients.map((client) => host.mfa.policy.explain({ account, client, params })),
    )
  }

  it('R45 finds the clients at which explain says another decision, on random rules', async () => {
    const inEachList: Record<string, number> = {}
    const people = fc.constantFrom('bare', holder.username)
    await fc.assert(
      fc.asyncProperty(
        people,
        anyRules,
        anyRules,
        fc.boolean(),
        async (accountId, live, proposed, isStaff) => {
          groups = isStaff ? ['staff'] : []
          const after = await explained(accountId, proposed)
          const before = await explained(accountId, live)
          const first = (isMet: (one: PolicyExplanation, nth: number) => boolean) =>
            NAMES[after.findIndex(isMet)]
          const isRefused = ({ decision, enrolment }: PolicyExplanation): boolean =>
            decision === 'refuse' || (decision === 'enrol' && enrolment === 'refused')
          const scopes = { ...EVERYBODY, name: 'scope', when: { scope: 'payments', client: 'x' } }
          // Without a scope of their own, clients are assumed to ask for all that rules name.
          const person = await simulate(accountId, [...proposed, scopes])
          const found = Object.fromEntries(
            Object.entries(person).map(([list, { clientId }]) => [list, clientId]),
          )
          for (const list of Object.keys(found)) inEachList[list] = (inEachList[list] ?? 0) + 1
          expect({
            newlyAsked: undefined,
            mustEnrol: undefined,
            lockedOut: undefined,
            ...found,
          }).to.deep.equal({
            newlyAsked: first(
              ({ decision }, nth) => decision !== 'pass' && before[nth]!.decision === 'pass',
            ),
            mustEnrol: first(
              (one) =>
                (one.decision === 'enrol' && !isRefused(one)) || one.answers?.thenEnrols === true,
            ),
            lockedOut: first(isRefused),
          })
        },
      ),
      { numRuns: 80, examples: [['bare', [], [EVERYBODY], false]] },
    )
    expect(inEachList).to.have.all.keys('newlyAsked', 'mustEnrol', 'lockedOut')
  })

  it('asks who a person is, and which proof they have, once for all clients that are alike', async () => {
    const rules = [EVERYBODY, { ...EVERYBODY, name: 'bank', when: { client: 'bank' } }]
    await simulate('bare', rules, () => null)
    expect(asked.toSorted()).to.deep.equal(['describe', 'firstEnrolment'])
  })

  it('asks for the proof again at a client that differs in what the application reads', async () => {
    expect((await simulate('bare', [EVERYBODY])).lockedOut).to.deep.equal({
      clientId: 'wiki',
      rules: ['everybody'],
      reason: 'no-proof',
    })
    expect(asked.toSorted()).to.deep.equal(['describe', ...NAMES.map(() => 'firstEnrolment')])
  })

  it('reads a proposed policy as the option is read: levels and scopes are those of the provider', () => {
    const rules = [
      { name: 'keys', require: 'phr' },
      { name: 'mail', when: { scope: 'mial' }, require: 'multi-factor' },
    ]
    const { of, faults } = host.mfa.policy.simulate({ rules }, { clients })
    expect(of).to.equal(undefined)
    expect(faults).to.have.length(2)
    expect(faults![0]).to.match(/^rule "keys": can never be met: no configured factor reaches/)
    expect(faults![1]).to.match(/^rule "mail": when.scope names a scope that is not offered/)
  })
})
