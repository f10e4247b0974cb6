import { expect } from 'chai'
import type { UserDocument } from '../../../src/server/import/application-users.ts'
import { MfaError, type FieldsToImport, type Mfa } from '../../../src/index.ts'
import { readLegacyFields } from '../../../src/server/import/legacy-fields.ts'
import type { LegacyUsers } from '../../../src/server/import/legacy-users.ts'
import { inParallel, takeOver } from '../../../src/server/import/take-over.ts'

const STATUS = { enrolled: false } as Awaited<ReturnType<Mfa['accounts']['status']>>

describe('taking over the users of an application', () => {
  let imported: [string, FieldsToImport][]
  let underWay: number
  let most: number
  beforeEach(() => {
    imported = []
    underWay = 0
    most = 0
  })

  const users = (many: number): UserDocument[] =>
    Array.from({ length: many }, (_, _id) => ({ _id, two_factor_secret: 'before' }))
  const legacy = (
    documents: readonly UserDocument[],
    {
      read = async (id: unknown) => documents.find(({ _id }) => _id === id),
      fails = () => undefined,
    }: {
      read?: (id: unknown) => Promise<UserDocument | undefined>
      fails?: (id: string) => MfaError | undefined
    } = {},
  ): LegacyUsers => {
    const accounts = {
      status: async () => STATUS,
      async import(id: string, fields: FieldsToImport) {
        underWay += 1
        most = Math.max(most, underWay)
        await new Promise(setImmediate)
        underWay -= 1
        const failure = fails(id)
        if (failure !== undefined) throw failure
        imported.push([id, fields])
        return { outcome: 'imported', factors: ['totp'], warnings: [] }
      },
    } as unknown as Mfa['accounts']
    return {
      users: {
        async *batches(size: number) {
          for (let at = 0; at < documents.length; at += size) yield documents.slice(at, at + size)
        },
        read,
      } as LegacyUsers['users'],
      fields: readLegacyFields([])!,
      records: 'documents',
      atOnce: 3,
      accountOf: ({ _id }) => ({ id: String(_id), accounts }),
    }
  }
  const run = async (of: LegacyUsers): Promise<string[]> => {
    const done: string[] = []
    for await (const { id, outcome } of takeOver(of, { dryRun: false }))
      done.push(`${String(id)} ${outcome}`)
    return done
  }

  it('answers about each, so many at once', async () => {
    const done = await run(legacy(users(250)))
    expect(done).to.have.members(users(250).map(({ _id }) => `${String(_id)} taken-over`))
    expect(most).to.equal(3)
  })

  it('R5 takes the document as it is at that moment: the old check may have spent a code since', async () => {
    const now = { _id: 0, two_factor_secret: 'now' }
    await run(legacy(users(1), { read: async () => now }))
    expect(imported).to.deep.equal([['0', { two_factor_secret: 'now' }]])
  })

  it('has nothing to do with who has gone meanwhile', async () => {
    const gone = new MfaError('account-unknown', 'gone')
    const some = legacy(users(2), { fails: (id) => (id === '1' ? gone : undefined) })
    expect(await run(some)).to.have.members(['0 taken-over', '1 none'])
    expect(await run(legacy(users(1), { read: async () => undefined }))).to.deep.equal(['0 none'])
  })

  it('goes on after a document that is bad', async () => {
    const bad = new MfaError('record-unreadable', 'bad')
    const some = legacy(users(5), { fails: (id) => (id === '2' ? bad : undefined) })
    expect(await run(some)).to.have.members([
      '0 taken-over',
      '1 taken-over',
      '2 bad',
      '3 taken-over',
      '4 taken-over',
    ])
  })

  it('R32 ends once, and by name, when the database goes away', async () => {
    const away = new MfaError('storage-unavailable', 'away', { status: 503 })
    const failure = await run(legacy(users(20), { fails: () => away })).catch(
      (error: unknown) => error,
    )
    expect(failure).to.equal(away)
  })

  it('answers about each once, also where several are done at the same moment', async () => {
    const of = { ...legacy(users(250)), atOnce: 8 }
    const answered: unknown[] = []
    for await (const id of inParallel(of, async ({ _id }) => _id)) answered.push(id)
    expect(answered.toSorted((one, other) => Number(one) - Number(other))).to.deep.equal(
      Array.from({ length: 250 }, (_, id) => id),
    )
  })
})
