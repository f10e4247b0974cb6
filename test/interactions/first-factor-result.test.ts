import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import {
  answerInteraction,
  faultsOfLogin,
  subjectOfLogin,
} from '../../interactions/login/finish.ts'
import { contextAtResume } from '../../interactions/login/policy.ts'
import { CLOCK_SKEW_SECONDS } from '../../src/domain/time.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { importRules } from '../../src/import/rules.ts'
import { corePolicy } from './core-policy.ts'

const NOW = 1_700_000_000

describe('the subject of a login page’s answer', () => {
  it('has the password as its method and now as its time, unless the page says more', () => {
    expect(subjectOfLogin({ accountId: 'mira' }, 3, { now: NOW })).to.deep.equal({
      accountId: 'mira',
      amr: ['pwd'],
      ts: NOW,
      epoch: 3,
    })
    const said = { accountId: 'mira', amr: ['kba'], ts: NOW - 60, remember: false }
    expect(subjectOfLogin(said, 3, { now: NOW })).to.deep.equal({ ...said, epoch: 3 })
  })

  it('R25 says so where the page names a time before the interaction began', () => {
    const at = (ts: number) =>
      subjectOfLogin({ accountId: 'mira', ts }, 3, { now: NOW, begunAt: NOW - 60 }).isEarlier
    expect(at(NOW - 60)).to.equal(undefined)
    expect(at(NOW - 7200)).to.equal(true)
  })

  it('R26 has the epoch of the record, no level and no seal, whatever the page says', () => {
    const login = { accountId: 'mira', epoch: 9, acr: 'high', seal: 'x', tenant: 'a' }
    expect(subjectOfLogin(login, 3, { now: NOW })).to.deep.equal({
      accountId: 'mira',
      amr: ['pwd'],
      ts: NOW,
      epoch: 3,
      extra: { tenant: 'a' },
    })
  })
})

describe('R34 the faults of a login page’s answer', () => {
  const faults = (login: object) => faultsOfLogin(login as Record<string, unknown>, NOW)

  it('are none where it says no more than it must, or all that it may', () => {
    expect(faults({ accountId: 'mira' })).to.deep.equal([])
    const ts = NOW + CLOCK_SKEW_SECONDS
    for (const remember of [true, false])
      expect(faults({ accountId: 'm', amr: [], ts, remember })).to.deep.equal([])
    expect(faults({ accountId: 'm', amr: ['pwd', 'kba'], ts: 0 })).to.deep.equal([])
  })

  for (const [name, wrong] of [
    ['accountId', [undefined, '', 7, null, { $ne: null }, ['mira']]],
    ['amr', ['pwd', ['pwd', 7], null, {}]],
    ['ts', [NOW + CLOCK_SKEW_SECONDS + 1, NOW + 0.5, '1', Number.NaN, null]],
    ['remember', ['no', 0, null]],
  ] as const)
    it(`name ${name}`, () => {
      for (const value of wrong) {
        const found = faults({ accountId: 'mira', [name]: value })
        expect(found, JSON.stringify(value)).to.have.length(1)
        expect(found[0]).to.match(new RegExp(`^${name} must be `))
      }
    })
})

describe('R17 the answer of a login page', () => {
  const asks = (prompt: string, epoch = 3): Core =>
    ({
      ...corePolicy,
      provider: {
        issuer: 'http://op.example',
        interactionDetails: async () => ({ prompt: { name: prompt }, params: {} }),
        Client: { find: async () => undefined },
      },
      deps: { clock: { now: () => NOW }, rules: importRules, factors: new Map() },
      taken: { firstFactorPrompts: new Set(['login']) },
      record: async () => ({ record: { ...newRecord('mira'), epoch } }),
    }) as unknown as Core
  const refusal = (core: Core, login: object) =>
    answerInteraction(core, { headers: {} } as never, {} as never, { login } as never).then(
      () => undefined,
      ({ code, status }: { code: string; status: number }) => [code, status],
    )

  it('needs a provider', async () => {
    const core = { provider: undefined } as unknown as Core
    expect(await refusal(core, { accountId: 'mira' })).to.deep.equal(['not-attached', 500])
  })

  it('answers the login prompt alone', async () => {
    for (const prompt of ['mfa', 'consent', ''])
      expect(await refusal(asks(prompt), { accountId: 'mira' })).to.deep.equal([
        'wrong-prompt',
        410,
      ])
  })

  it('names its faults', async () => {
    expect(await refusal(asks('login'), { accountId: 7 })).to.deep.equal(['options-invalid', 500])
  })

  it('R20 counts for nothing if the account has changed since the page read the epoch', async () => {
    for (const epoch of [2, 4])
      expect(await refusal(asks('login'), { accountId: 'mira', epoch })).to.deep.equal([
        'interaction-expired',
        410,
      ])
    const same = asks('login', 3)
    const answered = answerInteraction(same, { headers: {} } as never, {} as never, {
      login: { accountId: 'mira', epoch: 3 },
    })
    const error: unknown = await answered.catch((reason: unknown) => reason)
    // The next check is the one that ends it.
    expect(error).to.have.property('message').that.contains('client of this sign-in')
  })

  it('is over where the client of the sign-in is gone', async () => {
    const subject = { accountId: 'mira', amr: ['pwd'], ts: NOW, epoch: 3 }
    const interaction = { params: { client_id: 'gone' } } as never
    const seen = contextAtResume(asks('login'), {} as never, {} as never, interaction, subject)
    const error: unknown = await seen.catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
  })
})
