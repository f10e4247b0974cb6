import { expect } from 'chai'
import { kindsOfClients, type ClientFacts } from '../../../src/domain/policy/alike-clients.ts'
import type { Decision } from '../../../src/domain/policy/decide.ts'
import { impactOf } from '../../../src/domain/policy/impact.ts'
import type { Conditions, Rule } from '../../../src/domain/policy/rules.ts'

const decision = (step: Decision['step'], reason: Decision['reason'] = 'policy'): Decision => ({
  step,
  reason,
  target: 1,
  acr: 'mfa',
  trustSeconds: 0,
  rules: [],
})
const passing = decision('none', 'nothing-asked')

describe('the impact of a proposed policy on a person', () => {
  it('is none where both policies let the person through', () => {
    expect(impactOf(passing, passing, { canEnrol: false })).to.deep.equal({
      isNewlyAsked: false,
      mustEnrol: false,
    })
  })

  it('is that a person is newly asked, only where the rules in force ask nothing', () => {
    for (const step of ['login', 'verify', 'enrol', 'enrol-later', 'unmet'] as const) {
      expect(impactOf(passing, decision(step), { canEnrol: true }).isNewlyAsked, step).to.equal(
        true,
      )
      expect(
        impactOf(decision('verify'), decision(step), { canEnrol: true }).isNewlyAsked,
        step,
      ).to.equal(false)
    }
    expect(impactOf(decision('verify'), passing, { canEnrol: true }).isNewlyAsked).to.equal(false)
  })

  it('is that a person must enrol, or is locked out without a proof for it', () => {
    expect(impactOf(decision('enrol'), decision('enrol'), { canEnrol: true })).to.deep.equal({
      isNewlyAsked: false,
      mustEnrol: true,
    })
    expect(impactOf(passing, decision('enrol'), { canEnrol: false })).to.deep.equal({
      isNewlyAsked: true,
      mustEnrol: false,
      lockedOut: 'no-proof',
    })
  })

  it('is a lock-out where no step helps, whatever proof there is', () => {
    for (const canEnrol of [true, false])
      expect(impactOf(passing, decision('unmet', 'no-way'), { canEnrol })).to.deep.equal({
        isNewlyAsked: true,
        mustEnrol: false,
        lockedOut: 'no-way',
      })
  })

  it('is a lock-out where the settings refuse each authenticator that would count', () => {
    const able = { canEnrol: false, answers: { answers: [] } }
    expect(impactOf(passing, decision('verify'), able)).to.deep.equal({
      isNewlyAsked: true,
      mustEnrol: false,
      lockedOut: 'not-accepted',
    })
  })

  it('is that a person must enrol after a factor that is not enough', () => {
    for (const thenEnrols of [true, undefined]) {
      const answers = { answers: ['totp'], ...(thenEnrols && { thenEnrols }) }
      expect(impactOf(passing, decision('verify'), { canEnrol: false, answers })).to.deep.equal({
        isNewlyAsked: true,
        mustEnrol: thenEnrols === true,
      })
    }
  })

  it('locks nobody out who can put the enrolment off or has a factor to show', () => {
    for (const step of ['enrol-later', 'verify', 'login'] as const)
      expect(impactOf(passing, decision(step), { canEnrol: false }), step).to.deep.equal({
        isNewlyAsked: true,
        mustEnrol: false,
      })
  })
})

describe('clients that rules do not tell apart', () => {
  const rule = (when: Conditions): Rule => ({ name: JSON.stringify(when), when })
  const client = (id: string, part: Partial<ClientFacts> = {}): ClientFacts => ({
    client: id,
    scopes: ['openid'],
    acrs: [],
    isFirstParty: false,
    ...part,
  })
  const kinds = (
    clients: readonly ClientFacts[],
    rules: readonly Rule[],
    besides: (one: ClientFacts) => unknown = () => null,
  ): string[] =>
    kindsOfClients(clients, rules, (one) => one, besides).map((kind) => kind.client.client)

  it('are one kind, whose first client stands for the others', () => {
    const many = Array.from({ length: 20 }, (_, nth) => client(`app-${nth}`))
    expect(kinds(many, [])).to.deep.equal(['app-0'])
    expect(kinds(many, [rule({ group: ['staff'] }), rule({ newBrowser: true })])).to.deep.equal([
      'app-0',
    ])
    expect(kinds(many, [rule({ client: ['app-7', 'app-9'] })])).to.deep.equal(['app-0', 'app-7'])
    expect(kinds(many, [rule({ client: ['!app-0'] })])).to.deep.equal(['app-0', 'app-1'])
  })

  it('are told apart by each condition on the client, and by what else is named', () => {
    const [plain, other] = [client('a'), client('b', { scopes: ['openid', 'pay'] })]
    expect(kinds([plain, other], [rule({ scope: ['pay'] })])).to.deep.equal(['a', 'b'])
    const own = client('b', { isFirstParty: true })
    expect(kinds([plain, own], [rule({ firstParty: true })])).to.deep.equal(['a', 'b'])
    const strict = client('b', { acrs: ['phr'] })
    expect(kinds([plain, strict], [rule({ acr: ['phr'] })])).to.deep.equal(['a', 'b'])
    expect(kinds([plain, client('b')], [], (one) => one.client === 'b')).to.deep.equal(['a', 'b'])
  })
})
