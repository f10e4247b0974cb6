import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { needsMore } from '../../interactions/login/policy.ts'
import { LATER } from '../../interactions/later.ts'
import { OFFER } from '../../interactions/step-up-offer.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { DEFAULT_LEVELS, MULTI_FACTOR_ACR } from '../../src/domain/policy/levels.ts'
import { NO_POLICY, type Rule } from '../../src/domain/policy/rules.ts'
import { importRules } from '../../src/import/rules.ts'
import { enrolled, NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

interface Given {
  readonly params?: object
  readonly interaction?: object
  readonly record?: ReturnType<typeof newRecord>
  /** The answer of the application's rule. */
  readonly required?: boolean
  readonly account?: object | undefined
  readonly rules?: readonly Rule[]
  /** The session of the browser. */
  readonly session?: object | undefined
}

/** Whether a page comes after the password of mira, and the questions that the application was asked. */
async function look(given: Given) {
  const { record = newRecord('mira'), required = false, account = { accountId: 'mira' } } = given
  const questions: unknown[] = []
  const provider = {
    issuer: 'http://op.example',
    Client: { find: async (clientId: string) => ({ clientId }) },
    Session: Object.assign(class {}, { findByUid: async () => given.session }),
    OIDCContext: class {
      entity = (): void => undefined
    },
    createContext: () => ({}),
  }
  const core = {
    ...corePolicy,
    policy: {
      levels: DEFAULT_LEVELS,
      present: () => ({ ...NO_POLICY, rules: given.rules ?? [] }),
    },
    provider,
    deps: {
      rules: importRules,
      factors: new Map([['totp', { enrolment: 'confirmed' }]]),
      clock: { now: () => NOW },
    },
    account: async () => ('account' in given ? given.account : account),
    demands: async (question: object) => (questions.push(question), required ? [{}] : []),
    firstEnrolmentRule: async () => 'allowed',
    describe: async () => ({ label: 'mira', createdAt: NOW - 60 }),
  } as unknown as Core
  const interaction = { params: { client_id: 'app', ...given.params }, ...given.interaction }
  const subject = { accountId: 'mira', amr: ['pwd'], ts: NOW, epoch: 1 }
  const request = { headers: {} } as never
  const { isMore: more } = await needsMore(core, request, {} as never, interaction, {
    subject,
    record,
  })
  return { more, questions }
}
const isMore = async (given: Given): Promise<boolean> => (await look(given)).more

describe('whether a page comes after the password', () => {
  it('is clear without the application where there is a factor, or one is asked for', async () => {
    const essential = JSON.stringify({
      id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
    })
    for (const given of [
      { record: enrolled() },
      { params: { prompt: 'mfa' } },
      { params: { prompt: 'login mfa' } },
      { params: { mfa_action: 'add' } },
      { params: { claims: essential } },
    ])
      expect(await look(given)).to.deep.equal({ more: true, questions: [] })
  })

  it('is otherwise the application’s rule for the account, the client and the request', async () => {
    for (const prompt of [undefined, 'login', 'mfa2', ['mfa']]) {
      const { more, questions } = await look({ params: { prompt } })
      expect(more).to.equal(false)
      expect(questions).to.deep.equal([
        {
          account: { accountId: 'mira' },
          client: { clientId: 'app' },
          params: { client_id: 'app', prompt },
        },
      ])
    }
    expect(await isMore({ required: true })).to.equal(true)
  })

  it('is an error by name where findAccount does not know the account', async () => {
    const error: unknown = await look({ account: undefined }).catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'account-unknown' })
  })

  it('is the offer of a set-up for an app that asks for a higher level, until it is refused', async () => {
    const params = { acr_values: MULTI_FACTOR_ACR }
    expect(await isMore({ params })).to.equal(true)
    for (const interaction of [
      { result: { [OFFER]: 'refused' } },
      { lastSubmission: { [OFFER]: 'refused' } },
      { lastSubmission: { [OFFER]: 'accepted' }, result: { [OFFER]: 'refused' } },
      { deviceCode: 'a-device' },
    ])
      expect(await isMore({ params, interaction })).to.equal(false)
  })

  it('is a set-up that can be put off, once in a session and never in the device flow (R17)', async () => {
    const rules: readonly Rule[] = [
      { name: 'grace', when: {}, require: MULTI_FACTOR_ACR, enrol: { graceSeconds: 600 } },
    ]
    const more = (given: Given = {}): Promise<boolean> => isMore({ rules, ...given })
    const begun = { session: { uid: 'the-session' } }
    expect(await more()).to.equal(true)
    for (const [interaction, session, expected] of [
      [{ deviceCode: 'a-device' }, undefined, false],
      [{ result: { [LATER]: 'mira' } }, undefined, false],
      [{ lastSubmission: { [LATER]: 'mira' } }, undefined, false],
      [{ result: { [LATER]: 'noor' } }, undefined, true],
      [begun, { mfaLater: 'mira' }, false],
      [begun, { mfaLater: 'noor' }, true],
      [begun, undefined, true],
    ] as const)
      expect(
        await more({ interaction, session }),
        JSON.stringify({ interaction, session }),
      ).to.equal(expected)
  })

  it('is a set-up that is due, also in the device flow', async () => {
    const rules: readonly Rule[] = [
      { name: 'grace', when: {}, require: MULTI_FACTOR_ACR, enrol: { until: NOW } },
    ]
    for (const interaction of [{}, { deviceCode: 'a-device' }, { result: { [LATER]: 'mira' } }])
      expect(await isMore({ rules, interaction })).to.equal(true)
  })
})
