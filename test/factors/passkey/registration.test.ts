import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { PasskeyRefusal } from '../../../src/factors/passkey/checks.ts'
import { coseKey, SoftAuthenticator, type Lies } from '../../support/authenticator.ts'
import { cbor, type CborValue } from '../../support/cbor.ts'
import { creation, register, registered } from './person.ts'

const owned = (state: Awaited<ReturnType<typeof registered>>) => [
  { authenticatorId: 'first', state },
]
const rsaOf = (bits: number) =>
  coseKey(-257, generateKeyPairSync('rsa', { modulusLength: bits }).publicKey)
const other = (key: ReadonlyMap<number, CborValue>, changes: readonly [number, CborValue][]) =>
  new Map([...key, ...changes])

/** Authenticator data of a sign-in, in place of those of a registration. */
const WITHOUT_CREDENTIAL = cbor(
  new Map<string, CborValue>([
    ['fmt', 'none'],
    ['attStmt', new Map()],
    ['authData', Buffer.alloc(37)],
  ]),
)

describe('a registration', () => {
  for (const algorithm of [-7, -8, -257] as const)
    it(`keeps what the authenticator says of itself, with algorithm ${algorithm}`, async () => {
      const aaguid = 'ee882879-721c-4913-9775-3dfcce97072a'
      const key = new SoftAuthenticator({
        algorithm,
        counter: 7,
        aaguid,
        transports: ['usb', 'nfc'],
      })
      const state = await registered(key)
      expect(state).to.include({
        id: key.credentialId,
        counter: 7,
        backupEligible: false,
        backedUp: false,
        userVerified: true,
        aaguid,
      })
      expect(state.transports).to.deep.equal(['usb', 'nfc'])
      expect(Buffer.from(state.userHandle, 'base64url')).to.have.length(32)
    })

  const refusals: readonly (readonly [PasskeyRefusal, string, Lies])[] = [
    ['type', 'client data of a sign-in', { type: 'webauthn.get' }],
    ['challenge', 'another challenge', { challenge: randomBytes(32).toString('base64url') }],
    ['origin', 'another origin', { origin: 'https://evil.example' }],
    ['origin', 'a subdomain', { origin: 'https://sub.id.example.com' }],
    ['origin', 'the parent domain', { origin: 'https://example.com' }],
    ['origin', 'another port', { origin: 'https://id.example.com:8443' }],
    ['origin', 'http', { origin: 'http://id.example.com' }],
    ['origin', 'an origin with a path', { origin: 'https://id.example.com/' }],
    ['cross-origin', 'a frame of another site', { crossOrigin: true }],
    ['cross-origin', 'a value that is no boolean', { crossOrigin: 'false' }],
    ['top-origin', 'a top origin', { topOrigin: 'https://evil.example' }],
    ['top-origin', 'its own top origin', { topOrigin: 'https://id.example.com' }],
    ['malformed', 'client data that are no JSON', { clientData: '{' }],
    ['malformed', 'client data that are no object', { clientData: 'null' }],
    [
      'malformed',
      'an attestation that is no CBOR',
      { attestationObject: Buffer.from('ff', 'hex') },
    ],
    ['malformed', 'no attestation', { attestationObject: Buffer.from('a0', 'hex') }],
    [
      'malformed',
      'authenticator data without a credential',
      { attestationObject: WITHOUT_CREDENTIAL },
    ],
    ['rp-id', 'another domain', { rpId: 'evil.example' }],
    ['rp-id', 'the parent domain as its RP ID', { rpId: 'example.com' }],
    ['user-presence', 'nobody', { userPresent: false }],
    ['backup-flags', 'a copy of what cannot be copied', { backedUp: true }],
    ['id', 'the id of another credential', { id: randomBytes(32) }],
    ['id-length', 'an id of 1,024 bytes', { id: randomBytes(1024) }],
    ['id-length', 'an empty id', { id: Buffer.alloc(0) }],
    [
      'algorithm',
      'an algorithm that was not offered',
      {
        key: new Map([
          [1, 2],
          [3, -35],
        ]),
      },
    ],
    ['algorithm', 'a key without an algorithm', { key: new Map([[1, 2]]) }],
    ['attestation', 'a statement of the format `none`', { statement: new Map([['alg', -7]]) }],
    ['attestation', 'a format that nobody knows', { format: 'compound' }],
    ['attestation', 'a packed statement without a signature', { format: 'packed' }],
  ]
  for (const [refusal, what, lies] of refusals)
    it(`R28 refuses ${what}, as ${refusal}`, async () => {
      expect(await register(new SoftAuthenticator(), { lies })).to.deep.equal({ refusal })
    })

  it('refuses a device that does not verify its user where it has to', async () => {
    const key = new SoftAuthenticator({ userVerified: false })
    const options = { userVerification: 'required' } as const
    expect(await register(key, { options })).to.deep.equal({ refusal: 'user-verification' })
    for (const userVerification of ['preferred', 'discouraged'] as const)
      expect(await registered(key, { options: { userVerification } })).to.include({
        userVerified: false,
      })
  })

  it('refuses a key whose members, type, curve or length do not fit its algorithm', async () => {
    const p256 = new SoftAuthenticator()
    const ed25519 = new SoftAuthenticator({ algorithm: -8 })
    const rsa = rsaOf(2048)
    const keys: readonly ReadonlyMap<number, CborValue>[] = [
      other(ed25519.key, [[3, -257]]),
      other(ed25519.key, [[3, -7]]),
      other(p256.key, [[3, -8]]),
      other(p256.key, [[3, -257]]),
      other(rsa, [[3, -7]]),
      other(p256.key, [[-1, 2]]),
      other(ed25519.key, [[-1, 7]]),
      other(ed25519.key, [[1, 2]]),
      other(p256.key, [[1, 1]]),
      other(rsa, [[1, 2]]),
      other(p256.key, [[-2, randomBytes(31)]]),
      other(p256.key, [[-3, 'text']]),
      other(ed25519.key, [[-2, randomBytes(33)]]),
      other(rsa, [[-1, randomBytes(2048 / 8 - 1)]]),
      other(rsa, [[-1, Buffer.concat([Buffer.alloc(1024), randomBytes(128)])]]),
      other(rsa, [[-1, Buffer.alloc(1025, 1)]]),
      other(rsa, [[-1, 'text']]),
      other(rsa, [[-2, Buffer.from([1])]]),
      other(rsa, [[-2, Buffer.from([2])]]),
      other(rsa, [[-2, Buffer.alloc(5, 1)]]),
      rsaOf(1024),
      // WebAuthn forbids every member that a key can do without (6.5.1).
      other(p256.key, [[2, randomBytes(4)]]),
      other(ed25519.key, [[-3, randomBytes(32)]]),
      other(rsa, [[4, [1]]]),
    ]
    for (const key of keys)
      expect(await register(p256, { lies: { key } })).to.deep.equal({ refusal: 'key' })
    const longest = other(rsa, [[-1, Buffer.alloc(8192 / 8, 0xff)]])
    expect(await register(p256, { lies: { key: longest } })).to.have.property('state')
  })

  it('refuses an algorithm that the options leave out', async () => {
    const key = new SoftAuthenticator({ algorithm: -257 })
    const options = { algorithms: [-8, -7] } as const
    expect(await register(key, { options })).to.deep.equal({ refusal: 'algorithm' })
  })

  it('R40 R46 refuses a credential, and a key, that the account has', async () => {
    const key = new SoftAuthenticator()
    const state = await registered(key)
    const again = { existing: owned(state) }
    expect(await register(key, again)).to.deep.equal({ refusal: 'registered' })
    const id = randomBytes(16)
    const lies = { id, responseId: id.toString('base64url') }
    expect(await register(key, { ...again, lies })).to.deep.equal({ refusal: 'registered' })
    const another = new SoftAuthenticator()
    const stolen = { id: key.id, responseId: key.credentialId }
    const refused = await register(another, { ...again, lies: stolen })
    expect(refused).to.deep.equal({ refusal: 'registered' })
    expect(await registered(another, again)).to.include({ userHandle: state.userHandle })
  })

  it('verifies a statement that nobody asked for, and its algorithm', async () => {
    const key = new SoftAuthenticator()
    const self = (algorithm?: number, lies?: Lies) => ({
      answer: (options: string) => key.selfAttested(options, algorithm, lies),
    })
    expect(await registered(key, self())).to.include({ id: key.credentialId })
    expect(await register(key, self(-8))).to.deep.equal({ refusal: 'attestation' })
    expect(await register(key, self(-35))).to.deep.equal({ refusal: 'attestation' })
    // The signature holds: RS256 has the hash of ES256, and the library does not compare the algorithms.
    expect(await register(key, self(-257))).to.deep.equal({ refusal: 'attestation' })
    const foreign = new SoftAuthenticator()
    expect(await register(key, self(-7, { key: foreign.key }))).to.deep.equal({
      refusal: 'attestation',
    })
  })

  it('R28 needs its own challenge, within five minutes', async () => {
    const key = new SoftAuthenticator()
    expect(await register(key, { challenge: undefined })).to.deep.equal({ refusal: 'no-challenge' })
    expect(await register(key, { later: 300 })).to.deep.equal({ refusal: 'expired' })
    expect(await register(key, { later: 299 })).to.have.property('state')
    const { challenge } = creation()
    expect(await register(key, { challenge })).to.deep.equal({ refusal: 'challenge' })
    const ofSignIn = { ...challenge, ceremony: 'get' as const }
    expect(await register(key, { challenge: ofSignIn })).to.deep.equal({ refusal: 'ceremony' })
  })

  it('is no response of a sign-in', async () => {
    const key = new SoftAuthenticator()
    const answer = (options: string) => key.get(options)
    expect(await register(key, { answer })).to.deep.equal({ refusal: 'ceremony' })
  })

  it('takes the origins of the options beside the issuer\u2019s', async () => {
    const key = new SoftAuthenticator({ origin: 'https://login.example.org' })
    expect(await register(key)).to.deep.equal({ refusal: 'origin' })
    const options = { origins: ['https://login.example.org'] }
    expect(await register(key, { options })).to.have.property('state')
    expect(await register(new SoftAuthenticator(), { options })).to.have.property('state')
  })

  it('is bound to the parent domain where the options say so', async () => {
    const key = new SoftAuthenticator()
    const { text } = creation({ rpId: 'example.com' })
    expect((JSON.parse(text) as { rp: object }).rp).to.deep.equal({
      id: 'example.com',
      name: 'Acme',
    })
    expect(await register(key, { options: { rpId: 'example.com' } })).to.have.property('state')
  })
})
