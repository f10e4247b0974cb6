import { expect } from 'chai'
import fc from 'fast-check'
import {
  EMPTY,
  isApplied,
  migrationsToApply,
  noteAfter,
  noteOfVersion,
  requireExpanded,
  schemaStateOf,
  type NumberedMigration,
  type SchemaNote,
} from '../../src/adapters/schema-rules.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { MigrationPhases } from '../../src/ports/server-storage.ts'

const FIRST = 2

/** All migrations of a product's history. The list of a release is the beginning of it. */
const histories = fc
  .array(fc.constantFrom('expand' as const, 'contract' as const, undefined), {
    minLength: 1,
    maxLength: 7,
  })
  .map((phases): readonly NumberedMigration[] =>
    [undefined, ...phases].map((phase, index) => ({
      version: FIRST + index,
      ...(phase === undefined ? {} : { phase }),
    })),
  )
const runs = fc.array(
  fc.record({
    /** How many migrations the release that runs the command knows. */
    release: fc.nat({ max: 8 }),
    allowed: fc.constantFrom<MigrationPhases>(false, true, 'expand', 'contract'),
    /** How many migrations are applied before the process ends. */
    ends: fc.nat({ max: 3 }),
  }),
  { maxLength: 8 },
)

const isContract = ({ phase }: NumberedMigration): boolean => phase === 'contract'
const refusal = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof MfaError) return error.code
    throw error
  }
}
const opening = (list: readonly NumberedMigration[], note: SchemaNote): string | undefined =>
  refusal(() => {
    schemaStateOf(list, note)
    requireExpanded(list, note)
  })

describe('the rules of a schema', () => {
  it('let exactly those releases work whose expands are there and that know every contract', () => {
    fc.assert(
      fc.property(histories, runs, fc.nat({ max: 8 }), (history, commands, made) => {
        const listOf = (release: number): readonly NumberedMigration[] =>
          history.slice(0, Math.max(1, release))
        const applied = new Set(listOf(made))
        let note = listOf(made).reduce(noteAfter, EMPTY)
        for (const { release, allowed, ends } of commands) {
          const list = listOf(release)
          if (refusal(() => schemaStateOf(list, note)) !== undefined) continue
          let left: readonly NumberedMigration[] = []
          const refused = refusal(() => (left = migrationsToApply(list, note, allowed)))
          for (const migration of left.slice(0, ends)) {
            expect(applied.has(migration), 'no migration runs twice').to.equal(false)
            applied.add(migration)
            note = noteAfter(note, migration)
            expect(isApplied(note, migration)).to.equal(true)
          }
          if (refused === undefined && ends >= left.length && allowed === true)
            expect(list.filter((each) => !applied.has(each))).to.deep.equal([])
          for (let other = 1; other <= history.length; other += 1) {
            const known = new Set(listOf(other))
            const locked = [...applied].some((each) => isContract(each) && !known.has(each))
            const lacks = [...known].some((each) => !isContract(each) && !applied.has(each))
            const expected = locked ? 'schema-newer' : lacks ? 'schema-outdated' : undefined
            expect(opening(listOf(other), note)).to.equal(expected)
          }
        }
      }),
    )
  })

  it('say to what a contract raises the oldest version, and not for an empty database', () => {
    const list: readonly NumberedMigration[] = [
      { version: 2 },
      { version: 3, phase: 'contract' },
      { version: 4 },
    ]
    expect(schemaStateOf(list, EMPTY)).to.deep.equal({ current: 0, wanted: 4, readableFrom: 0 })
    expect(schemaStateOf(list, { current: 4, readableFrom: 2, contracted: 2 })).to.deep.equal({
      current: 4,
      wanted: 4,
      readableFrom: 2,
      contractsTo: 3,
    })
    expect(schemaStateOf(list, list.reduce(noteAfter, EMPTY))).to.deep.equal({
      current: 4,
      wanted: 4,
      readableFrom: 3,
    })
  })

  it('repeat a contract that was announced and did not end', () => {
    const list: readonly NumberedMigration[] = [{ version: 2 }, { version: 3, phase: 'contract' }]
    const announced: SchemaNote = { current: 2, readableFrom: 3, contracted: 2 }
    expect(migrationsToApply(list, announced, 'contract')).to.deep.equal([list[1]])
    expect(opening(list, announced)).to.equal(undefined)
    expect(opening(list.slice(0, 1), announced)).to.equal('schema-newer')
  })

  it('let no other release work with a database in which the version alone is noted', () => {
    const list = (last: number): readonly NumberedMigration[] =>
      Array.from({ length: last - 1 }, (_, index) => ({ version: FIRST + index }))
    expect(opening(list(5), noteOfVersion(5))).to.equal(undefined)
    expect(opening(list(4), noteOfVersion(5))).to.equal('schema-newer')
    expect(opening(list(6), noteOfVersion(5))).to.equal('schema-outdated')
    expect(opening(list(6), noteOfVersion(1))).to.equal('schema-too-old')
  })
})
