import { isImportable, RENEWAL_SECONDS, settleImported } from './rules.ts'
import { MfaError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import { readAuthenticators, takenOf, type ReadAuthenticator } from './authenticators.ts'
import { adoptCodes } from './codes.ts'
import type { ImportedCodesState } from '../factors/imported-codes/index.ts'
import { adoptTotp } from './totp.ts'
import { commit, loadRecord } from '../application/commit.ts'
import type { Dependencies } from '../application/dependencies.ts'
import { bindAuthenticator, nameOf } from '../application/authenticator.ts'
import {
  areWeakCodes,
  isWeakSecret,
  mapFactors,
  type FieldsToImport,
  type ImportFault,
  type ImportWarning,
  type MappedFactors,
} from './fields.ts'

export type ImportOutcome =
  | {
      readonly outcome: 'imported'
      /** Ids of the factors that the person now has. Empty: the next sign-in sets one up, with a proof (R10). */
      readonly factors: readonly string[]
      readonly warnings: readonly ImportWarning[]
      /** The end of the authenticators that are weaker than those set up here. */
      readonly renewBy?: Instant
    }
  /** The account has factors, was imported before, or was reset: nothing changes. */
  | { readonly outcome: 'exists' }
  | { readonly outcome: 'refused'; readonly faults: readonly ImportFault[] }

export interface ImportHow {
  readonly dryRun?: boolean
  readonly codesAtOnce?: number
}

/**
 * Imports a person's second factor from another application, once: a second run changes nothing. Plain codes are
 * hashed, and hashes are wrapped, before anything is stored. `dryRun`: returns the result that an import would have,
 * and neither hashes nor stores. Throws what a commit throws, and MfaError `hashing-overloaded`; `options-invalid` for
 * anything but a plain object.
 *
 * `codesAtOnce`: how many plain codes are hashed at the same time. Default 1, because more would delay the sign-ins that
 * the same process serves.
 */
export async function importFactors(
  deps: Dependencies,
  accountId: string,
  fields: FieldsToImport,
  { dryRun = false, codesAtOnce = 1 }: ImportHow = {},
): Promise<ImportOutcome> {
  checkPlain(fields)
  checkAtOnce(codesAtOnce)
  const read = await readAuthenticators(deps, fields)
  const mapped = mapFactors(fields, read.authenticators.length > 0)
  const faults = [...mapped.faults, ...read.faults, ...notOffered(deps, mapped)]
  if (faults.length > 0) return { outcome: 'refused', faults }
  const seen = await loadRecord(deps, accountId)
  if (!isImportable(seen.record)) return { outcome: 'exists' }

  const { totp, codes, warnings } = mapped
  const others = warnings.includes('not-enabled') ? [] : read.authenticators
  const taken = await takenOf(deps, others)
  if (taken.length > 0) return { outcome: 'refused', faults: taken }
  const isWeak = totp.some(isWeakSecret) || (codes !== undefined && areWeakCodes(codes))
  const imported = (now: Instant): ImportOutcome => ({
    outcome: 'imported',
    factors: [
      ...(totp.length > 0 ? ['totp'] : []),
      ...new Set(others.map(({ factor }) => factor.id)),
      ...(codes === undefined ? [] : [CODES]),
    ],
    warnings,
    ...(isWeak ? { renewBy: now + RENEWAL_SECONDS } : {}),
  })
  if (dryRun) return imported(deps.clock.now())

  const foreign =
    codes === undefined ? undefined : await adoptCodes(codes, deps.hasher, codesAtOnce)
  const done = commit<ImportOutcome>(
    deps,
    accountId,
    (record, now) =>
      isImportable(record)
        ? {
            outcome: imported(now),
            ...settleImported(
              record,
              authenticatorsOf(deps, accountId, { ...mapped, others, foreign, now }),
              warnings.includes('must-enrol'),
              now,
            ),
          }
        : { outcome: { outcome: 'exists' } },
    seen,
  )
  return done.catch(async (error: unknown) => {
    // Another account has got one of them since.
    const isTaken = error instanceof MfaError && error.code === 'handle-taken'
    const since = isTaken ? await takenOf(deps, others) : []
    if (since.length === 0) throw error
    return { outcome: 'refused', faults: since }
  })
}

/**
 * Refuses a Mongoose document, which has its fields in its prototype: the person would be imported without a factor.
 */
function checkPlain(fields: unknown): void {
  const prototype: unknown =
    typeof fields === 'object' && fields !== null ? Object.getPrototypeOf(fields) : undefined
  if (prototype !== null && prototype !== Object.prototype)
    throw new MfaError(
      'options-invalid',
      'accounts.import takes an object with the fields in it, no document: pick them, or call toObject()',
    )
}

/** With none at once no code would be hashed, and the person would be imported without any. */
function checkAtOnce(codesAtOnce: number): void {
  if (!Number.isSafeInteger(codesAtOnce) || codesAtOnce < 1)
    throw new MfaError(
      'options-invalid',
      'accounts.import: codesAtOnce must be a whole number, at least 1',
    )
}

const CODES = 'imported-codes'

function authenticatorsOf(
  deps: Dependencies,
  accountId: string,
  {
    totp,
    codes,
    others,
    foreign,
    now,
  }: MappedFactors & {
    others: readonly ReadAuthenticator[]
    foreign: ImportedCodesState | undefined
    now: Instant
  },
): readonly Authenticator[] {
  const adopt = (id: string, state: Json, about: { name: string; weak: boolean }) => {
    const factor = deps.factors.get(id)
    // `notOffered` has refused the import of a factor that is missing here.
    if (factor === undefined) return []
    const { name, weak } = about
    const bound = bindAuthenticator(deps, accountId, factor, factor.parseState(state) as Json, {
      name: nameOf(name),
      now,
    })
    return [weak ? { ...bound, renewBy: now + RENEWAL_SECONDS } : bound]
  }
  return [
    ...totp.flatMap((one) =>
      adopt('totp', adoptTotp(one.parameters, now), {
        name: one.name ?? '',
        weak: isWeakSecret(one),
      }),
    ),
    ...others.flatMap(({ factor, state, name }) => adopt(factor.id, state, { name, weak: false })),
    ...(codes === undefined || foreign === undefined
      ? []
      : adopt(CODES, foreign, { name: '', weak: areWeakCodes(codes) })),
  ]
}

function notOffered(deps: Dependencies, { totp, codes }: MappedFactors): readonly ImportFault[] {
  const wanted = [...(totp.length > 0 ? ['totp'] : []), ...(codes === undefined ? [] : [CODES])]
  return wanted
    .filter((id) => !deps.factors.has(id))
    .map((field) => ({ field, code: 'factor-not-offered' }))
}
