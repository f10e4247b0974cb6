import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { unmatchedForeignHash } from '../../../src/adapters/crypto/foreign-hash/index.ts'
import { systemRandom } from '../../../src/adapters/crypto/index.ts'
import { addPerson } from '../../../src/server/accounts/people.ts'
import {
  hashKinds,
  hashKindsInUse,
  MOST_KINDS,
  type HashKinds,
} from '../../../src/server/accounts/hash-kinds.ts'

const DAY = 24 * 60 * 60

describe('the kinds of imported password hashes', () => {
  const clock = { at: 1_800_000_000, now: () => clock.at }
  let storage: ReturnType<typeof memoryStorage>
  let reads: number
  let kinds: HashKinds
  const onAnotherNode = (): HashKinds => hashKinds({ settings: storage.settings, clock })

  beforeEach(() => {
    storage = memoryStorage({ clock })
    reads = 0
    kinds = hashKinds({
      settings: {
        ...storage.settings,
        get(name) {
          reads += 1
          return storage.settings.get(name)
        },
      },
      clock,
    })
  })

  it('are one list in one order, however they came', async () => {
    await onAnotherNode().note('scrypt ln=14,r=8,p=1')
    await onAnotherNode().note('bcrypt 12')
    await onAnotherNode().note('bcrypt 12')
    expect(await kinds.held()).to.deep.equal(['bcrypt 12', 'scrypt ln=14,r=8,p=1'])
  })

  it('are read again after five seconds, and at once when asked for anew', async () => {
    expect(await kinds.held()).to.deep.equal([])
    await onAnotherNode().note('bcrypt 12')
    clock.at += 4
    expect(await kinds.held()).to.deep.equal([])
    expect(reads).to.equal(1)
    clock.at += 1
    expect(await kinds.held()).to.deep.equal(['bcrypt 12'])
    await onAnotherNode().note('bcrypt 10')
    expect(await kinds.held('anew')).to.deep.equal(['bcrypt 10', 'bcrypt 12'])
  })

  it('R33 hold what was made before, once something else is made', async () => {
    await onAnotherNode().made('argon2id v=19,m=19456,t=2,p=1')
    await onAnotherNode().made('argon2id v=19,m=19456,t=2,p=1')
    expect(await kinds.held('anew')).to.deep.equal([])
    await onAnotherNode().made('argon2id v=19,m=65536,t=3,p=1')
    expect(await kinds.held('anew')).to.deep.equal(['argon2id v=19,m=19456,t=2,p=1'])
  })

  it('are all noted when several imports note at once', async () => {
    const cost = [4, 5, 6, 7]
    await Promise.all(cost.map((one) => onAnotherNode().note(`bcrypt ${one}`)))
    expect(await kinds.held()).to.have.length(cost.length)
  })

  it('are so many at most, since each costs every sign-in', async () => {
    for (let cost = 0; cost < MOST_KINDS; cost += 1)
      expect(await kinds.note(`bcrypt ${cost}`)).to.equal(true)
    expect(await kinds.note('scrypt ln=14,r=8,p=1')).to.equal(false)
    expect(await kinds.note('bcrypt 0')).to.equal(true)
    expect(await kinds.held('anew')).to.have.length(MOST_KINDS)
  })

  it('go when nobody has them, but not while an import may be about to store one', async () => {
    await kinds.note('bcrypt 12')
    await kinds.note('bcrypt 10')
    clock.at += DAY - 1
    expect(await kinds.drop(['bcrypt 12'])).to.deep.equal([])
    clock.at += 1
    expect(await kinds.drop(['bcrypt 12'])).to.deep.equal(['bcrypt 12'])
    expect(await kinds.held()).to.deep.equal(['bcrypt 10'])
    expect(await kinds.drop(['bcrypt 12'])).to.deep.equal([])
  })

  it('are in use again when an import notes them again', async () => {
    await kinds.note('bcrypt 12')
    clock.at += DAY
    await kinds.note('bcrypt 12')
    expect(await kinds.drop(['bcrypt 12'])).to.deep.equal([])
  })

  it('are counted over all accounts, page by page', async () => {
    const people = { accounts: storage.accounts, clock, random: systemRandom }
    const today = 'argon2id v=19,m=64,t=1,p=1'
    const hashes = ['bcrypt 4', today, 'argon2id v=19,m=32,t=1,p=1'].map(unmatchedForeignHash)
    for (let nth = 0; nth < 1003; nth += 1)
      await addPerson(people, { username: `person${nth}`, passwordHash: hashes[nth % 3] ?? '' })
    await addPerson(people, { username: 'without' })
    await kinds.note('bcrypt 4')
    await kinds.note('bcrypt 5')
    expect(await hashKindsInUse(kinds, storage.accounts, today)).to.deep.equal([
      { kind: 'argon2id v=19,m=32,t=1,p=1', accounts: 334, state: 'not-held' },
      { kind: today, accounts: 334, state: 'today' },
      { kind: 'bcrypt 4', accounts: 335, state: 'held' },
      { kind: 'bcrypt 5', accounts: 0, state: 'held' },
    ])
  })
})
