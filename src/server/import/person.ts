import {
  hashOfCredential,
  readForeignHash,
  storedForm,
  type HashFault,
  type HashKind,
} from '../../adapters/crypto/foreign-hash/index.ts'
import type { JsonObject } from '../../domain/json.ts'
import { CLAIMS_OF_SCOPE, readClaims } from '../accounts/claims.ts'
import { MOST_ADDED } from '../accounts/addresses.ts'
import { isAddress, isGroup, normaliseName } from '../accounts/name.ts'

/** A person of an import file, without their second factor. */
export interface ImportedPerson {
  readonly username: string
  readonly email?: string
  readonly emailVerified: boolean
  /** More verified addresses, for notices and recovery. */
  readonly addresses?: readonly string[]
  readonly passwordHash?: string
  /** The kind of that hash, which decides the cost of a check. */
  readonly hashKind?: HashKind
  readonly groups: readonly string[]
  readonly claims: JsonObject
  readonly disabled?: boolean
}

export interface PersonFault {
  readonly field: string
  readonly code:
    | HashFault
    | 'username-missing'
    | 'username-unfit'
    | 'email-unfit'
    | 'email-verified-unreadable'
    | 'disabled-unreadable'
    | 'groups-unreadable'
    | 'addresses-unfit'
    | 'addresses-too-many'
    | 'claims-unfit'
}

export type PersonReading =
  { readonly person: ImportedPerson } | { readonly faults: readonly PersonFault[] }

const USERNAME = ['username', 'user_name', 'login']
const EMAIL = ['email', 'email_address']
const EMAIL_VERIFIED = ['emailVerified', 'email_verified']
const ADDRESSES = ['verifiedAddresses', 'verified_addresses']
const DISABLED = 'disabled'
const PASSWORD_HASH = ['passwordHash', 'password_hash']

/** Every name that is read here. */
export const PERSON_FIELDS: readonly string[] = [
  ...USERNAME,
  ...EMAIL,
  ...EMAIL_VERIFIED,
  ...ADDRESSES,
  ...PASSWORD_HASH,
  DISABLED,
  'groups',
  'claims',
]

/** Reads a line. Addresses count as verified, as with `user add`, unless `emailsVerified` or the line says otherwise. */
export function readPerson(
  fields: Readonly<Record<string, unknown>>,
  { emailsVerified = true }: { readonly emailsVerified?: boolean } = {},
): PersonReading {
  const faults: PersonFault[] = []
  const fault = (field: string, code: PersonFault['code']): void =>
    void faults.push({ field, code })
  const claims = readClaims(readJson(find(fields, ['claims'])) ?? {})
  if (!claims.ok) for (const field of claimsIn(claims.faults)) fault(field, 'claims-unfit')
  const { username, email, emailVerified } = identityIn(fields, emailsVerified)
  if (email !== undefined && !isAddressText(email)) fault('email', 'email-unfit')
  if (username === undefined) fault('username', 'username-missing')
  else if (!isName(username)) fault('username', 'username-unfit')

  const said = find(fields, EMAIL_VERIFIED)
  if (said !== undefined && readBoolean(said) === undefined)
    fault('emailVerified', 'email-verified-unreadable')

  const saidDisabled = find(fields, [DISABLED])
  const disabled = saidDisabled === undefined ? false : readBoolean(saidDisabled)
  if (disabled === undefined) fault(DISABLED, 'disabled-unreadable')

  const given = passwordIn(fields)
  const passwordHash = typeof given === 'string' ? given : undefined
  const hash = passwordHash === undefined ? undefined : readForeignHash(passwordHash)
  if (given !== passwordHash) fault('passwordHash', 'hash-unknown')
  if (hash !== undefined && 'fault' in hash) fault('passwordHash', hash.fault)

  const groups = groupsOf(find(fields, ['groups']))
  if (groups === undefined) fault('groups', 'groups-unreadable')
  const addresses = addressesOf(find(fields, ADDRESSES), email)
  if (typeof addresses === 'string') fault('verifiedAddresses', addresses)

  if (faults.length > 0 || !isName(username)) return { faults }
  if (groups === undefined || disabled === undefined || !claims.ok) return { faults }
  if (typeof addresses === 'string') return { faults }
  return {
    person: {
      username,
      ...(isAddressText(email) ? { email } : {}),
      emailVerified,
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(passwordHash === undefined ? {} : { passwordHash: storedForm(passwordHash) }),
      ...(hash !== undefined && 'kind' in hash ? { hashKind: hash.kind } : {}),
      groups,
      claims: claims.claims,
      ...(disabled ? { disabled } : {}),
    },
  }
}

