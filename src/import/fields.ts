import type { CodeForm } from '../factors/imported-codes/code.ts'
import { readForeignCodes, type ForeignCodesFault, type ReadCodes } from './codes.ts'
import {
  readForeignTotps,
  SECRET_ENCODINGS,
  type ForeignTotp,
  type ForeignTotpFault,
  type SecretEncoding,
} from './totp.ts'
import { isNothing, textOf } from './words.ts'
import { MOST_OF_A_FACTOR } from '../domain/enrolment.ts'
import { keyOf, STRONG_SECRET_BYTES } from '../factors/totp/parameters.ts'

/**
 * A person's second factor as an application kept it, under the names that applications commonly use: `totp`,
 * `backupCodes`, or `two_factor_enabled`, `two_factor_secret`, `backup_codes` and others (docs/reference/api.md). Other
 * fields are ignored.
 */
export type FieldsToImport = Readonly<Record<string, unknown>>

/** The reason why nothing is imported, and the field with the cause. Neither member holds a secret (R31). */
export interface ImportFault {
  readonly field: string
  readonly code:
    | Exclude<ForeignTotpFault, 'secret-missing'>
    | ForeignCodesFault
    | AuthenticatorsFault
    | 'totp-unreadable'
    | 'enabled-unreadable'
    | 'secret-encoding-unknown'
    | 'code-form-unknown'
    | 'factor-not-offered'
    | 'ambiguous' // present under two names, with different values
    | 'totp-ambiguous' // one key with two algorithms, numbers of digits or periods
    | 'too-many' // authenticators of one factor
}

/** The reason why authenticators of a factor that reads its own (`imports`) are refused. */
type AuthenticatorsFault =
  | 'authenticators-unreadable' // no list
  | 'authenticator-unfit' // the field names the member
  | 'authenticator-repeated' // the list has it twice
  | 'authenticator-taken' // another account has it

/** A difference from the other application after the import. */
export type ImportWarning =
  | 'must-enrol' // the second factor was on, but no secret works: the next sign-in sets one up, with a proof (R10)
  | 'not-enabled' // there is a secret, but the second factor was off, so it was not enrolled
  | 'secret-unusable'
  | 'secret-weak' // under 128 bits: it ends after 30 days
  | 'codes-weak' // under 64 bits, or hashes of unknown strength: they end after 30 days
  | 'codes-hash-unknown' // salted hashes, which cannot be checked here: they are not imported
  | 'codes-without-authenticator' // backup codes without an authenticator that they could stand in for

export interface MappedFactors {
  readonly totp: readonly ForeignTotp[]
  readonly codes?: ReadCodes
  readonly warnings: readonly ImportWarning[]
  readonly faults: readonly ImportFault[]
}

/** NIST SP 800-63B-4 3.1.2.2 (R8). */
const STRONG_CODE_BITS = 64

const ENABLED = ['two_factor_enabled', 'twoFactorEnabled'] as const
/** The time at which the set-up was confirmed (Laravel Fortify). Empty: it was never confirmed. */
const CONFIRMED = ['two_factor_confirmed_at', 'twoFactorConfirmedAt'] as const
const SECRET = ['two_factor_secret', 'twoFactorSecret'] as const
const TOTP = ['totp', 'otpauth_url', 'otpauthUrl'] as const
const CODES = [
  'backupCodes',
  'backup_codes',
  'two_factor_backup_codes',
  'twoFactorBackupCodes',
  'two_factor_recovery_codes',
  'twoFactorRecoveryCodes',
] as const
const ENCODING = ['secretEncoding', 'secret_encoding'] as const
const FORM = ['backupCodeForm', 'backup_code_form'] as const

/** Every name that is read. Reports name other fields of a file, since one of them may be misspelt. */
export const IMPORT_FIELDS: readonly string[] = [
  ...ENABLED,
  ...CONFIRMED,
  ...SECRET,
  ...TOTP,
  ...CODES,
  ...ENCODING,
  ...FORM,
]

export function isWeakSecret({ secretBits }: ForeignTotp): boolean {
  return secretBits < STRONG_SECRET_BYTES * 8
}

/** A hash does not show how strong its code is, and most applications made codes of eight characters. */
export function areWeakCodes({ bits }: ReadCodes): boolean {
  return bits === undefined || bits < STRONG_CODE_BITS
}

/**
 * Maps the fields of another application to factors. Pure: it hashes nothing and keeps nothing. With a fault, nothing
 * of the account may be taken over; with a warning, something differs from before. `hasOthers`: there are
 * authenticators of other factors, which are read elsewhere.
 */
