import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { Settings } from '../../src/ports/settings.ts'
import {
  checkEncryptionKeys,
  encryptionKeysInUse,
  retireEncryptionKeys,
} from '../../src/server/keys/encryption-keys.ts'
import { KeyFault, parseSigningKeys, type SigningKeys } from '../../src/server/keys/jwks.ts'
import {
  addSigningKey,
  loadSigningKeys,
  resealSigningKeys,
  rotateSigningKeys,
  signingKeyStates,
} from '../../src/server/keys/signing-keys.ts'

const OLD = new Uint8Array(randomBytes(32))
const NEW = new Uint8Array(randomBytes(32))
const NOW = 1_800_000_000
const DAY = 86_400
const TIMES = { now: NOW, keptSeconds: 2 * DAY }

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the signing keys', () => {
  let settings: Settings
  let made: SigningKeys
  const box = secretBox({ keys: [OLD] })
  beforeEach(async () => {
    ;({ settings } = memoryStorage())
    made = await loadSigningKeys({ settings, box }, NOW)
  })

  it('are made once, of each kind one, and kept', async () => {
    expect(made.keys.map(({ kty }) => kty)).to.deep.equal(['RSA', 'EC', 'OKP'])
    expect(new Set(made.keys.map(({ kid }) => kid))).to.have.property('size', 3)
    expect(await loadSigningKeys({ settings, box }, NOW)).to.deep.equal(made)
  })

  it('are the same on two nodes that start at once', async () => {
    const fresh = memoryStorage().settings
    const [one, other] = await Promise.all([
      loadSigningKeys({ settings: fresh, box }, NOW),
      loadSigningKeys({ settings: fresh, box }, NOW),
    ])
    expect(one).to.deep.equal(other)
  })

  it('R35 are sealed at rest, with the newest key from the next start on', async () => {
    const before = JSON.stringify(await settings.get('signing-keys'))
    for (const key of made.keys) expect(before).not.to.contain(key.d)
    const both = secretBox({ keys: [NEW, OLD] })
    expect(await loadSigningKeys({ settings, box: both }, NOW)).to.deep.equal(made)
    expect(await loadSigningKeys({ settings, box: secretBox({ keys: [NEW] }) }, NOW)).to.deep.equal(
      made,
    )
  })

  it('get a new one in front, and keep the old ones for what they have signed', async () => {
    const [first, second] = await Promise.all([
      addSigningKey({ settings, box }, 'ES256', TIMES),
      addSigningKey({ settings, box }, 'RS256', TIMES),
    ])
    const { keys } = await loadSigningKeys({ settings, box }, NOW)
    expect(keys).to.have.length(5)
    expect(keys.slice(0, 2)).to.have.deep.members([first, second])
    expect(keys.slice(2)).to.have.deep.members([...made.keys])
  })

  it('are published before they sign, and after, until their tokens are over', async () => {
    const services = { settings, box }
    const times = { ...TIMES, overlapSeconds: DAY }
    const rotated = await rotateSigningKeys(services, ['RS256'], times)
    expect(rotated).to.deep.equal([
      { algorithm: 'RS256', kid: rotated[0]!.kid, result: 'made', signsFrom: NOW + DAY },
    ])
    const added = rotated[0]!.kid
    const former = made.keys[0]!.kid!
    const rsaAt = async (now: number): Promise<(string | undefined)[]> =>
      (await loadSigningKeys(services, now)).keys
        .filter(({ kty }) => kty === 'RSA')
        .map(({ kid }) => kid)
    expect(await rsaAt(NOW)).to.deep.equal([former, added])
    expect(await rsaAt(NOW + DAY - 1)).to.deep.equal([former, added])
    expect(await rsaAt(NOW + DAY)).to.deep.equal([added, former])
    expect(await rsaAt(NOW + 3 * DAY - 1)).to.deep.equal([added, former])
    expect((await signingKeyStates(services, NOW + DAY)).map(({ state }) => state)).to.deep.equal([
      'signs',
      'published',
      'signs',
      'signs',
    ])
    expect(await rsaAt(NOW + 3 * DAY)).to.deep.equal([added])
    expect(await rsaAt(NOW), 'it is gone from the storage').to.deep.equal([added])
  })

  it('are rotated once: where a next key waits, none is made', async () => {
    const services = { settings, box }
    const times = { ...TIMES, overlapSeconds: DAY }
    const algorithms = ['RS256', 'ES256'] as const
    await rotateSigningKeys(services, ['ES256'], times)
    const again = await rotateSigningKeys(services, algorithms, { ...times, now: NOW + 60 })
    expect(again.map(({ result, signsFrom }) => [result, signsFrom])).to.deep.equal([
      ['made', NOW + 60 + DAY],
      ['waiting', NOW + DAY],
    ])
    expect((await loadSigningKeys(services, NOW)).keys).to.have.length(5)
  })

  it('R35 are sealed anew with the newest key, once, and where there are none nothing is made', async () => {
    const both = { settings, box: secretBox({ keys: [NEW, OLD] }) }
    expect(await resealSigningKeys(both)).to.equal(true)
    expect(await resealSigningKeys(both)).to.equal(false)
    expect(await loadSigningKeys({ settings, box: secretBox({ keys: [NEW] }) }, NOW)).to.deep.equal(
      made,
    )
    const empty = memoryStorage().settings
    expect(await resealSigningKeys({ settings: empty, box })).to.equal(false)
    expect(await empty.get('signing-keys')).to.equal(undefined)
  })

  it('may come from a file, which has to hold private keys and RS256', () => {
    expect(parseSigningKeys(made)).to.deep.equal(made)
    const [rsa, ec] = made.keys
    const { d: _, ...half } = ec ?? {}
    for (const [value, problem] of [
      [{ keys: [] }, /Key Set/],
      ['secret-text', /Key Set/],
      [{ keys: [rsa, half] }, /key 2 is not a private key/],
      [{ keys: [ec] }, /RS256/],
      [{ keys: [{ ...rsa, alg: 'PS256' }] }, /RS256/],
    ] as const) {
      expect(() => parseSigningKeys(value)).to.throw(KeyFault, problem)
    }
  })
})