/**
 * The normalised names that a line is about; of a line with faults, the names that can be read. An address is a name
 * where it counts as verified.
 */
export function namesIn(
  fields: Readonly<Record<string, unknown>>,
  { emailsVerified = true }: { readonly emailsVerified?: boolean } = {},
): readonly string[] {
  const { username, email, emailVerified } = identityIn(fields, emailsVerified)
  return [username, ...(emailVerified ? [email] : [])].flatMap((name) => {
    // A number is no valid name, but it identifies the person of the line.
    const text = typeof name === 'number' ? String(name) : name
    const normalised = typeof text === 'string' ? normaliseName(text) : undefined
    return normalised === undefined ? [] : [normalised]
  })
}

/** User name and address as the line has them: read in one place for the import and for the check of repeated lines. */
function identityIn(
  fields: Readonly<Record<string, unknown>>,
  emailsVerified: boolean,
): { readonly username: unknown; readonly email: unknown; readonly emailVerified: boolean } {
  const claims = readJson(find(fields, ['claims']))
  const claimed = (name: string): unknown =>
    typeof claims === 'object' && claims !== null ? find({ ...claims }, [name]) : undefined
  const email = trimmed(find(fields, EMAIL) ?? claimed('email'))
  return {
    username: trimmed(find(fields, USERNAME)) ?? email,
    email,
    emailVerified:
      readBoolean(find(fields, EMAIL_VERIFIED)) ??
      readBoolean(claimed('email_verified')) ??
      emailsVerified,
  }
}

/** The hash as a text, which an object with its parts becomes. Undefined: there is none. */
function passwordIn(fields: Readonly<Record<string, unknown>>): unknown {
  const given = readJson(find(fields, PASSWORD_HASH))
  return typeof given === 'object' && !Array.isArray(given)
    ? hashOfCredential({ ...given })
    : trimmed(given)
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && normaliseName(value) !== undefined

const isAddressText = (value: unknown): value is string =>
  typeof value === 'string' && isAddress(value)

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value)

/**
 * Which claims are at fault; a name that is not a standard claim is not reported, because it may be a secret in the
 * wrong place (R31).
 */
function claimsIn(faults: readonly string[]): readonly string[] {
  const fields = faults.map((fault) => {
    const [name = ''] = fault.split(/[.:]/)
    return STANDARD_CLAIMS.includes(name) ? `claims.${name}` : 'claims'
  })
  return [...new Set(fields)]
}

const STANDARD_CLAIMS = Object.values(CLAIMS_OF_SCOPE).flat()

function find(fields: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  return names
    .map((name) => (Object.hasOwn(fields, name) ? fields[name] : undefined))
    .find((value) => value !== undefined && value !== null && !isNothing(value))
}

/** An empty text, or one with which a database writes nothing: `NULL`, and `\N` of MySQL and of Postgres' COPY. */
function isNothing(value: unknown): boolean {
  return typeof value === 'string' && /^\s*(?:null|\\n)?\s*$/i.test(value)
}

function readBoolean(value: unknown): boolean | undefined {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value
  if ([true, 1, 'true', '1', 't', 'yes', 'y', 'on'].includes(word as string)) return true
  return [false, 0, 'false', '0', 'f', 'no', 'n', 'off'].includes(word as string)
    ? false
    : undefined
}

function groupsOf(value: unknown): readonly string[] | undefined {
  return listOf(value, isGroup)
}

/** The addresses in one spelling each, without the person's own. The line vouches for them: the field's name says so. */
function addressesOf(
  value: unknown,
  own: unknown,
): readonly string[] | 'addresses-unfit' | 'addresses-too-many' {
  const listed = listOf(value, (text) => isAddress(text) && normaliseName(text) !== undefined)
  if (listed === undefined) return 'addresses-unfit'
  const ofOwn = typeof own === 'string' ? normaliseName(own) : undefined
  const byName = new Map(listed.map((address) => [normaliseName(address), address]))
  const addresses = [...byName].flatMap(([name, address]) => (name === ofOwn ? [] : [address]))
  return addresses.length > MOST_ADDED ? 'addresses-too-many' : addresses
}

/** A list, JSON text of one, or names with commas, semicolons or spaces between. Undefined: a name is not fit. */
function listOf(value: unknown, isFit: (text: string) => boolean): readonly string[] | undefined {
  if (value === undefined) return []
  const list = readJson(value)
  const names: unknown =
    typeof list === 'string' ? list.split(/[\s,;]+/).filter((name) => name !== '') : list
  return Array.isArray(names) && names.every((name) => typeof name === 'string' && isFit(name))
    ? (names as readonly string[])
    : undefined
}

/** A cell of a table may hold JSON. */
function readJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}
