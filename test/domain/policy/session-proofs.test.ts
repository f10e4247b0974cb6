import { expect } from 'chai'
import { newRecord } from '../../../src/domain/mfa-record.ts'
import {
  DEFAULT_LEVELS,
  HARDWARE_PROTECTED_ACR,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
} from '../../../src/domain/policy/levels.ts'
import { assertionOf, type Proof } from '../../../src/domain/policy/proofs.ts'
import {
  firstProof,
  mergedProofs,
  proofsByLevel,
  secondProof,
  withoutUpstream,
} from '../../../src/domain/policy/session-proofs.ts'

const NOW = 1_800_000_000
const DAY = 86_400

describe('the proof of a login page', () => {
  it('R26 is of one kind, whatever methods the page names', () => {
    const kindsOf = (...amr: string[]) => firstProof(amr, NOW).kinds
    expect(kindsOf('pwd')).to.deep.equal(['knowledge'])
    expect(kindsOf('otp', 'pwd', 'mfa')).to.deep.equal(['knowledge'])
    expect(kindsOf('otp', 'face')).to.deep.equal(['possession'])
    expect(kindsOf('urn:own')).to.deep.equal([])
    expect(firstProof(['pwd', 'mfa'], NOW)).to.deep.equal({
      amr: ['pwd'],
      kinds: ['knowledge'],
      phishingResistant: false,
      time: NOW,
    })
  })

  it('has neither a level nor hardware without the upstream provider that told it', () => {
    const strong = firstProof(['pwd', 'hwk'], NOW, undefined, {
      kinds: ['knowledge', 'possession'],
      phishingResistant: true,
      hardware: true,
      upstream: { issuer: 'https://idp.example', isEarlier: true },
    })
    expect(withoutUpstream(strong)).to.deep.equal(firstProof(['pwd', 'hwk'], NOW))
  })

  it('R9 is marked for seven days after a recovery, and not before it', () => {
    const markAt = (time: number) => {
      const { history } = newRecord('mira')
      return firstProof(['pwd'], time, { history: { ...history, recoveredAt: NOW } }).recoveredAt
    }
    expect(markAt(NOW - 1)).to.equal(undefined)
    expect(markAt(NOW)).to.equal(NOW)
    expect(markAt(NOW + 7 * DAY - 1)).to.equal(NOW)
    expect(markAt(NOW + 7 * DAY)).to.equal(undefined)
  })
})

describe('the proof of a second factor', () => {
  const accepted = {
    assurance: { amr: ['otp'], kinds: ['possession'] as const, phishingResistant: false },
    factor: 'totp',
    at: NOW,
  }
  const after = (recoveredAt?: number) => {
    const record = newRecord('mira')
    const history = { ...record.history, ...(recoveredAt === undefined ? {} : { recoveredAt }) }
    return secondProof(accepted, { history })
  }

  it('has the factor, its assurance and its time', () => {
    expect(after()).to.deep.equal({ ...accepted.assurance, factor: 'totp', time: NOW })
  })

  it('says that the key is in hardware only where the factor says so', () => {
    const assurance = { ...accepted.assurance, hardware: true as const }
    const { history } = newRecord('mira')
    expect(secondProof({ ...accepted, assurance }, { history }).hardware).to.equal(true)
    expect(after()).not.to.have.property('hardware')
  })

  it('R9 is marked for seven days after a recovery', () => {
    const marked = after(NOW - 7 * DAY + 1)
    expect(marked).to.include({ recoveredAt: NOW - 7 * DAY + 1, time: NOW })
    expect(after(NOW - 7 * DAY)).not.to.have.property('recoveredAt')
  })
})

