import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { Settings } from '../../src/ports/settings.ts'
import {
  addSigningKey,
  checkEncryptionKeys,
  KeyFault,
  loadSigningKeys,
  parseSigningKeys,
  type SigningKeys,
} from '../../src/server/keys.ts'

const OLD = new Uint8Array(randomBytes(32))
const NEW = new Uint8Array(randomBytes(32))

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
    made = await loadSigningKeys({ settings, box })
  })

  it('are made once, of each kind one, and kept', async () => {
    expect(made.keys.map(({ kty }) => kty)).to.deep.equal(['RSA', 'EC', 'OKP'])
    expect(new Set(made.keys.map(({ kid }) => kid))).to.have.property('size', 3)
    expect(await loadSigningKeys({ settings, box })).to.deep.equal(made)
  })

  it('are the same on two nodes that start at once', async () => {
    const fresh = memoryStorage().settings
    const [one, other] = await Promise.all([
      loadSigningKeys({ settings: fresh, box }),
      loadSigningKeys({ settings: fresh, box }),
    ])
    expect(one).to.deep.equal(other)
  })

  it('R35 are sealed at rest, with the newest key from the next start on', async () => {
    const before = JSON.stringify(await settings.get('signing-keys'))
    for (const key of made.keys) expect(before).not.to.contain(key.d)
    const both = secretBox({ keys: [NEW, OLD] })
    expect(await loadSigningKeys({ settings, box: both })).to.deep.equal(made)
    expect(await loadSigningKeys({ settings, box: secretBox({ keys: [NEW] }) })).to.deep.equal(made)
  })

  it('get a new one in front, and keep the old ones for what they have signed', async () => {
    const [first, second] = await Promise.all([
      addSigningKey({ settings, box }, 'ES256'),
      addSigningKey({ settings, box }, 'RS256'),
    ])
    const { keys } = await loadSigningKeys({ settings, box })
    expect(keys).to.have.length(5)
    expect(keys.slice(0, 2)).to.have.deep.members([first, second])
    expect(keys.slice(2)).to.deep.equal(made.keys)
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

  it('R35 leave nothing readable behind', async () => {
    const kept = JSON.stringify(await settings.get('encryption-keys'))
    expect(kept).not.to.contain(Buffer.from(OLD).toString('base64'))
    expect(kept).not.to.contain(Buffer.from(OLD).toString('base64url'))
  })
})
