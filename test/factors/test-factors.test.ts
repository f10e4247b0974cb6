import { expect } from 'chai'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { challengeFactor, deliveredCodeFactor, softKey } from '../../src/testing/factors.ts'
import { seededRandom } from './seeded-random.ts'

const hasher = passwordHasher({ memoryKib: 8, iterations: 1 })
const random = seededRandom('test factors')
const NOW = 1_800_000_000

const NOTHING = { challenge: undefined, existing: [] }

describe('the challenge-response factor for tests', () => {
  it('R26 lets the proof decide: a key that verified its user is two kinds of factor', async () => {
    const factor = challengeFactor()
    const key = softKey()
    for (const userVerified of [true, false]) {
      const pending = { challenge: 'enrolment' }
      const response = factor.parseResponse({ credential: key.answer('enrolment', userVerified) })
      if (response === undefined) throw new Error('this is no response')
      const confirmed = await factor.confirmEnrolment?.(pending, response, NOW, NOTHING)
      expect(confirmed?.assurance).to.deep.equal({
        amr: userVerified ? ['swk', 'user'] : ['swk'],
        kinds: userVerified ? ['possession', 'inherence'] : ['possession'],
        phishingResistant: true,
      })
      expect(factor.assurance({ counter: 1, userVerified })).to.deep.equal(confirmed?.assurance)
    }
  })

  it('refuses a response that claims more than was signed', async () => {
    const factor = challengeFactor()
    const credential = softKey().answer('enrolment').replace('false', 'true')
    const response = factor.parseResponse({ credential })
    if (response === undefined) throw new Error('this is no response')
    expect(
      await factor.confirmEnrolment?.({ challenge: 'enrolment' }, response, NOW, NOTHING),
    ).to.equal(undefined)
  })
})

describe('the delivered code for tests', () => {
  const factor = deliveredCodeFactor()
  const state = { address: 'mira@example.com', spent: [] }
  const states = [{ authenticatorId: 'mail', state }]
  const ask = async () =>
    factor.challenge?.(states, {
      accountId: 'a',
      random,
      now: NOW,
      locale: 'en',
      issuer: 'https://id.example.com',
    })

  it('R3 ends after ten minutes', async () => {
    const asked = await ask()
    const response = { code: asked?.delivery?.values.code ?? '' }
    const outcomes = await Promise.all(
      [599, 600].map((after) =>
        factor.examine({ states, challenge: asked?.value, response, now: NOW + after, hasher }),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal(['proved', 'refused'])
  })

  it('is mailed to the address of the authenticator and kept as a hash', async () => {
    const asked = await ask()
    expect(asked?.delivery).to.include({ channel: 'mail', to: 'mira@example.com' })
    expect(asked?.delivery?.values.code).to.match(/^\d{8}$/)
    expect(JSON.stringify(asked?.value)).not.to.include(asked?.delivery?.values.code)
  })

  it('forgets spent codes that have ended', () => {
    const spent = [
      { id: 'ended', expiresAt: NOW },
      { id: 'alive', expiresAt: NOW + 1 },
    ]
    const proof = { id: 'new', expiresAt: NOW + 600, at: NOW }
    const next = factor.consume({ ...state, spent }, proof)
    expect(next?.spent.map(({ id }) => id)).to.deep.equal(['alive', 'new'])
  })

  it('asks for a verified address', () => {
    expect(() =>
      factor.beginEnrolment?.({
        accountId: 'a',
        random,
        now: NOW,
        existing: [],
        locale: 'en',
        issuer: 'https://id.example.com',
      }),
    ).to.throw('verified address')
  })
})
