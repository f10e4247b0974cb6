import type { UserDocument } from './application-users.ts'
import { MfaError } from '../../domain/errors.ts'
import { legacyFieldsOf, valueAt, type LegacyFields } from './legacy-fields.ts'
import type { LegacyUsers } from './legacy-users.ts'
import { inParallel, whatIsThere } from './take-over.ts'

export type Removal = { readonly id: unknown } & (
  | { readonly outcome: 'removed' | 'none' | 'left' }
  /** The old fields are still needed and must not be removed. */
  | { readonly outcome: 'needed'; readonly why: WhyNeeded }
)

export type WhyNeeded =
  | 'not-taken-over'
  | 'account-id-unfit'
  | 'record-unreadable'
  | 'seal-broken'
  | 'key-missing'
  | 'options-invalid'

const WHY_NOT_OPEN: readonly string[] = [
  'record-unreadable',
  'seal-broken',
  'key-missing',
  'options-invalid',
]

/**
 * Takes the old fields out of each document whose owner has a record that opens, and yields a result for each. `act`
 * false: only reports what would be done. `leave`: ids, as they are shown, of documents that keep theirs.
 */
export async function* removeLegacy(
  legacy: LegacyUsers,
  { act, leave }: { readonly act: boolean; readonly leave: ReadonlySet<string> },
): AsyncGenerator<Removal> {
  yield* inParallel(legacy, async (user): Promise<Removal> => {
    const { _id: id } = user
    const paths = pathsIn(user, legacy.fields)
    if (paths.length === 0) return { id, outcome: 'none' }
    if (leave.has(String(id))) return { id, outcome: 'left' }
    const why = await whyNeeded(legacy, user)
    if (why !== undefined) return { id, outcome: 'needed', why }
    if (!act) return { id, outcome: 'removed' }
    const gone = await legacy.users.remove(id, paths, legacy.records === 'documents')
    return gone ? { id, outcome: 'removed' } : { id, outcome: 'needed', why: 'not-taken-over' }
  })
}

/** All old fields of a document, empty ones included, if at least one of them is not empty. */
function pathsIn(user: UserDocument, fields: LegacyFields): readonly string[] {
  if (Object.keys(legacyFieldsOf(user, fields)).length === 0) return []
  return [...fields.values()].filter((path) => valueAt(user, path) !== undefined)
}

async function whyNeeded(legacy: LegacyUsers, user: UserDocument): Promise<WhyNeeded | undefined> {
  const account = legacy.accountOf(user)
  if (account === undefined) return 'account-id-unfit'
  try {
    if ((await whatIsThere(account)) === undefined) {
      // After a reset the account takes nothing over and has no factor; its old fields may go.
      const fields = legacyFieldsOf(user, legacy.fields)
      const { outcome } = await account.accounts.import(account.id, fields, { dryRun: true })
      if (outcome !== 'exists') return 'not-taken-over'
    }
    await account.accounts.check(account.id)
    return undefined
  } catch (error) {
    if (error instanceof MfaError && WHY_NOT_OPEN.includes(error.code))
      return error.code as WhyNeeded
    throw error
  }
}
