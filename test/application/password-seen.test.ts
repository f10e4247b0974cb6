import { expect } from 'chai'
import { commit } from '../../src/application/commit.ts'
import { knowsBrowser } from '../../src/application/known-browsers.ts'
import { readEpoch, readStatus } from '../../src/application/manage-accounts.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { MfaRecords, PasswordChanged } from '../../src/ports/mfa-records.ts'
import { begin, owner, verify } from './person.ts'
import { heardOf, load, placeOf, settledRecord, world, type World } from './world.ts'

/** Records of one account in a storage that keeps its password beside them, and sees when it is written. */
function seeingStorage() {
  let stored:
    { record?: JsonObject; version: number; passwordChanged?: PasswordChanged } | undefined
  const records: MfaRecords = {
    load: async () => stored,
    async save(_accountId, record, version) {
      if ((stored?.version ?? 0) !== version) return false
      stored = { record, version: version + 1 }
      return true
    },
    findByHandle: async () => undefined,
  }
  const changePassword = (at: number): void => {
    const times = (stored?.passwordChanged?.times ?? 0) + 1
    const version = (stored?.version ?? 0) + 1
    stored = { ...stored, version, passwordChanged: { times, at } }
  }
  return { records, changePassword }
}

describe('a password whose change the storage sees', () => {
  let one: World
  let changePassword: () => void
  beforeEach(() => {
    const storage = seeingStorage()
    one = world({ records: storage.records })
    changePassword = () => storage.changePassword(one.clock.now())
  })

  it('R20 raises the epoch at once, for everybody who asks, with every change', async () => {
    await owner(one)
    for (const epoch of [3, 4]) {
      changePassword()
      expect((await load(one)).record.epoch).to.equal(epoch)
      expect(await readEpoch(one.deps, 'mira')).to.equal(epoch)
      expect((await readStatus(one.deps, 'mira')).epoch).to.equal(epoch)
    }
  })

  it('R20 raises the epoch of an account without a record', async () => {
    changePassword()
    expect(await readEpoch(one.deps, 'mira')).to.equal(2)
    expect((await load(one)).record.epoch).to.equal(2)
  })

  it('R20 ends the sign-in that the old password has begun, also one that is under way', async () => {
    const mira = await owner(one)
    const examined = one.deps.factors.get('totp')!
    const place = mira.place({ interaction: 'begun before' })
    const slow = {
      ...examined,
      async examine(...given: Parameters<typeof examined.examine>) {
        changePassword()
        return examined.examine(...given)
      },
    }
    const deps = { ...one.deps, factors: new Map([...one.deps.factors, ['totp', slow]]) }
    expect((await verify({ ...one, deps }, 'totp', mira.code(), place)).outcome).to.equal('stale')
    expect((await verify(one, 'totp', mira.code(), place)).outcome).to.equal('stale')
    expect((await load(one)).record.accepted).to.deep.equal([])
  })

  it('R2 ends the suspicion that somebody else has the old one', async () => {
    const mira = await owner(one)
    await commit(one.deps, 'mira', (record, now) => ({
      outcome: undefined,
      record: { ...record, throttle: { ...record.throttle, passwordSuspectedAt: now } },
    }))
    expect((await readStatus(one.deps, 'mira')).passwordSuspected).to.equal(true)
    changePassword()
    expect((await readStatus(one.deps, 'mira')).passwordSuspected).to.equal(false)
    const place = mira.place({ epoch: 3, interaction: 'with the new one' })
    expect((await verify(one, 'totp', mira.code(), place)).outcome).to.equal('accepted')
  })

  it('R4 forgets the browsers that became known with the old password alone', async () => {
    await commit(one.deps, 'mira', (record, now) => ({
      outcome: undefined,
      record: {
        ...record,
        browsers: [
          ...record.browsers,
          { tokenHash: 'x', since: now, lastSeenAt: now, delay: { failures: 0 }, failures: 0 },
        ],
      },
    }))
    expect(await knowsBrowser(one.deps, 'mira', ['x'])).to.equal(true)
    changePassword()
    expect(await knowsBrowser(one.deps, 'mira', ['x'])).to.equal(false)
  })

  it('R4 keeps the known browsers of an account that has a second factor', async () => {
    await owner(one)
    changePassword()
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(true)
  })

  it('makes one event, with the next save, even if the record was loaded several times before', async () => {
    await owner(one)
    changePassword()
    const changedAt = one.clock.now()
    one.clock.advance(60)
    changePassword()
    const seen = [await load(one), await load(one)]
    expect(seen[0]).to.deep.equal(seen[1])
    expect(await heardOf(one, 'epoch-raised')).to.deep.equal([])
    await begin(one, 'totp', placeOf({ epoch: 4 }))
    await commit(one.deps, 'mira', (record) => ({ outcome: undefined, record }))
    const heard = await heardOf(one, 'epoch-raised')
    expect(heard.map(({ at, detail }) => ({ at, detail }))).to.deep.equal([
      { at: changedAt + 60, detail: { epoch: 4, reason: 'password-changed' } },
    ])
    expect((await settledRecord(one)).epoch).to.equal(4)
    expect((await load(one)).record.events).to.deep.equal([])
  })
})