describe('the encryption keys', () => {
  let settings: Settings
  beforeEach(async () => {
    ;({ settings } = memoryStorage())
    await checkEncryptionKeys(settings, [OLD])
  })

  it('R35 are missed at the start, by name, and not when somebody signs in', async () => {
    const error = await thrownBy(checkEncryptionKeys(settings, [NEW]))
    expect(error).to.be.instanceOf(KeyFault)
    expect(error).to.have.property('setting', 'ENCRYPTION_KEYS')
  })

  it('may be joined by a newer one, which is missed from then on as well', async () => {
    await checkEncryptionKeys(settings, [NEW, OLD])
    await checkEncryptionKeys(settings, [OLD, NEW])
    expect(await thrownBy(checkEncryptionKeys(settings, [OLD]))).to.be.instanceOf(KeyFault)
  })

  it('R35 can be retired: a start without it succeeds, one without a key in use does not', async () => {
    await checkEncryptionKeys(settings, [NEW, OLD])
    const [oldId, newId] = [OLD, NEW].map((key) => secretBox({ keys: [key] }).keyIds[0])
    expect(await encryptionKeysInUse(settings)).to.have.members([oldId, newId])
    await retireEncryptionKeys(settings, [oldId!])
    expect(await encryptionKeysInUse(settings)).to.deep.equal([newId])
    // A node that still has the old key in second place does not bring it back into use.
    await checkEncryptionKeys(settings, [NEW, OLD])
    await checkEncryptionKeys(settings, [NEW])
    const error = await thrownBy(checkEncryptionKeys(settings, [OLD]))
    expect(error).to.be.instanceOf(KeyFault).and.to.have.property('message').that.contains(newId)
  })

  it('R35 are in use again where a node seals with one that was retired', async () => {
    await checkEncryptionKeys(settings, [NEW, OLD])
    const oldId = secretBox({ keys: [OLD] }).keyIds[0]
    await retireEncryptionKeys(settings, [oldId])
    await checkEncryptionKeys(settings, [OLD, NEW])
    expect(await thrownBy(checkEncryptionKeys(settings, [NEW]))).to.be.instanceOf(KeyFault)
  })

  it('R18 are retired without losing one that is noted at the same moment', async () => {
    await checkEncryptionKeys(settings, [NEW, OLD])
    const third = new Uint8Array(randomBytes(32))
    const oldId = secretBox({ keys: [OLD] }).keyIds[0]
    const interleaved: Settings = {
      ...settings,
      async replace(...given) {
        if ((await encryptionKeysInUse(settings)).length === 2)
          await checkEncryptionKeys(settings, [third, NEW, OLD])
        return settings.replace(...given)
      },
    }
    await retireEncryptionKeys(interleaved, [oldId])
    expect(await encryptionKeysInUse(settings)).to.have.members(
      [NEW, third].map((key) => secretBox({ keys: [key] }).keyIds[0]),
    )
  })

  it('R35 leave nothing readable behind', async () => {
    const kept = JSON.stringify(await settings.get('encryption-keys'))
    expect(kept).not.to.contain(Buffer.from(OLD).toString('base64'))
    expect(kept).not.to.contain(Buffer.from(OLD).toString('base64url'))
  })
})
