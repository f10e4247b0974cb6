import { expect } from 'chai'
import {
  DEFAULT_LEVELS,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  type Level,
} from '../../../src/domain/policy/levels.ts'
import { assertionOf, lastProved, type Proof } from '../../../src/domain/policy/proofs.ts'
import { NOW, PROOFS } from './cases.ts'

const at = (word: string, secondsAgo: number): Proof => ({
  ...PROOFS[word]!,
  time: NOW - secondsAgo,
})
const said = (proofs: readonly Proof[], ...named: string[]) =>
  assertionOf(DEFAULT_LEVELS, proofs, named)
const [PASSWORD, MULTI_FACTOR, PHISHING_RESISTANT, IN_HARDWARE] =
  DEFAULT_LEVELS as unknown as Level[]

describe('an assertion of proofs', () => {
  it('is none without a proof', () => {
    expect(said([])).to.equal(undefined)
  })

  it('R26 says what was used in the order of time, and mfa of two kinds', () => {
    expect(said([at('otp', 10), at('pwd', 60)])?.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    expect(said([at('pwd', 60), at('code', 10)])?.amr).to.deep.equal(['pwd', 'backup_code', 'mfa'])
    expect(said([at('sso', 60), at('otp', 10)])?.amr).to.deep.equal(['fed', 'otp'])
    expect(said([{ ...at('pwd', 60), amr: ['pwd', 'mfa'] }])?.amr).to.deep.equal(['pwd'])
  })

  it('R25 has the time of the oldest proof on which the level rests', () => {
    expect(said([at('pwd', 900), at('otp', 10)])?.since).to.equal(NOW - 900)
    // A passkey that verified its person needs no password.
    const passkey = said([at('pwd', 900), at('passkey', 10)])
    expect(passkey).to.deep.include({
      acr: 'phr',
      since: NOW - 10,
      amr: ['pwd', 'swk', 'user', 'mfa'],
    })
  })

  it('rests on the newest proofs that are enough, and shows all', () => {
    const proofs = [at('pwd', 900), at('code', 800), at('otp', 10), at('sso-mfa', 5)]
    const all = said(proofs)
    expect(all?.since).to.equal(NOW - 5)
    expect(all?.proofs).to.deep.equal(proofs.toReversed())
    expect(said([at('sso', 900), at('otp', 10)])?.since).to.equal(NOW - 900)
  })

  it('says the name of a lower level that was asked for, and what was used as it is', () => {
    const proofs = [at('pwd', 60), at('otp', 10)]
    expect(said(proofs, PASSWORD_ACR)).to.deep.include({
      acr: PASSWORD_ACR,
      rank: 0,
      amr: ['pwd', 'otp', 'mfa'],
    })
    expect(said(proofs, PASSWORD_ACR, MULTI_FACTOR_ACR, 'phr')?.acr).to.equal(MULTI_FACTOR_ACR)
    expect(said(proofs, 'phr')?.acr).to.equal(MULTI_FACTOR_ACR)
    const used = said([...proofs, at('key', 100)], MULTI_FACTOR_ACR)
    // The time is that of the level that was proved, for which the key is needed.
    expect(used).to.deep.include({ acr: MULTI_FACTOR_ACR, since: NOW - 100 })
  })
})

describe('the time at which a level was last proved', () => {
  it('is none if it was not reached', () => {
    expect(lastProved(PASSWORD!, [])).to.equal(undefined)
    expect(lastProved(MULTI_FACTOR!, [at('pwd', 1)])).to.equal(undefined)
    expect(lastProved(PHISHING_RESISTANT!, [at('pwd', 1), at('otp', 1)])).to.equal(undefined)
  })

  it('is that of the newest proof for the first level, whatever its kind is', () => {
    expect(lastProved(PASSWORD!, [at('pwd', 900), at('otp', 10)])).to.equal(NOW - 10)
    expect(lastProved(PASSWORD!, [at('sso-none', 30)])).to.equal(NOW - 30)
  })

  it('is that of the second factor for two kinds, however old or new the password is', () => {
    expect(lastProved(MULTI_FACTOR!, [at('pwd', 900), at('otp', 10)])).to.equal(NOW - 10)
    expect(lastProved(MULTI_FACTOR!, [at('pwd', 10), at('otp', 900)])).to.equal(NOW - 900)
    expect(lastProved(MULTI_FACTOR!, [at('sso-mfa', 50)])).to.equal(NOW - 50)
  })

  it('is that of the phishing-resistant proof for a level that asks for one', () => {
    const proofs = [at('pwd', 900), at('key', 500), at('otp', 10)]
    expect(lastProved(PHISHING_RESISTANT!, proofs)).to.equal(NOW - 500)
    expect(lastProved(MULTI_FACTOR!, proofs)).to.equal(NOW - 10)
  })

  it('is that of the phishing-resistant proof in hardware for a level that asks for it', () => {
    const proofs = [at('pwd', 900), at('hardware', 500), at('passkey', 20), at('token', 10)]
    expect(lastProved(IN_HARDWARE!, proofs)).to.equal(NOW - 500)
    expect(lastProved(PHISHING_RESISTANT!, proofs)).to.equal(NOW - 20)
    expect(lastProved(IN_HARDWARE!, [at('passkey', 20), at('token', 10)])).to.equal(undefined)
  })

  it('is never later for a higher level: a phishing-resistant first factor does not renew the second one', () => {
    const first = { ...at('sso', 5), phishingResistant: true, kinds: ['knowledge' as const] }
    const proofs = [first, at('otp', 900)]
    expect(lastProved(MULTI_FACTOR!, proofs)).to.equal(NOW - 900)
    expect(lastProved(PHISHING_RESISTANT!, proofs)).to.equal(NOW - 900)
  })
})