export function mapFactors(fields: FieldsToImport, hasOthers = false): MappedFactors {
  const faults: ImportFault[] = []
  const fault = (field: string, code: ImportFault['code']): void =>
    void faults.push({ field, code })

  const find = (
    names: readonly string[],
    read: (value: unknown) => unknown = (value) => value,
  ): Found | undefined => {
    const [first, ...others] = allOf(fields, names)
    for (const { field, value } of others)
      if (!isSame(read(value), read(first?.value))) fault(field, 'ambiguous')
    return first
  }
  const isOn = isOnIn(fields, find(ENABLED, readBoolean), find(CONFIRMED, readConfirmed), fault)
  const encoding = encodingOf(find(ENCODING), fault)
  const form = formOf(find(FORM), fault)

  const warnings = new Set<ImportWarning>()
  const totp: ForeignTotp[] = []
  if (isOn === false) {
    if (hasOthers || allOf(fields, [...TOTP, ...SECRET]).length > 0) warnings.add('not-enabled')
    return { totp, warnings: [...warnings], faults }
  }
  const secret = find(SECRET)
  const listed = [
    ...explicitTotp(find(TOTP), encoding, fault),
    ...secretOf(secret, encoding, warnings),
  ]
  totp.push(...oneOfEachKey(listed, fault))
  const hasNone = totp.length === 0 && !hasOthers
  if (hasNone && (isOn === true || secret !== undefined)) warnings.add('must-enrol')
  if (totp.some(isWeakSecret)) warnings.add('secret-weak')

  const codes = codesOf(find(CODES), form, warnings, fault)
  if (codes !== undefined && hasNone) warnings.add('codes-without-authenticator')
  const found = { totp, faults }
  if (codes === undefined || hasNone) return { ...found, warnings: [...warnings] }
  if (areWeakCodes(codes)) warnings.add('codes-weak')
  return { ...found, codes, warnings: [...warnings] }
}

interface Found {
  readonly field: string
  readonly value: unknown
}

type Fault = (field: string, code: ImportFault['code']) => void

function explicitTotp(
  given: Found | undefined,
  encoding: SecretEncoding | undefined,
  fault: Fault,
): readonly TotpIn[] {
  if (given === undefined) return []
  const list = listOf(given.value)
  if (list === undefined) {
    fault(given.field, 'totp-unreadable')
    return []
  }
  return list
    .flatMap((one) => readForeignTotps(one, encoding))
    .flatMap((found) => {
      if (!('fault' in found)) return [{ ...found, field: given.field }]
      fault(given.field, found.fault === 'secret-missing' ? 'totp-unreadable' : found.fault)
      return []
    })
}

function secretOf(
  given: Found | undefined,
  encoding: SecretEncoding | undefined,
  warnings: Set<ImportWarning>,
): readonly TotpIn[] {
  if (given === undefined) return []
  return readForeignTotps(given.value, encoding).flatMap((found) => {
    if (!('fault' in found)) return [{ ...found, field: given.field }]
    warnings.add('secret-unusable')
    return []
  })
}

/** An authenticator and the field in which it was found. */
type TotpIn = ForeignTotp & { readonly field: string }

/**
 * Many applications keep a secret and the URI with the same secret in two columns. Two authenticators of one key would
 * accept one code twice, and removing one of them would leave the other (R5, R40). The first name stays.
 */
function oneOfEachKey(found: readonly TotpIn[], fault: Fault): readonly ForeignTotp[] {
  const kept = new Map<string, ForeignTotp>()
  for (const { field, ...one } of found) {
    const key = keyOf(one.parameters)
    const first = kept.get(key)
    if (first !== undefined && !isAlike(first, one)) fault(field, 'totp-ambiguous')
    const name = first?.name ?? one.name
    kept.set(key, { ...(first ?? one), ...(name === undefined ? {} : { name }) })
  }
  if (kept.size > MOST_OF_A_FACTOR) fault(found[0]?.field ?? '', 'too-many')
  return [...kept.values()]
}

function isAlike({ parameters: one }: ForeignTotp, { parameters: other }: ForeignTotp): boolean {
  return (
    one.algorithm === other.algorithm &&
    one.digits === other.digits &&
    one.periodSeconds === other.periodSeconds
  )
}

function codesOf(
  given: Found | undefined,
  form: CodeForm | undefined,
  warnings: Set<ImportWarning>,
  fault: Fault,
): ReadCodes | undefined {
  if (given === undefined) return undefined
  const codes = readForeignCodes(given.value, form)
  if (!('fault' in codes)) {
    // One entry for each code: a code that is listed twice would be accepted twice (R5, R40).
    const values = [...new Set(codes.values)]
    return values.length === 0 ? undefined : { ...codes, values }
  }
  if (codes.fault === 'codes-hash-unknown') warnings.add('codes-hash-unknown')
  else fault(given.field, codes.fault)
  return undefined
}

