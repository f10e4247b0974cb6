import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import type { PasskeyRefusal } from '../../../src/factors/passkey/checks.ts'
import { makerOf } from '../../../src/factors/passkey/makers.ts'
import { parseResponse } from '../../../src/factors/passkey/response.ts'
import { verifyAssertion } from '../../../src/factors/passkey/assertion.ts'
import { verifyRegistration } from '../../../src/factors/passkey/registration.ts'
import type { PasskeyState } from '../../../src/factors/passkey/state.ts'
import { makeCertificate } from '../../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { cbor, type CborValue } from '../../support/cbor.ts'
import { assertWith, creation, NOW, register, registered, request } from './person.ts'

interface Answer {
  readonly id: string
  readonly response: Record<string, string>
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const FLAGS_AT = 32
const EXTENSIONS = 0x80
const CREDENTIAL = 0x40
/** CBOR of an extension that nobody asked for: { credProtect: 2 }. */
const UNASKED = cbor(new Map([['credProtect', 2]]))

/** Authenticator data with one flag more, and with other bytes at their end. */
function withFlag(data: Uint8Array, flag: number, ...more: readonly Buffer[]): Buffer {
  const changed = Buffer.concat([data, ...more])
  changed[FLAGS_AT]! |= flag
  return changed
}

/** Registers with an attestation object that was changed. */
function sending(change: (object: Buffer, authData: Buffer) => Buffer) {
  const answer = (options: string, key: SoftAuthenticator): string => {
    const made = JSON.parse(key.create(options)) as Answer
    const object = Buffer.from(made.response.attestationObject!, 'base64url')
    const authData = decodeAttestationObject(new Uint8Array(object)).get('authData')
    made.response.attestationObject = text(change(object, Buffer.from(authData)))
    return JSON.stringify(made)
  }
  return register(new SoftAuthenticator(), { answer })
}

const objectOf = (
  authData: CborValue,
  statement: CborValue = new Map(),
  format: CborValue = 'none',
): Buffer =>
  cbor(
    new Map([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', authData],
    ]),
  )
/** An attestation object whose statement is these bytes. */
const withStatement = (statement: Buffer, authData: Buffer): Buffer =>
  Buffer.concat([
    hex('a3'),
    cbor('fmt'),
    cbor('none'),
    cbor('attStmt'),
    statement,
    cbor('authData'),
    cbor(authData),
  ])

describe('R28 R34 a hostile attestation object', () => {
  const cases: Readonly<
    Record<string, readonly [PasskeyRefusal, (object: Buffer, authData: Buffer) => Buffer]>
  > = {
    'with bytes behind it': ['malformed', (object) => Buffer.concat([object, hex('00')])],
    'that is cut off': ['malformed', (object) => object.subarray(0, -1)],
    'that has only its first byte': ['malformed', (object) => object.subarray(0, 1)],
    'whose authenticator data promise one byte more': [
      'malformed',
      (object, data) => Buffer.concat([object.subarray(0, -data.length - 1), hex('ff'), data]),
    ],
    'with bytes behind the authenticator data': [
      'malformed',
      (_, data) => objectOf(Buffer.concat([data, hex('00')])),
    ],
    'whose key is cut off': ['malformed', (_, data) => objectOf(data.subarray(0, -1))],
    'whose authenticator data end in the model': [
      'malformed',
      (_, data) => objectOf(data.subarray(0, 40)),
    ],
    'whose authenticator data end in the length of the id': [
      'malformed',
      (_, data) => objectOf(data.subarray(0, 54)),
    ],
    'that says of extensions and has none': [
      'malformed',
      (_, data) => objectOf(withFlag(data, EXTENSIONS)),
    ],
    'whose extensions are no map': [
      'malformed',
      (_, data) => objectOf(withFlag(data, EXTENSIONS, cbor('text'))),
    ],
    'whose extensions are cut off': [
      'malformed',
      (_, data) => objectOf(withFlag(data, EXTENSIONS, UNASKED.subarray(0, -1))),
    ],
    'with extensions of which no flag says anything': [
      'malformed',
      (_, data) => objectOf(withFlag(data, 0, UNASKED)),
    ],
    'with the same key twice': [
      'malformed',
      (object) => Buffer.concat([hex('a4'), object.subarray(1), cbor('fmt'), cbor('none')]),
    ],
    'with a key that is no text': [
      'malformed',
      (object) => Buffer.concat([hex('a4'), object.subarray(1), hex('80'), cbor('none')]),
    ],
    'with a member of an attested key twice': [
      'malformed',
      (_, data) => {
        const at = data.indexOf(hex('a5010203'))
        const key = data.subarray(at + 1)
        return objectOf(Buffer.concat([data.subarray(0, at), hex('a6'), key, hex('0326')]))
      },
    ],
    'that is nested deeply': [
      'malformed',
      (_, data) => withStatement(Buffer.concat([Buffer.alloc(8, 0x81), hex('01')]), data),
    ],
    'with a tag': [
      'malformed',
      (_, data) => withStatement(Buffer.concat([hex('c1'), hex('a0')]), data),
    ],
    'of a length that it does not say': [
      'malformed',
      (_, data) => withStatement(hex('bfff'), data),
    ],
    'with a number that is cut off': ['malformed', () => hex('a1611b00')],
    'whose format is no text': ['attestation', (_, data) => objectOf(data, new Map(), 7)],
    'whose statement is no map': ['malformed', (_, data) => objectOf(data, [])],
    'whose authenticator data are text': ['malformed', () => objectOf('a'.repeat(200))],
    'whose authenticator data are a list': [
      'malformed',
      () => objectOf(Array.from({ length: 200 }, () => 0)),
    ],
    'with ten kilobytes in its statement': [
      'attestation',
      (_, data) => objectOf(data, new Map([['x', Buffer.alloc(10_000)]])),
    ],
    'with numbers of each length in its statement': [
      'attestation',
      (_, data) =>
        withStatement(hex('a56161186461621903e861631a000f424061641b00000001000000006165f5'), data),
    ],
  }
  for (const [what, [refusal, change]] of Object.entries(cases))
    it(`${what} is refused as ${refusal}`, async () => {
      expect(await sending(change)).to.deep.equal({ refusal })
    })

  const leaf = makeCertificate({ name: 'Acme Key' })
  const chains: Readonly<Record<string, readonly [PasskeyRefusal, CborValue]>> = {
    'that is a text': ['malformed', 'text'],
    'without a certificate': ['malformed', []],
    'of numbers': ['malformed', [7]],
    'of texts': ['malformed', ['text']],
    'of a hundred certificates': ['malformed', Array.from({ length: 100 }, () => Buffer.alloc(9))],
    'of bytes that are no certificate': ['attestation', [Buffer.alloc(9, 1)]],
    'with an empty certificate': ['attestation', [Buffer.alloc(0)]],
    'of a certificate that has not signed': ['attestation', [leaf.der]],
  }
  for (const [what, [refusal, x5c]] of Object.entries(chains))
    it(`with a chain ${what} is refused as ${refusal}`, async () => {
      const statement = new Map<string, CborValue>([
        ['alg', -7],
        ['sig', Buffer.alloc(70, 1)],
        ['x5c', x5c],
      ])
      for (const format of ['packed', 'none', 'fido-u2f', 'apple', 'android-key', 'tpm'])
        expect(
          await register(new SoftAuthenticator(), { lies: { format, statement } }),
          format,
        ).to.deep.equal({ refusal })
    })

  it('has no name of a maker that an object of JavaScript has by itself', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(makerOf(name), name).to.equal(undefined)
  })
})

