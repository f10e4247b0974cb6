import { expect } from 'chai'
import fc from 'fast-check'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'

const keyOf = (fill: number) => new Uint8Array(32).fill(fill)
const [old, current, other] = [keyOf(1), keyOf(2), keyOf(3)]
const box = secretBox({ keys: [current, old] })
const context = { accountId: 'anna', purpose: 'totp' }

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'no error'
  } catch (error) {
    return error instanceof MfaError ? error.code : String(error)
  }
}

describe('the secret box', () => {
  it('R35 opens what it sealed, for the same account and purpose', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (plaintext, accountId, purpose) => {
        const sealed = box.seal(plaintext, { accountId, purpose })
        expect(box.open(sealed, { accountId, purpose })).to.equal(plaintext)
      }),
    )
  })

  it('R35 does not open a ciphertext moved to another account or purpose', () => {
    const sealed = box.seal('secret', context)
    for (const moved of [
      { ...context, accountId: 'berta' },
      { ...context, purpose: 'backup-codes' },
      { accountId: 'totp', purpose: 'anna' },
      // These contexts have the same letters, divided at another place.
      { accountId: 'annat', purpose: 'otp' },
      { accountId: 'anna","totp', purpose: '' },
    ])
      expect(codeOf(() => box.open(sealed, moved))).to.equal('seal-broken')
  })

  it('R35 tells contexts apart that UTF-8 would not', () => {
    const sealed = box.seal('secret', { accountId: '\ud800', purpose: 'totp' })
    expect(codeOf(() => box.open(sealed, { accountId: '\udfff', purpose: 'totp' }))).to.equal(
      'seal-broken',
    )
  })

  it('R35 does not open what was altered in any character', () => {
    const sealed = box.seal('secret', context)
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      expect(
        codeOf(() => box.open(altered, context)),
        altered,
      ).to.be.oneOf(['seal-broken', 'key-missing'])
    }
  })

  it('R35 does not open another spelling of the same bytes', () => {
    const sealed = box.seal('secrets', context) // 23 bytes with the tag, so the last character has unused bits
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spelling = sealed.slice(0, -1) + letters.charAt(letters.indexOf(sealed.slice(-1)) + 1)
    const bytesOf = (envelope: string) => Buffer.from(envelope.split('.')[3] ?? '', 'base64url')
    expect(bytesOf(spelling)).to.deep.equal(bytesOf(sealed))
    expect(codeOf(() => box.open(spelling, context))).to.equal('seal-broken')
  })

  it('refuses what is no envelope, without repeating it', () => {
    for (const sealed of [
      '',
      'v1',
      'v1.a.b.c',
      'v2.AAAAAAAA.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA',
      'plain',
    ]) {
      expect(codeOf(() => box.open(sealed, context))).to.equal('seal-broken')
      expect(codeOf(() => box.keyIdOf(sealed))).to.equal('seal-broken')
    }
    expect(() => box.open('plain', context))
      .to.throw(MfaError)
      .that.has.property('message')
      .that.does.not.include('plain')
  })

  it('R35 seals the same text differently each time', () => {
    const sealed = Array.from({ length: 50 }, () => box.seal('secret', context).split('.'))
    expect(new Set(sealed.map(([, , iv]) => iv))).to.have.property('size', 50)
    expect(new Set(sealed.map(([, , , ciphertext]) => ciphertext))).to.have.property('size', 50)
  })

  it('R35 seals with the newest key and opens with each of them', () => {
    const before = secretBox({ keys: [old] })
    const sealed = before.seal('secret', context)
    expect(box.open(sealed, context)).to.equal('secret')
    expect(box.keyIdOf(sealed)).to.equal(before.keyIdOf(before.seal('', context)))
    expect(box.keyIdOf(box.seal('', context))).not.to.equal(box.keyIdOf(sealed))
    expect(codeOf(() => before.open(box.seal('secret', context), context))).to.equal('key-missing')
  })

  it('R35 names the missing key, and nothing of the secret', () => {
    const sealed = secretBox({ keys: [other] }).seal('secret', context)
    const id = box.keyIdOf(sealed)
    expect(() => box.open(sealed, context))
      .to.throw(MfaError, id)
      .that.includes({ code: 'key-missing' })
  })

  it('has key ids that do not depend on the order and are no part of the key', () => {
    const key = keyOf(9)
    const sealed = secretBox({ keys: [key] }).seal('', context)
    const again = secretBox({ keys: [key, other] }).seal('', context)
    expect(box.keyIdOf(sealed)).to.equal(box.keyIdOf(again))
    expect(Buffer.from(key).toString('base64url')).not.to.include(box.keyIdOf(sealed))
  })

  it('refuses to be made without usable keys', () => {
    for (const keys of [
      [],
      [new Uint8Array(16)],
      [current, new Uint8Array(33)],
      [current, current],
      ['x'.repeat(32)],
    ])
      expect(codeOf(() => secretBox({ keys: keys as Uint8Array[] }))).to.equal('options-invalid')
  })
})

describe('the MACs of the secret box', () => {
  it('hold for their purpose and message alone', () => {
    const mac = box.mac('login', 'message')
    expect(mac).to.match(/^[\w-]{43}$/)
    expect(box.verifyMac('login', 'message', mac)).to.equal(true)
    expect(box.verifyMac('login', 'another', mac)).to.equal(false)
    expect(box.verifyMac('csrf', 'message', mac)).to.equal(false)
    expect(box.mac('log', 'inmessage')).not.to.equal(box.mac('login', 'message'))
  })

  it('hold on while a key is rotated, and no longer', () => {
    const before = secretBox({ keys: [old] }).mac('login', 'message')
    expect(box.verifyMac('login', 'message', before)).to.equal(true)
    expect(box.mac('login', 'message')).not.to.equal(before)
    expect(secretBox({ keys: [current] }).verifyMac('login', 'message', before)).to.equal(false)
  })

  it('are made under each key on request, the newest first', () => {
    expect(box.macs('login', 'message')).to.deep.equal([
      secretBox({ keys: [current] }).mac('login', 'message'),
      secretBox({ keys: [old] }).mac('login', 'message'),
    ])
  })

  it('do not hold when altered, cut, spelt otherwise or empty', () => {
    const mac = box.mac('login', 'message')
    for (const forged of [
      '',
      mac.slice(1),
      `${mac}=`,
      `${mac}A`,
      mac.toUpperCase(),
      '\u0000'.repeat(43),
    ])
      expect(box.verifyMac('login', 'message', forged)).to.equal(false)
    for (let at = 0; at < mac.length; at += 1) {
      const altered = mac.slice(0, at) + (mac[at] === 'A' ? 'B' : 'A') + mac.slice(at + 1)
      expect(box.verifyMac('login', 'message', altered)).to.equal(false)
    }
  })
})
