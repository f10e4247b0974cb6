import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { ScureBase32Plugin } from 'otplib'
import { passwordHasher } from '../../../src/adapters/crypto/index.ts'
import {
  totp,
  type TotpAlgorithm,
  type TotpOptions,
  type TotpState,
} from '../../../src/factors/totp/index.ts'
import { ownCode } from '../../support/totp.ts'
import { seededRandom } from '../seeded-random.ts'

const hasher = passwordHasher({ memoryKib: 8, iterations: 1 })
const base32 = (ascii: string) => new ScureBase32Plugin().encode(Buffer.from(ascii))
const NOW = 1_800_000_000
const STEP = NOW / 30

const phone: TotpState = {
  secret: base32('a secret of 20 bytes'),
  algorithm: 'SHA1',
  digits: 8,
  periodSeconds: 30,
  lastTimeStep: 0,
}

const ENROLMENT = {
  accountId: 'a',
  now: NOW,
  existing: [],
  locale: 'en',
  issuer: 'https://id.example.com',
} as const

function vectors<T>(name: string): T {
  const url = new URL(`../../vectors/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as T
}

function examine(state: TotpState, code: string, now: number, options?: TotpOptions) {
  return totp(options).examine({
    states: [{ authenticatorId: 'phone', state }],
    challenge: undefined,
    response: { code },
    now,
    hasher,
  })
}

const NOTHING = { challenge: undefined, existing: [] }

describe('totp', () => {
  it('accepts the codes of RFC 6238, appendix B, with SHA-1, SHA-256 and SHA-512', async () => {
    const { secrets, codes } = vectors<{
      secrets: Record<TotpAlgorithm, string>
      codes: { at: number; algorithm: TotpAlgorithm; code: string }[]
    }>('rfc6238')
    expect(codes).to.have.length(18)
    for (const { at, algorithm, code } of codes) {
      const state = { ...phone, algorithm, secret: base32(secrets[algorithm]) }
      const timeStep = Math.floor(at / 30)
      expect(await examine(state, code, at, { window: 0 })).to.deep.equal({
        outcome: 'proved',
        authenticatorId: 'phone',
        proof: { timeStep },
      })
    }
  })

  it('accepts the codes of RFC 4226, appendix D, each at the step of its counter', async () => {
    const { secret, codes } = vectors<{ secret: { ascii: string }; codes: string[] }>('rfc4226')
    expect(codes).to.have.length(10)
    const state: TotpState = { ...phone, digits: 6, secret: base32(secret.ascii) }
    for (const [timeStep, code] of codes.entries())
      expect(await examine(state, code, timeStep * 30, { window: 0 })).to.deep.equal({
        outcome: 'proved',
        authenticatorId: 'phone',
        proof: { timeStep },
      })
  })

  it('R7 makes secrets of 160 bits from the randomness it is given, for every algorithm', async () => {
    for (const algorithm of ['SHA1', 'SHA256', 'SHA512'] as const) {
      const asked: number[] = []
      const random = {
        bytes(length: number) {
          asked.push(length)
          return Buffer.alloc(length, 7)
        },
      }
      const begun = await totp({ algorithm }).beginEnrolment?.({ ...ENROLMENT, random })
      expect(begun?.value.secret).to.equal(base32('\x07'.repeat(20)))
      expect(asked).to.deep.equal([20])
    }
  })

  it('R7 counts the server\u2019s time alone: the answer depends on the `now` it is given', async () => {
    const code = ownCode(phone, NOW)
    expect((await examine(phone, code, NOW)).outcome).to.equal('proved')
    expect((await examine(phone, code, NOW + 600)).outcome).to.equal('refused')
  })

  it('R6 accepts the present step and one either side by default', async () => {
    const outcomes = await Promise.all(
      [-2, -1, 0, 1, 2].map((offset) => examine(phone, ownCode(phone, NOW + 30 * offset), NOW)),
    )
    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal([
      'refused',
      'proved',
      'proved',
      'proved',
      'refused',
    ])
  })

  it('R6 gives no hint for a code of a future step', async () => {
    for (let ahead = 2; ahead < 12; ahead += 1)
      expect(await examine(phone, ownCode(phone, NOW + 30 * ahead), NOW)).to.deep.equal({
        outcome: 'refused',
      })
  })

  it('R6 narrows the window for an authenticator set up with a longer period', async () => {
    const slow: TotpState = { ...phone, periodSeconds: 60 }
    expect((await examine(slow, ownCode(slow, NOW), NOW)).outcome).to.equal('proved')
    expect((await examine(slow, ownCode(slow, NOW + 60), NOW)).outcome).to.equal('refused')
    const brisk: TotpState = { ...phone, periodSeconds: 15 }
    expect((await examine(brisk, ownCode(brisk, NOW + 15), NOW)).outcome).to.equal('proved')
  })

  it('tells a late code by how much the clock is behind, and does not accept it', async () => {
    expect(await examine(phone, ownCode(phone, NOW - 120), NOW)).to.deep.equal({
      outcome: 'refused',
      behindSeconds: 120,
    })
  })

  it('R5 gives no hint for a code that was used, nor for one before it', async () => {
    const used = { ...phone, lastTimeStep: STEP - 4 }
    for (const back of [120, 150])
      expect(await examine(used, ownCode(phone, NOW - back), NOW)).to.deep.equal({
        outcome: 'refused',
      })
  })

  it('R5 accepts each step at most once and never one before, in whatever order codes come', () => {
    const attempt = fc.record({ pass: fc.nat({ max: 3 }), offset: fc.integer({ min: -3, max: 3 }) })
    return fc.assert(
      fc.asyncProperty(fc.array(attempt, { maxLength: 12 }), async (attempts) => {
        let state = phone
        let now = NOW
        const accepted: number[] = []
        for (const { pass, offset } of attempts) {
          now += 30 * pass
          const examined = await examine(state, ownCode(phone, now + 30 * offset), now)
          if (examined.outcome === 'refused') continue
          const next = totp().consume(state, examined.proof)
          if (next === undefined) continue
          accepted.push(next.lastTimeStep)
          state = next
        }
        expect(accepted).to.deep.equal([...new Set(accepted)].sort((a, b) => a - b))
      }),
      { numRuns: 50 },
    )
  })

  it('R5 accepts each step at most once where the clock is set back and on, and new ones at once', () => {
    const attempt = fc.record({
      jump: fc.oneof(fc.constant(0), fc.integer({ min: -400, max: 400 })),
      pass: fc.nat({ max: 3 }),
      offset: fc.integer({ min: -1, max: 1 }),
    })
    return fc.assert(
      fc.asyncProperty(fc.array(attempt, { maxLength: 60 }), async (attempts) => {
        let state = phone
        let now = NOW
        const accepted = new Set<number>()
        let earliestKnown = 0
        for (const { jump, pass, offset } of attempts) {
          now += 30 * (jump + pass)
          const examined = await examine(state, ownCode(phone, now + 30 * offset), now)
          if (examined.outcome === 'refused') continue
          const { timeStep } = examined.proof
          const next = totp().consume(state, examined.proof)
          if (next === undefined) {
            const isSpent = accepted.has(timeStep) || timeStep <= earliestKnown
            const isReachable = state.lastTimeStep <= Math.floor(now / 30) + 1
            expect(isSpent || isReachable, 'refused without a reason').to.equal(true)
            continue
          }
          expect(accepted.has(timeStep), 'accepted twice').to.equal(false)
          accepted.add(timeStep)
          if (accepted.size > 20) earliestKnown = [...accepted].sort((a, b) => b - a)[20] ?? 0
          state = next
        }
      }),
      { numRuns: 100 },
    )
  })

  it('R5 refuses every step up to the last one of a state that does not name them, also after a set back', async () => {
    const state: TotpState = { ...phone, lastTimeStep: STEP }
    const back = NOW - 7200
    const examined = await examine(state, ownCode(phone, back), back)
    expect(examined.outcome).to.equal('proved')
    if (examined.outcome === 'proved')
      expect(totp().consume(state, examined.proof)).to.equal(undefined)
  })

  it('reads the steps that it has stored, and refuses others', () => {
    const state = { ...phone, lastTimeStep: 9, spent: { floor: 3, steps: [5, 9] } }
    expect(totp().parseState(state)).to.deep.equal(state)
    expect(totp().parseState(phone)).to.deep.equal(phone)
    for (const spent of [null, {}, { floor: -1, steps: [] }, { floor: 1, steps: ['2'] }])
      expect(() => totp().parseState({ ...phone, spent })).to.throw()
  })

  it('R5 refuses to sign in with the code that confirmed the set-up', async () => {
    const factor = totp({ digits: 8 })
    const { lastTimeStep: _, ...pending } = phone
    const response = { code: ownCode(phone, NOW + 30) }
    const confirmed = await factor.confirmEnrolment?.(pending, response, NOW, NOTHING)
    const spent = { floor: 0, steps: [STEP + 1] }
    expect(confirmed?.state).to.deep.equal({ ...phone, lastTimeStep: STEP + 1, spent })
    const earlier = await examine({ ...phone, lastTimeStep: STEP + 1 }, ownCode(phone, NOW), NOW)
    expect(earlier).to.deep.equal({
      outcome: 'proved',
      authenticatorId: 'phone',
      proof: { timeStep: STEP },
    })
    expect(factor.consume({ ...phone, lastTimeStep: STEP + 1 }, { timeStep: STEP })).to.equal(
      undefined,
    )
  })

  it('does not confirm with a late code or one of another length', async () => {
    const { lastTimeStep: _, ...pending } = phone
    for (const code of [ownCode(phone, NOW - 60), ownCode({ ...phone, digits: 6 }, NOW)])
      expect(await totp().confirmEnrolment?.(pending, { code }, NOW, NOTHING)).to.equal(undefined)
  })

  it('refuses a code of another length than the authenticator shows', async () => {
    expect(await examine(phone, ownCode({ ...phone, digits: 6 }, NOW), NOW)).to.deep.equal({
      outcome: 'refused',
    })
  })

  it('R5 takes a code for the authenticator whose step is unspent, where two show the same one', async () => {
    const state: TotpState = { ...phone, digits: 6 }
    const code = ownCode(state, NOW)
    const timeStep = Math.floor(NOW / 30)
    const spent = { authenticatorId: 'spent', state: { ...state, lastTimeStep: timeStep } }
    const fresh = { authenticatorId: 'fresh', state }
    for (const [states, authenticatorId] of [
      [[spent, fresh], 'fresh'],
      [[spent], 'spent'],
    ] as const) {
      const given = { states, challenge: undefined, response: { code }, now: NOW, hasher }
      expect(await totp().examine(given)).to.deep.include({ outcome: 'proved', authenticatorId })
    }
  })

  it('describes the page by its own options before an account is named', () => {
    expect(totp({ digits: 8 }).describeVerification?.([], undefined)).to.deep.equal({ digits: 8 })
  })

  it('keeps an authenticator working when the options change', async () => {
    const old: TotpState = { ...phone, digits: 6, algorithm: 'SHA256' }
    const changed: TotpOptions = { digits: 8, algorithm: 'SHA512', periodSeconds: 60, window: 0 }
    expect((await examine(old, ownCode(old, NOW), NOW, changed)).outcome).to.equal('proved')
    expect(
      totp(changed).describeVerification?.([{ authenticatorId: 'phone', state: old }], undefined),
    ).to.deep.equal({ digits: 6 })
  })

  it('makes secrets and codes as the options say', async () => {
    const options: TotpOptions = { digits: 8, algorithm: 'SHA256', periodSeconds: 60, window: 0 }
    const random = seededRandom('options')
    const begun = await totp(options).beginEnrolment?.({ ...ENROLMENT, random })
    expect(begun?.value).to.include({ digits: 8, algorithm: 'SHA256', periodSeconds: 60 })
  })

  it('R34 reads 6 or 8 digits, leading zeros kept, and nothing else', () => {
    const read = (code: string) => totp().parseResponse({ code })
    expect(read('000 042')).to.deep.equal({ code: '000042' })
    expect(read('\u0660\u0661\u0662-\u0663\u0664\u0665')).to.deep.equal({ code: '012345' })
    expect(read('12345678')).to.deep.equal({ code: '12345678' })
    for (const other of ['', '1234567', '123456789', '12345x', '-1e5', '0x1234', '123456\u0000'])
      expect(read(other)).to.equal(undefined)
  })

  it('R26 proves possession, by a one-time password that a phisher can pass on', () => {
    expect(totp().assurance({ timeStep: 1 })).to.deep.equal({
      amr: ['otp'],
      kinds: ['possession'],
      phishingResistant: false,
    })
  })
})
