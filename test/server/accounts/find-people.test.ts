import { expect } from 'chai'
import fc from 'fast-check'
import { MfaError } from '../../../src/domain/errors.ts'
import type { AccountStatus, FactorStatus } from '../../../src/index.ts'
import {
  findPeople,
  type FindPeopleServices,
  type PeopleQuery,
} from '../../../src/server/accounts/find-people.ts'
import { addPerson } from '../../../src/server/accounts/people.ts'
import { random, world } from './support.ts'

const TOTP = { id: 't', factor: 'totp', name: '', createdAt: 1 }
const WEAK = { ...TOTP, renewBy: 9 }
const CODES = { ...TOTP, factor: 'backup-codes', remaining: 7 }
const NONE = {
  enrolled: false,
  factors: [],
  codesDisabled: false,
  passwordSuspected: false,
  knownBrowsers: 0,
  epoch: 1,
} satisfies AccountStatus

const holding = (...factors: readonly FactorStatus[]): AccountStatus => ({
  ...NONE,
  enrolled: factors.length > 0,
  factors,
})

interface Person {
  readonly status: AccountStatus
  readonly groups: readonly string[]
}

/** People in a storage that counts what is read. The names are `p0`, `p1` and so on. */
async function withPeople(people: readonly Person[]) {
  const { storage, clock } = world()
  const { accounts, audit } = storage
  const statuses = new Map<string, AccountStatus>()
  for (const [nth, { status, groups }] of people.entries()) {
    const added = await addPerson(
      { accounts, clock, random },
      { id: `id-${nth}`, username: `p${nth}`, groups },
    )
    if (added.ok) statuses.set(added.account.id, status)
  }
  const read = { accounts: 0, records: 0, atOnce: 0 }
  const services: FindPeopleServices = {
    audit,
    accounts: {
      async list(page) {
        const batch = await accounts.list(page)
        read.accounts += batch.length
        read.atOnce = Math.max(read.atOnce, batch.length)
        return batch
      },
    },
    async statusOf(id) {
      read.records += 1
      return statuses.get(id) ?? NONE
    },
  }
  const pageOf = async (query: PeopleQuery) => {
    const { people: found, next } = await findPeople(services, query)
    return { names: found.map(({ account }) => account.username), next }
  }
  const allOf = async (query: PeopleQuery): Promise<string[]> => {
    const names: string[] = []
    for (let after: string | undefined; ;) {
      const page = await pageOf({ ...query, ...(after === undefined ? {} : { after }) })
      expect(page.names.length).to.be.at.most(query.limit)
      names.push(...page.names)
      if (page.next === undefined) return names
      expect(page.names).to.have.lengthOf(query.limit)
      after = page.next
    }
  }
  return { storage, clock, services, read, pageOf, allOf }
}

const inOrder = (count: number): string[] =>
  Array.from({ length: count }, (_, nth) => `p${nth}`).sort()

