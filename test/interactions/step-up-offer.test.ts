import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { NO_OFFER, offerIn, OFFER, replyIn } from '../../interactions/step-up-offer.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { MULTI_FACTOR_ACR } from '../../src/domain/policy/levels.ts'
import { enrolled, NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

interface Given {
  readonly rule?: string
  readonly address?: string
  readonly kinds?: readonly string[]
  readonly record?: ReturnType<typeof newRecord>
  readonly params?: object
  readonly answered?: number
  readonly wishes?: object
}

/** The offer before an answer, and the questions that the application's rule got. */
async function offerWith(given: Given = {}) {
  const { rule = 'allowed', kinds = ['confirmed'], record = newRecord('mira') } = given
  const asked: unknown[] = []
  const core = {
    ...corePolicy,
    deps: {
      factors: new Map(kinds.map((enrolment, nth) => [String(nth), { enrolment }])),
      clock: { now: () => NOW },
    },
    firstEnrolmentRule: async (question: object) => (asked.push(question), rule),
    describe: async () => ({ label: 'mira', ...(given.address && { address: given.address }) }),
  } as unknown as Core
  const question = {
    account: { accountId: 'mira' },
    client: { clientId: 'app' },
    params: given.params ?? { acr_values: MULTI_FACTOR_ACR },
  }
  const offer = await offerIn(core, {
    question,
    record,
    answered: given.answered ?? 0,
    results: {},
    wishes: given.wishes,
  } as never)
  return { offer, asked, question }
}
const canSetUp = async (given: Given): Promise<boolean> => (await offerWith(given)).offer.canSetUp

describe('whether a page comes before an answer below the level that was asked for', () => {
  it('asks the application whether a set-up may begin', async () => {
    const { offer, asked, question } = await offerWith()
    expect(offer).to.deep.equal({ offer: 'offer', canSetUp: true })
    expect(asked).to.deep.equal([{ ...question, firstSignIn: true }])
  })

  it('asks nobody where the level is reached, or none was asked for', async () => {
    for (const given of [{ params: {} }, { answered: 1 }]) {
      const { offer, asked } = await offerWith(given)
      expect(offer).to.deep.equal(NO_OFFER)
      expect(asked).to.deep.equal([])
    }
    expect(NO_OFFER).to.deep.equal({ offer: 'none', canSetUp: false })
  })

  it('offers no set-up that would end at a refusal', async () => {
    expect(await canSetUp({ rule: 'refused' })).to.equal(false)
    expect(await canSetUp({ rule: 'mailed-code' })).to.equal(false)
    expect(await canSetUp({ rule: 'mailed-code', address: 'mira@example.com' })).to.equal(true)
    expect(await canSetUp({ rule: 'refused', address: 'mira@example.com' })).to.equal(false)
  })

  it('offers none to a person who has a factor, none without a factor to set up, and none that does not help', async () => {
    expect(await canSetUp({ record: enrolled() })).to.equal(false)
    expect(await canSetUp({ kinds: [] })).to.equal(false)
    expect(await canSetUp({ kinds: ['issued'] })).to.equal(false)
    expect(await canSetUp({ kinds: ['issued', 'confirmed'] })).to.equal(true)
    expect(await canSetUp({ params: { acr_values: 'urn:unknown' } })).to.equal(false)
  })

  it('remembers the refusal for this account and this app', async () => {
    const clients = [{ clientId: 'app', refused: true, answeredAt: [] }]
    const wishes = { accountId: 'mira', clients }
    expect((await offerWith({ wishes })).offer.offer).to.equal('none')
    for (const other of [
      { ...wishes, accountId: 'noor' },
      { ...wishes, clients: [{ ...clients[0], clientId: 'other' }] },
    ])
      expect((await offerWith({ wishes: other })).offer.offer).to.equal('offer')
  })
})

describe('the person’s answer to an offer', () => {
  it('is one of two words', () => {
    for (const reply of ['accepted', 'refused']) expect(replyIn({ [OFFER]: reply })).to.equal(reply)
    for (const reply of [undefined, '', true, 'yes'])
      expect(replyIn({ [OFFER]: reply })).to.equal(undefined)
  })
})