describe('R28 R34 hostile authenticator data of a sign-in', () => {
  const flags = 0x05
  const honest = (): Buffer => {
    const hash = createHash('sha256').update('id.example.com').digest()
    return Buffer.concat([hash, Buffer.from([flags]), hex('00000001')])
  }
  const cases: Readonly<Record<string, Buffer>> = {
    'with a byte behind them': Buffer.concat([honest(), hex('00')]),
    'that say of extensions and have none': withFlag(honest(), EXTENSIONS),
    'whose extensions are no map': withFlag(honest(), EXTENSIONS, hex('01')),
    'with a byte behind the extensions': withFlag(honest(), EXTENSIONS, UNASKED, hex('00')),
    'that say of a credential and have none': withFlag(honest(), CREDENTIAL),
    'with half a credential': withFlag(honest(), CREDENTIAL, randomBytes(20)),
  }
  for (const [what, authenticatorData] of Object.entries(cases))
    it(`${what} are refused as malformed`, async () => {
      const key = new SoftAuthenticator()
      const states = [await registered(key)]
      const refused = await assertWith(key, { states, lies: { authenticatorData } })
      expect(refused).to.deep.equal({ refusal: 'malformed' })
      const good = await assertWith(key, { states, lies: { authenticatorData: honest() } })
      expect(good).to.have.property('proof')
    })
})