describe('the proofs of a session', () => {
  const of = (time: number, factor?: string): Proof => ({
    amr: [],
    kinds: ['possession'],
    phishingResistant: false,
    time,
    ...(factor === undefined ? {} : { factor }),
  })
  const merge = (before: readonly Proof[], fresh: readonly Proof[]) =>
    mergedProofs(before, fresh, { now: NOW, sessionSeconds: DAY })

  it('keep the newest of each factor and of the first one, the newest first', () => {
    const before = [of(NOW - 50), of(NOW - 40, 'totp'), of(NOW - 30, 'key')]
    const merged = merge(before, [of(NOW - 20), of(NOW - 45, 'totp')])
    expect(merged).to.deep.equal([of(NOW - 20), of(NOW - 30, 'key'), of(NOW - 40, 'totp')])
  })

  it('R15 leave out what is older than a session may be, to the second', () => {
    expect(merge([of(NOW - DAY, 'totp')], [])).to.deep.equal([])
    expect(merge([of(NOW - DAY + 1, 'totp')], [])).to.have.length(1)
  })

  it('lose one from the future for a new one, because the clock was set back', () => {
    const future = of(NOW + 3_600, 'totp')
    expect(merge([future], [of(NOW - 5, 'totp')])).to.deep.equal([of(NOW - 5, 'totp')])
    expect(merge([future], [of(NOW - 5)])).to.deep.equal([future, of(NOW - 5)])
    const skewed = of(NOW + 30, 'totp')
    expect(merge([skewed], [of(NOW - 5, 'totp')])).to.deep.equal([skewed])
  })

  it('keep a level of an upstream provider beside a later first factor without it', () => {
    const upstream = { issuer: 'https://idp.example', isEarlier: false }
    const strong = (time: number): Proof => ({
      ...firstProof(['otp'], time, undefined, {
        kinds: ['knowledge', 'possession'],
        phishingResistant: false,
        upstream,
      }),
    })
    const plain = firstProof(['pwd'], NOW - 5)
    expect(merge([strong(NOW - 50)], [plain])).to.deep.equal([plain, strong(NOW - 50)])
    expect(merge([strong(NOW - 50)], [strong(NOW - 9)])).to.deep.equal([strong(NOW - 9)])
    const higher = { ...strong(NOW - 60), phishingResistant: true }
    expect(merge([higher], [strong(NOW - 9)])).to.deep.equal([strong(NOW - 9), higher])
  })

  it('keep one by a key in hardware beside a later one of the same factor', () => {
    const hard = (time: number): Proof => ({ ...of(time, 'passkey'), hardware: true })
    const soft = of(NOW - 5, 'passkey')
    expect(merge([hard(NOW - 50)], [soft])).to.deep.equal([soft, hard(NOW - 50)])
    expect(merge([hard(NOW - 50)], [hard(NOW - 9)])).to.deep.equal([hard(NOW - 9)])
  })

  it('are bounded', () => {
    const many = Array.from({ length: 30 }, (_, nth) => of(NOW - nth, `factor-${nth}`))
    expect(merge([], many)).to.deep.equal(many.slice(0, 12))
  })
})

describe('the proofs of a session that keeps none', () => {
  const proofs = (acr: string | undefined, amr?: string[], provedAt?: number) =>
    proofsByLevel(DEFAULT_LEVELS, { acr, amr, signedInAt: NOW - 100, provedAt })
  const levelOf = (...args: Parameters<typeof proofs>) =>
    assertionOf(DEFAULT_LEVELS, proofs(...args))

  it('are those that its level shows', () => {
    expect(proofs(PASSWORD_ACR)).to.deep.equal([firstProof(['pwd'], NOW - 100)])
    expect(proofs(undefined, ['pwd', 'otp', 'mfa'])).to.have.length(1)
    expect(proofs('urn:of-the-host', ['pwd'])).to.have.length(1)
    const amr = ['pwd', 'otp', 'mfa']
    expect(levelOf(MULTI_FACTOR_ACR, amr)).to.include({ acr: MULTI_FACTOR_ACR })
    expect(levelOf(MULTI_FACTOR_ACR, amr)?.amr).to.deep.equal(amr)
    expect(levelOf(PHISHING_RESISTANT_ACR, ['pwd', 'hwk'])).to.include({
      acr: PHISHING_RESISTANT_ACR,
    })
    // No session of that level was ever without its proofs.
    expect(levelOf(HARDWARE_PROTECTED_ACR, ['pwd', 'hwk'])).to.include({
      acr: PHISHING_RESISTANT_ACR,
    })
    expect(levelOf(MULTI_FACTOR_ACR, ['otp', 'face'])).to.include({ acr: MULTI_FACTOR_ACR })
    expect(proofs(MULTI_FACTOR_ACR, ['urn:own'])).to.have.length(1)
  })

  it('R45 have each method of the session once, beside the first factor or the second', () => {
    const methodsOf = (...amr: string[]) => proofs(MULTI_FACTOR_ACR, amr).map((one) => one.amr)
    expect(methodsOf('pwd', 'otp', 'mfa')).to.deep.equal([['otp'], ['pwd']])
    expect(methodsOf('otp', 'face', 'user', 'mfa')).to.deep.equal([['face', 'user'], ['otp']])
  })

  it('have the time at which the factor was last shown, or that of the sign-in', () => {
    const [factor] = proofs(MULTI_FACTOR_ACR, ['pwd', 'otp'], NOW - 10)
    expect(factor).to.include({ factor: 'unknown', time: NOW - 10 })
    expect(proofs(MULTI_FACTOR_ACR, ['pwd', 'otp'])[0]).to.include({ time: NOW - 100 })
  })
})
