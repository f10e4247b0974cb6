import * as reference from 'argon2'
import { expect } from 'chai'
import { passwordHasher, type PasswordHasherOptions } from '../../../src/adapters/crypto/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'

const CHEAP: PasswordHasherOptions = { memoryKib: 64, iterations: 1 }
const cheap = passwordHasher(CHEAP)
const SECRETS = [
  '',
  'correct horse battery staple',
  'p\u00e4ss\u{1f511}w\u00f6rd',
  'x'.repeat(1000),
]
const NO_HASHES = [
  '',
  'spent',
  '$2b$10$abcdefghijklmnopqrstuu',
  '$argon2id$v=19$m=64,t=1,p=1$',
  'x'.repeat(97),
]

describe('password hashing', () => {
  it('R8 makes argon2id hashes that another implementation verifies', async () => {
    for (const secret of SECRETS) {
      const hash = await cheap.hash(secret)
      expect(hash).to.match(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
      expect(await reference.verify(hash, secret)).to.equal(true)
      expect(await reference.verify(hash, `${secret}x`)).to.equal(false)
    }
  })

  it('verifies hashes that another implementation made, whatever their parameters', async () => {
    for (const secret of SECRETS) {
      const options = {
        type: reference.argon2id,
        memoryCost: 128,
        timeCost: 3,
        parallelism: 2,
      } as const
      const hash = await reference.hash(secret, options)
      expect(await cheap.verify(hash, secret)).to.equal(true)
      expect(await cheap.verify(hash, `${secret}x`)).to.equal(false)
    }
  })

  it('R8 gives each hash a salt of its own, of 128 bits', async () => {
    const hashes = await Promise.all(Array.from({ length: 5 }, () => cheap.hash('same')))
    const salts = hashes.map((hash) => hash.split('$')[4] ?? '')
    expect(new Set(salts)).to.have.property('size', 5)
    expect(Buffer.from(salts[0] ?? '', 'base64')).to.have.length(16)
  })

  it('has at least OWASP\u2019s parameters by default', async () => {
    expect(await passwordHasher().hash('x')).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })

  it('answers false for what is no hash', async () => {
    for (const none of NO_HASHES) expect(await cheap.verify(none, 'x')).to.equal(false)
  })

  it('R33 computes a hash also for a text that is no hash, outside the event loop', async () => {
    const hasher = passwordHasher()
    for (const none of NO_HASHES) expect(await turnsDuring(hasher.verify(none, 'x'))).to.be.above(0)
  })

  it('R33 makes what is no hash wait for its place like any other', async () => {
    const narrow = passwordHasher({ ...CHEAP, maxConcurrent: 1, maxQueued: 0 })
    const first = narrow.verify('spent', 'x')
    expect(await failureOf(narrow.verify('spent', 'x'))).to.include({ code: 'hashing-overloaded' })
    expect(await first).to.equal(false)
  })

  it('leaves the event loop free while it computes', async () => {
    expect(await turnsDuring(passwordHasher().hash('x'))).to.be.above(0)
  })

  it('refuses a flood with 503 and serves those who were first', async () => {
    const narrow = passwordHasher({ ...CHEAP, maxConcurrent: 2, maxQueued: 3 })
    const flood = Array.from({ length: 50 }, () => narrow.hash('x'))
    const settled = await Promise.allSettled(flood)
    const refused = settled.filter((answer) => answer.status === 'rejected')
    expect(settled.slice(0, 5).every(({ status }) => status === 'fulfilled')).to.equal(true)
    expect(refused).to.have.length(45)
    for (const { reason } of refused)
      expect(reason)
        .to.be.instanceOf(MfaError)
        .that.includes({ code: 'hashing-overloaded', status: 503 })
    expect(await narrow.hash('x')).to.match(/^\$argon2id\$/)
  })

  it('asks for a new hash when the parameters have grown, and only then', async () => {
    const hash = await passwordHasher({ memoryKib: 128, iterations: 2, parallelism: 2 }).hash('x')
    const grown = (options: PasswordHasherOptions) =>
      passwordHasher({ memoryKib: 128, iterations: 2, parallelism: 2, ...options }).needsRehash(
        hash,
      )
    expect(grown({})).to.equal(false)
    expect(grown({ memoryKib: 129 })).to.equal(true)
    expect(grown({ iterations: 3 })).to.equal(true)
    expect(grown({ parallelism: 3 })).to.equal(true)
    expect(grown({ memoryKib: 64, iterations: 1, parallelism: 1 })).to.equal(false)
  })

  it('asks for a new hash in place of another kind', async () => {
    const options = { memoryCost: 1024, timeCost: 4, parallelism: 4 }
    const other = await reference.hash('x', { ...options, type: reference.argon2i })
    for (const hash of [...NO_HASHES, other]) expect(cheap.needsRehash(hash)).to.equal(true)
  })

  it('refuses options it cannot work with, all at once', () => {
    const options = {
      memoryKib: 7,
      iterations: 0,
      parallelism: 1.5,
      maxConcurrent: 0,
      maxQueued: -1,
    }
    expect(() => passwordHasher(options))
      .to.throw(MfaError, /memoryKib.*iterations.*parallelism.*maxConcurrent.*maxQueued/)
      .that.includes({ code: 'options-invalid' })
    expect(() => passwordHasher({ memoryKib: 31, parallelism: 4 })).to.throw(
      MfaError,
      'at least 32',
    )
  })
})

/** The number of turns of the event loop before the promise settled. */
async function turnsDuring(promise: Promise<unknown>): Promise<number> {
  let turns = 0
  let settled = false
  const count = () => {
    turns += 1
    if (!settled) setImmediate(count)
  }
  setImmediate(count)
  await promise
  settled = true
  return turns
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
