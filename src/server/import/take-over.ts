import type { UserDocument } from './application-users.ts'
import { MfaError } from '../../domain/errors.ts'
import type { ImportFault, ImportWarning } from '../../index.ts'
import { legacyFieldsOf } from './legacy-fields.ts'
import type { LegacyAccount, LegacyUsers } from './legacy-users.ts'

export type TakenOver = { readonly id: unknown } & (
  | {
      readonly outcome: 'taken-over'
      /** Empty: the next sign-in sets one up, with a proof (R10). */
      readonly factors: readonly string[]
      readonly warnings: readonly ImportWarning[]
      readonly renewBy?: number
    }
  /** An earlier run has taken it over. */
  | { readonly outcome: 'before' }
  /** Its owner has set up a factor here, or the account was reset. Nothing is changed. */
  | { readonly outcome: 'own' }
  /** The document has none of the fields. */
  | { readonly outcome: 'none' }
  | { readonly outcome: 'bad'; readonly faults: readonly LegacyFault[] }
)

export interface LegacyFault {
  /** The path in the document. */
  readonly field: string
  readonly code: ImportFault['code'] | MfaError['code'] | 'account-id-unfit'
}

/** Errors that concern one document. Any other error ends the run, which can be started again. */
const OF_ONE_DOCUMENT: readonly MfaError['code'][] = [
  'record-unreadable',
  'record-contended',
  'seal-broken',
  'key-missing',
]

const BATCH = 100

/**
 * Takes over the second factor of every user, in the order of `_id`, and yields a result for each when it is done. The
 * documents themselves show which users are done: an interrupted run can be started again, and a second run changes
 * nothing.
 *
 * Each record is one conditional write. A sign-in that is quicker wins, and what it has saved is left as it is.
 */
export async function* takeOver(
  legacy: LegacyUsers,
  { dryRun }: { readonly dryRun: boolean },
): AsyncGenerator<TakenOver> {
  for await (const user of inParallel(legacy, (user) => takeOverOne(legacy, user, dryRun)))
    yield user
}

/** Works on `atOnce` documents at a time and answers in no order. No more than one batch is in memory. */
export async function* inParallel<T>(
  { users, atOnce }: LegacyUsers,
  work: (user: UserDocument) => Promise<T>,
): AsyncGenerator<T> {
  for await (const batch of users.batches(BATCH)) {
    const waiting = [...batch]
    const running = new Map<UserDocument, Promise<{ of: UserDocument; answer: T }>>()
    const begin = (): void => {
      const of = waiting.shift()
      if (of === undefined) return
      running.set(
        of,
        work(of).then((answer) => ({ of, answer })),
      )
    }
    for (let nth = 0; nth < atOnce; nth += 1) begin()
    while (running.size > 0) {
      // Several may be done at once: only the one that is answered is taken out, so that each is answered.
      const { of, answer } = await Promise.race(running.values())
      running.delete(of)
      begin()
      yield answer
    }
  }
}

async function takeOverOne(
  legacy: LegacyUsers,
  seen: UserDocument,
  dryRun: boolean,
): Promise<TakenOver> {
  const { _id: id } = seen
  const { users, fields, atOnce } = legacy
  if (Object.keys(legacyFieldsOf(seen, fields)).length === 0) return { id, outcome: 'none' }
  // The document is read again: since the batch was read, the old check may have spent a backup code.
  const user = await users.read(id)
  if (user === undefined) return { id, outcome: 'none' }
  const account = legacy.accountOf(user)
  if (account === undefined)
    return { id, outcome: 'bad', faults: [{ field: '_id', code: 'account-id-unfit' }] }
  try {
    const done = await account.accounts.import(account.id, legacyFieldsOf(user, fields), {
      dryRun,
      codesAtOnce: atOnce,
    })
    if (done.outcome === 'imported') {
      const { factors, warnings, renewBy } = done
      const about = { factors, warnings, ...(renewBy === undefined ? {} : { renewBy }) }
      return { id, outcome: 'taken-over', ...about }
    }
    const before = await whatIsThere(account)
    if (before !== undefined) return { id, outcome: before }
    if (done.outcome === 'exists') return { id, outcome: 'own' }
    const faults = done.faults.map(({ field, code }) => ({
      field: fields.get(field) ?? field,
      code,
    }))
    return { id, outcome: 'bad', faults }
  } catch (error) {
    if (!(error instanceof MfaError)) throw error
    // The user was deleted meanwhile.
    if (error.code === 'account-unknown') return { id, outcome: 'none' }
    if (!OF_ONE_DOCUMENT.includes(error.code)) throw error
    return { id, outcome: 'bad', faults: [{ field: 'mfa', code: error.code }] }
  }
}

/** Whether the account has a history of a second factor here: then its old fields are not used any more. */
export async function whatIsThere({
  id,
  accounts,
}: LegacyAccount): Promise<'before' | 'own' | undefined> {
  const { importedAt, firstEnrolledAt, enrolled } = await accounts.status(id)
  if (importedAt !== undefined) return 'before'
  return enrolled || firstEnrolledAt !== undefined ? 'own' : undefined
}
