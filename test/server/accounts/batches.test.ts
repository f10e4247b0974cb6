import { expect } from 'chai'
import { accountBatches, recordIdBatches } from '../../../src/server/accounts/batches.ts'
import { addPerson } from '../../../src/server/accounts/people.ts'
import { random, world } from './support.ts'

describe('batches of accounts', () => {
  const addPeople = async (count: number) => {
    const { storage, clock } = world()
    const { accounts } = storage
    for (let n = 0; n < count; n += 1)
      await addPerson({ accounts, clock, random }, { username: `person-${n}` })
    return accounts
  }

  for (const count of [0, 1, 99, 100, 101, 200, 250])
    it(`have each of ${count} accounts once, in the order of their ids`, async () => {
      const ids: string[] = []
      for await (const batch of accountBatches(await addPeople(count))) {
        expect(batch.length).to.be.within(1, 100)
        ids.push(...batch.map(({ id }) => id))
      }
      expect(ids).to.have.lengthOf(count)
      expect(ids).to.deep.equal([...new Set(ids)].sort())
    })

  it('have the id of each record, with an account or without', async () => {
    const { storage } = world()
    const all = Array.from({ length: 250 }, (_, n) => `id-${String(n).padStart(3, '0')}`)
    for (const id of all) await storage.records.save(id, {}, 0)
    const ids: string[] = []
    for await (const batch of recordIdBatches(storage)) ids.push(...batch)
    expect(ids).to.deep.equal(all)
  })
})