describe('a page of people', () => {
  it('has everybody once, whatever the filters and the length of a page', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            status: fc.constantFrom(
              NONE,
              holding(TOTP),
              holding(WEAK),
              { ...holding(TOTP), firstSignInAt: 5, lastSignInAt: 50 },
              { ...NONE, firstSignInAt: 5, lastSignInAt: 7 },
            ),
            groups: fc.subarray(['staff', 'guests']),
          }),
          { maxLength: 40 },
        ),
        fc.record(
          {
            limit: fc.integer({ min: 1, max: 12 }),
            mfa: fc.constantFrom('none', 'weak', 'any'),
            group: fc.constantFrom('staff', 'guests'),
            lastBefore: fc.constantFrom(6, 8, 51),
          } as const,
          { requiredKeys: ['limit'] },
        ),
        async (people, query) => {
          const { allOf } = await withPeople(people)
          const kindOf = ({ factors: [held] }: AccountStatus) =>
            held === undefined ? 'none' : held.renewBy === undefined ? 'lasting' : 'weak'
          const fits = ({ status, groups }: Person): boolean =>
            (query.group === undefined || groups.includes(query.group)) &&
            (query.mfa === undefined ||
              (query.mfa === 'any' ? kindOf(status) !== 'none' : kindOf(status) === query.mfa)) &&
            (query.lastBefore === undefined || (status.lastSignInAt ?? 0) < query.lastBefore)
          const wanted = people.flatMap((person, nth) => (fits(person) ? [`p${nth}`] : []))
          expect(await allOf(query)).to.deep.equal(wanted.sort())
        },
      ),
      { numRuns: 100 },
    ))

  it('reads no more than itself and a batch where nothing is asked for', async () => {
    const { pageOf, read } = await withPeople(
      Array.from({ length: 700 }, () => ({ status: NONE, groups: [] })),
    )
    const { names } = await pageOf({ limit: 10 })
    expect(names).to.deep.equal(inOrder(700).slice(0, 10))
    expect(read).to.deep.equal({ accounts: 100, records: 11, atOnce: 100 })
    await pageOf({ limit: 250 })
    expect(read.accounts).to.equal(400)
  })

  it('reads on in batches for those who are asked for, and begins the next page behind them', async () => {
    const { pageOf, read } = await withPeople(
      Array.from({ length: 700 }, (_, nth) => ({
        status: NONE,
        groups: nth > 650 ? ['late'] : [],
      })),
    )
    const { names, next } = await pageOf({ limit: 5, group: 'late' })
    expect(names).to.have.lengthOf(5)
    expect(read.atOnce).to.equal(100)
    // Nobody else's record is opened.
    expect(read.records).to.equal(6)
    read.accounts = 0
    await pageOf({ limit: 1000, group: 'late', after: next! })
    expect(read.accounts).to.be.below(100)
  })

  describe('names', () => {
    const kindOf = async (status: AccountStatus) => {
      const { services } = await withPeople([{ status, groups: [] }])
      return (await findPeople(services, { limit: 1 })).people[0]!.secondFactor
    }

    it('a second factor weak if all of it ends or runs out', async () => {
      expect(await kindOf(NONE)).to.equal('none')
      expect(await kindOf(holding(WEAK, CODES))).to.equal('weak')
      expect(await kindOf(holding(CODES))).to.equal('weak')
      expect(await kindOf(holding(WEAK, TOTP))).to.equal('lasting')
    })

    it('a record that cannot be opened, and no filter finds it', async () => {
      const { services } = await withPeople([{ status: NONE, groups: [] }])
      const broken: FindPeopleServices = {
        ...services,
        statusOf: () => Promise.reject(new MfaError('key-missing', 'no key')),
      }
      const { people } = await findPeople(broken, { limit: 1 })
      expect(people[0]).to.deep.include({ secondFactor: 'unreadable', factors: [] })
      for (const query of [{ mfa: 'none' }, { mfa: 'any' }, { lastBefore: 9 }] as const)
        expect((await findPeople(broken, { limit: 1, ...query })).people).to.deep.equal([])
    })

    it('no failure of the storage a record that cannot be opened', async () => {
      const { services } = await withPeople([{ status: NONE, groups: [] }])
      const away = new MfaError('storage-unavailable', 'away')
      const outcome = findPeople(
        { ...services, statusOf: () => Promise.reject(away) },
        { limit: 1 },
      ).catch((error: unknown) => error)
      expect(await outcome).to.equal(away)
    })
  })

  describe('says when somebody signed in last', () => {
    const lastOf = async (status: AccountStatus, acceptedAt?: number) => {
      const { services, storage } = await withPeople([{ status, groups: [] }])
      if (acceptedAt !== undefined)
        await storage.audit.add([
          { id: 'e', type: 'password-accepted', at: acceptedAt, accountId: 'id-0', detail: {} },
          { id: 'f', type: 'password-refused', at: 999, accountId: 'id-0', detail: {} },
        ])
      return (await findPeople(services, { limit: 1 })).people[0]!.lastSignInAt
    }
    const before = { firstSignInAt: 5, lastSignInAt: 50 }

    it('as the record has it, with a second factor', async () => {
      expect(await lastOf({ ...holding(TOTP), ...before }, 90)).to.equal(50)
      expect(await lastOf({ ...holding(TOTP), firstSignInAt: 5 })).to.equal(5)
    })

    it('as the trail has it, with the password alone', async () => {
      expect(await lastOf({ ...NONE, ...before }, 90)).to.equal(90)
      expect(await lastOf({ ...NONE, ...before }, 40)).to.equal(50)
      expect(await lastOf({ ...NONE, ...before })).to.equal(50)
    })

    it('not at all before the first time', async () => {
      expect(await lastOf(NONE, 90)).to.equal(undefined)
    })
  })
})