describe('extensions that nobody asked for, and a byte order mark', () => {
  it('are ignored at a registration', async () => {
    const extended = await sending((_, data) => objectOf(withFlag(data, EXTENSIONS, UNASKED)))
    expect(extended).to.have.property('state')
    const answer = (options: string, key: SoftAuthenticator): string => {
      const { challenge } = JSON.parse(options) as { challenge: string }
      const said = { type: 'webauthn.create', challenge, origin: 'https://id.example.com' }
      return key.create(options, { clientData: `\ufeff${JSON.stringify(said)}` })
    }
    expect(await register(new SoftAuthenticator(), { answer })).to.have.property('state')
  })

  it('are ignored at a sign-in', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const answer = (options: string): string => {
      const made = JSON.parse(key.get(options)) as Answer
      const plain = Buffer.from(made.response.authenticatorData!, 'base64url')
      const { challenge } = JSON.parse(options) as { challenge: string }
      const said = { type: 'webauthn.get', challenge, origin: 'https://id.example.com' }
      return key.get(options, {
        authenticatorData: withFlag(plain, EXTENSIONS, UNASKED),
        clientData: `\ufeff${JSON.stringify(said)}`,
      })
    }
    expect(await assertWith(key, { states, answer })).to.have.property('proof')
  })
})

describe('R28 R34 random answers to the pages of passkeys', () => {
  const runs = { numRuns: 60 }
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 }).map(text)
  let key: SoftAuthenticator
  let state: PasskeyState
  before(async () => {
    key = new SoftAuthenticator()
    state = await registered(key)
  })
  const verify = async (credential: string): Promise<object> => {
    const response = parseResponse({ credential })
    if (response === undefined) return { refusal: 'no response' }
    const { settings, pending, challenge } = creation()
    const created = { settings, pending, challenge, response, existing: [], now: NOW }
    const registration = await verifyRegistration(created)
    const asked = request({ states: [state] })
    const signIn = { settings, states: asked.owned, challenge: asked.challenge, response, now: NOW }
    const assertion = await verifyAssertion(signIn)
    return 'refusal' in registration && 'refusal' in assertion ? { refusal: 'both' } : { ok: true }
  }

  it('are refused, and nothing is thrown', async () => {
    const id = fc.constantFrom(key.credentialId, 'AAAA')
    const clientDataJSON = fc.oneof(
      bytes,
      fc.json().map((json) => text(Buffer.from(json))),
    )
    const created = fc.record({ clientDataJSON, attestationObject: bytes })
    const got = fc.record({ clientDataJSON, authenticatorData: bytes, signature: bytes })
    const credential = fc
      .tuple(id, fc.oneof(created, got))
      .map(([id_, response]) => ({ id: id_, rawId: id_, type: 'public-key', response }))
      .map((answer) => JSON.stringify(answer))
    await fc.assert(
      fc.asyncProperty(fc.oneof(credential, fc.json(), fc.string()), async (given) => {
        expect(await verify(given)).to.have.property('refusal')
      }),
      runs,
    )
  })

  it('that fit the challenge are refused for what they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (random) => {
        const object = Buffer.from(random)
        const lies = { attestationObject: object }
        expect(await register(key, { lies })).to.deep.equal({ refusal: 'malformed' })
        const answered = await assertWith(key, {
          states: [state],
          lies: { authenticatorData: object },
        })
        expect(answered).to.have.property('refusal')
      }),
      runs,
    )
  })

  /** Changes one byte. */
  const changed = (value: string, at: number, by: number): string => {
    const copy = Buffer.from(value, 'base64url')
    copy[at % copy.length]! ^= by
    return text(copy)
  }
  const spot = [fc.nat(10_000), fc.integer({ min: 1, max: 255 })] as const

  it('are refused where one signed byte of a sign-in was changed', async () => {
    const part = fc.constantFrom('authenticatorData', 'clientDataJSON')
    await fc.assert(
      fc.asyncProperty(part, ...spot, async (name, at, by) => {
        const answer = (options: string): string => {
          const made = JSON.parse(key.get(options)) as Answer
          made.response[name] = changed(made.response[name]!, at, by)
          return JSON.stringify(made)
        }
        expect(await assertWith(key, { states: [state], answer })).to.have.property('refusal')
      }),
      runs,
    )
  })

  it('are refused where one byte of what an authenticator has attested was changed', async () => {
    await fc.assert(
      fc.asyncProperty(...spot, async (at, by) => {
        const device = new SoftAuthenticator()
        const answer = (options: string): string => {
          const made = JSON.parse(device.selfAttested(options)) as Answer
          const object = Buffer.from(made.response.attestationObject!, 'base64url')
          const whole = decodeAttestationObject(new Uint8Array(object)).get('authData')
          const start = object.length - whole.length
          const data = changed(text(object.subarray(start)), at, by)
          const rest = object.subarray(0, start)
          const bytesOf = Buffer.from(data, 'base64url')
          made.response.attestationObject = text(Buffer.concat([rest, bytesOf]))
          return JSON.stringify(made)
        }
        expect(await register(device, { answer })).to.have.property('refusal')
      }),
      runs,
    )
  })
})