function encodingOf(given: Found | undefined, fault: Fault): SecretEncoding | undefined {
  const said = SECRET_ENCODINGS.find((one) => one === given?.value)
  if (given !== undefined && said === undefined) fault(given.field, 'secret-encoding-unknown')
  return said
}

function formOf(given: Found | undefined, fault: Fault): CodeForm | undefined {
  if (given === undefined) return undefined
  const form = readCodeForm(given.value)
  if (form === undefined) fault(given.field, 'code-form-unknown')
  return form
}

/** `upper`, `lower` or `as-is`, and `compact` where separators were taken out: `upper,compact`. */
export function readCodeForm(given: unknown): CodeForm | undefined {
  const [, letters, compact, alone] =
    /^(as-is|upper|lower)(?:,(compact))?$|^(compact)$/.exec(
      typeof given === 'string' ? given : '',
    ) ?? []
  if (letters === undefined && alone === undefined) return undefined
  return {
    letters: (letters ?? 'as-is') as CodeForm['letters'],
    separators: (compact ?? alone) === undefined ? 'kept' : 'removed',
  }
}

/** The fields of these names that are present and not empty, in the order of the names. */
function allOf(fields: FieldsToImport, names: readonly string[]): readonly Found[] {
  return names
    .filter((field) => Object.hasOwn(fields, field) && !isEmpty(fields[field]))
    .map((field) => ({ field, value: fields[field] }))
}

/** Whether both are the same text or number, or lists of the same. Objects are compared by identity. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((each, at) => isSame(each, other[at]))
}

/** Whether a database stored no value: null, an empty text, or an empty list or array, which may be written as text. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === 'string')
    return isNothing(value) || /^\s*(?:\[\s*\]|\{\s*\})\s*$/.test(value)
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

/**
 * Whether the second factor was on. Undefined: no field says so. A flag that is present and empty was never set: nobody
 * confirmed the set-up that the secret beside it belongs to, and the secret would shut its owner out if it were taken
 * for a factor. A table without any flag says nothing about it.
 */
function isOnIn(
  fields: FieldsToImport,
  enabled: Found | undefined,
  confirmed: Found | undefined,
  fault: Fault,
): boolean | undefined {
  const byFlag = enabled && readBoolean(enabled.value)
  if (enabled !== undefined && byFlag === undefined) fault(enabled.field, 'enabled-unreadable')
  const byTime = confirmed && readConfirmed(confirmed.value)
  if (confirmed !== undefined && byTime === undefined) fault(confirmed.field, 'enabled-unreadable')
  const never = byTime === false ? confirmed?.field : emptyField(fields, CONFIRMED, confirmed)
  // The flag says on, but the set-up was never confirmed. One of the two is wrong, and a wrong choice would lock the
  // owner out or let others in.
  if (byFlag === true && never !== undefined) fault(never, 'ambiguous')
  if (byFlag !== undefined) return byFlag
  if (never !== undefined) return false
  return byTime ?? (emptyField(fields, ENABLED, undefined) === undefined ? undefined : false)
}

/** The first of these names that is present, where none of them has a value. */
function emptyField(
  fields: FieldsToImport,
  names: readonly string[],
  found: Found | undefined,
): string | undefined {
  if (found !== undefined) return undefined
  return names.find((name) => Object.hasOwn(fields, name) && fields[name] !== undefined)
}

/** Reads yes or no as databases and spreadsheets write it. Undefined: neither. */
export function readBoolean(value: unknown): boolean | undefined {
  const word = textOf(value).trim().toLowerCase()
  if (['true', '1', 't', 'yes', 'y', 'on'].includes(word)) return true
  return ['false', '0', 'f', 'no', 'n', 'off'].includes(word) ? false : undefined
}

/**
 * Reads a time as true, and yes or no as `readBoolean` does. Undefined: neither. MySQL writes a missing time as zeros.
 */
function readConfirmed(value: unknown): boolean | undefined {
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  const text = textOf(value).trim()
  if (/^0000-00-00/.test(text)) return false
  return /^\d{4}-\d{2}-\d{2}(?:\D|$)|^[1-9]\d{8,15}(?:\.\d+)?$/.test(text)
    ? true
    : readBoolean(text)
}

/** A single value, a list, or JSON text of a list, as a list. Undefined: none of these. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[]
  if (typeof value === 'object') return [value]
  if (typeof value !== 'string') return undefined
  if (!value.trim().startsWith('[')) return [value]
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? (list as readonly unknown[]) : undefined
  } catch {
    return undefined
  }
}
