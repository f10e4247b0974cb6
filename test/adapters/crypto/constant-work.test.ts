import { hash as bcryptHash } from '@node-rs/bcrypt'
import * as reference from 'argon2'
import { expect } from 'chai'
import { constantWork } from '../../../src/adapters/crypto/constant-work.ts'
import { readForeignHash, type HashKind } from '../../../src/adapters/crypto/foreign-hash/index.ts'
import { passwordHasher } from '../../../src/adapters/crypto/index.ts'
import { verifyForeignHash } from '../../../src/adapters/crypto/foreign-hash/index.ts'
import type { PasswordHasher } from '../../../src/ports/services.ts'

const hasher = passwordHasher({ memoryKib: 64, iterations: 1 })
const stronger = { type: reference.argon2id, memoryCost: 256, timeCost: 3, parallelism: 1 } as const

describe('the check of imported passwords', () => {
  let bcrypt: string
  let heavy: string
  let ours: string
  let computed: string[]
  let held: HashKind[]
  let readAnew: number
  let passwords: PasswordHasher

  /** The kinds of the hashes that an attempt computes, in order. */
  const worked = async (phc: string, secret: string): Promise<string[]> => {
    computed = []
    await passwords.verify(phc, secret)
    return computed
  }

  before(async () => {
    bcrypt = await bcryptHash('right', 4)
    heavy = await reference.hash('right', stronger)
    ours = await hasher.hash('right')
  })

  beforeEach(() => {
    computed = []
    held = ['argon2id v=19,m=256,t=3,p=1', 'bcrypt 4', 'pbkdf2-sha512 10']
    readAnew = 0
    passwords = constantWork({
      hasher: {
        ...hasher,
        queued: (job) =>
          hasher.queued((evaluate) =>
            job((phc, secret) => {
              computed.push('ours')
              return evaluate(phc, secret)
            }),
          ),
      },
      kinds: async (anew) => {
        if (anew === 'anew') readAnew += 1
        return held
      },
      verifyForeign(phc, secret) {
        const reading = readForeignHash(phc)
        computed.push('kind' in reading ? reading.kind : 'none')
        return verifyForeignHash(phc, secret)
      },
    })
  })

  it('says of each hash whether the password is right', async () => {
    for (const phc of [bcrypt, heavy, ours]) {
      expect(await passwords.verify(phc, 'right')).to.equal(true)
      expect(await passwords.verify(phc, 'wrong')).to.equal(false)
    }
    for (const none of ['', 'x', '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'])
      expect(await passwords.verify(none, 'right')).to.equal(false)
  })

  it('R33 computes the same for whatever account, known or not, right or wrong', async () => {
    const all = ['ours', ...held]
    for (const phc of [bcrypt, heavy, ours, '', 'no hash'])
      for (const secret of ['right', 'wrong']) expect(await worked(phc, secret)).to.deep.equal(all)
  })

  it('lets everybody in whose hash is of another kind than one that fails', async () => {
    const failing = constantWork({
      hasher,
      kinds: async () => held,
      verifyForeign: (phc, secret) =>
        phc === bcrypt ? verifyForeignHash(phc, secret) : Promise.reject(new Error('no memory')),
    })
    expect(await failing.verify(ours, 'right')).to.equal(true)
    expect(await failing.verify('', 'right')).to.equal(false)
    expect(await failing.verify(bcrypt, 'right')).to.equal(true)
    expect(await failing.verify(heavy, 'right').catch(() => 'failed')).to.equal('failed')
  })

  it('R33 computes those that are made now once, also where they are held besides', async () => {
    held = [...held, hasher.kind]
    expect(await worked(ours, 'right')).to.deep.equal(['ours', ...held.slice(0, -1)])
  })

  it('R33 waits as a whole for one place in the queue', async () => {
    const narrow = passwordHasher({ memoryKib: 64, iterations: 1, maxConcurrent: 1, maxQueued: 0 })
    const checks = constantWork({ hasher: narrow, kinds: async () => held })
    const first = checks.verify(bcrypt, 'right')
    await new Promise(setImmediate)
    expect(await checks.verify('', 'x').catch((error: unknown) => error)).to.include({
      code: 'hashing-overloaded',
    })
    expect(await first).to.equal(true)
  })

  it('asks again for the kinds when one turns up that was not among them', async () => {
    const later = held
    held = []
    const before = passwords.verify(bcrypt, 'right')
    expect(await before).to.equal(false)
    expect(readAnew).to.equal(1)
    held = later
    expect(await passwords.verify(bcrypt, 'right')).to.equal(true)
    expect(readAnew).to.equal(1)
  })

  it('R33 never computes a kind that is not held', async () => {
    held = []
    expect(await worked(bcrypt, 'right')).to.deep.equal(['ours'])
  })

  it('wants every hash anew that is not of today\u2019s kind, stronger ones too', () => {
    for (const phc of [bcrypt, heavy, '']) expect(passwords.needsRehash(phc)).to.equal(true)
    expect(passwords.needsRehash(ours)).to.equal(false)
  })
})
