import type { PasswordHasher } from '../ports/services.ts'
import {
  inForm,
  LONGEST_CODE,
  selectorOf,
  SHORTEST_CODE,
  type CodeDigest,
  type CodeForm,
} from '../factors/imported-codes/code.ts'
import { listOfCodes } from './code-list.ts'
import { isWord } from './words.ts'
import type { ImportedCodesState } from '../factors/imported-codes/index.ts'

export type ForeignCodesFault =
  | 'codes-unreadable' // neither a list of texts nor a text that holds one
  | 'codes-too-many'
  | 'codes-mixed' // plain codes beside hashes
  | 'codes-hash-unknown' // salted, or of a kind that cannot be wrapped

export interface ReadCodes {
  readonly form: CodeForm
  readonly digest: CodeDigest
  /** Texts that are still to be hashed; with `areHashed`, argon2id hashes that are kept. Never shown. */
  readonly values: readonly string[]
  readonly areHashed: boolean
  /** Fast hashes of codes whose form nobody said: a typed code is tried in every form. */
  readonly anyForm?: true
  /** Strength of the weakest code, from its length and the alphabet of the whole set; undefined for hashes. */
  readonly bits?: number
}

/** Most codes of a set: each one costs a slow hash at every attempt. */
const MOST_CODES = 20

/** An argon2id hash in PHC form; its parameters may be in any order. */
const ARGON2ID = /^\$argon2id\$v=19\$([mtp]=[^$]+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
/** Lengths that the hasher reads. It refuses others, so such a code would never be accepted. */
const SALT_BYTES = { least: 8, most: 48 }
const TAG_BYTES = { least: 10, most: 64 }
const MOST_LANES = 9
/** Most work for one code, in KiB times passes: 64 MiB and four passes, or 85 MiB and three. */
const MOST_WORK_KIB = 256 * 1024
/**
 * Most work for a whole set, which every attempt computes: about ten codes at 64 MiB and three passes, the second
 * choice of RFC 9106. With more, somebody who has the password could keep a CPU busy for seconds with each wrong code.
 */
const MOST_WORK_OF_ALL_KIB = 2 * 1024 * 1024

/** Hashes that cannot be wrapped: salted ones (`$2b$...`, `pbkdf2:...`), and MD5 and SHA-1, known by their length. */
const OTHER_HASH = /^\$|^\w+:|^(?:[0-9a-f]{32}|[0-9a-f]{40})$/i

const DIGESTS = [
  { digest: 'sha256', encoding: 'hex', shape: /^[0-9a-f]{64}$/i },
  { digest: 'sha512', encoding: 'hex', shape: /^[0-9a-f]{128}$/i },
  { digest: 'sha256', encoding: 'base64', shape: /^[A-Za-z0-9+/_-]{43}=?$/ },
  { digest: 'sha512', encoding: 'base64', shape: /^[A-Za-z0-9+/_-]{86}(?:==)?$/ },
] as const

/** Alphabets of codes, the smallest first, with their number of symbols. */
const ALPHABETS: readonly [symbols: RegExp, size: number][] = [
  [/^\d*$/, 10],
  [/^(?:[0-9a-f]*|[0-9A-F]*)$/, 16],
  [/^(?:[a-z]*|[A-Z]*)$/, 26],
  [/^(?:[0-9a-z]*|[0-9A-Z]*)$/, 36],
]
const LARGEST_ALPHABET = 62

/**
 * Reads codes from everything that `listOfCodes` reads. `form` is the form in which hashed codes were hashed. Without it,
 * argon2id hashes count as hashed as they were shown, and codes behind a fast hash are tried in every form. The form of
 * plain codes is found from the codes themselves. No codes are read from an empty value.
 */
export function readForeignCodes(
  given: unknown,
  form?: CodeForm,
): ReadCodes | { readonly fault: ForeignCodesFault } {
  const codes = listOfCodes(given)
  if (codes === undefined) return { fault: 'codes-unreadable' }
  if (codes.length > MOST_CODES) return { fault: 'codes-too-many' }
  const asShown = form ?? { letters: 'as-is', separators: 'kept' }
  if (codes.length > 0 && areOurKind(codes))
    return { form: asShown, digest: 'none', values: codes, areHashed: true }
  const kind = DIGESTS.find(({ shape }) => codes.some((code) => shape.test(code)))
  if (kind === undefined) return readPlain(codes, form)
  if (!codes.every((code) => kind.shape.test(code))) return { fault: 'codes-mixed' }
  return {
    form: asShown,
    digest: kind.digest,
    values: codes.map((code) => Buffer.from(code, kind.encoding).toString('hex')),
    areHashed: false,
    ...(form === undefined ? { anyForm: true } : {}),
  }
}

/**
 * Hashes the codes, `atOnce` of them at the same time. In a process that serves sign-ins that is one: more would crowd
 * other people's sign-ins out of the bounded queue.
 */
export async function adoptCodes(
  read: ReadCodes,
  hasher: PasswordHasher,
  atOnce = 1,
): Promise<ImportedCodesState> {
  const { form, digest, values } = read
  const hashes = read.areHashed ? values : await hashAll(values, hasher, atOnce)
  const selectors = read.anyForm === true ? { selectors: values.map(selectorOf) } : {}
  return { form, digest, hashes, ...selectors }
}

/** The hashes have the order of the values, and so that of `selectors`. */
async function hashAll(
  values: readonly string[],
  hasher: PasswordHasher,
  atOnce: number,
): Promise<readonly string[]> {
  const hashes: string[] = []
  const waiting = values.entries()
  const hashOneByOne = async (): Promise<void> => {
    for (const [place, value] of waiting) hashes[place] = await hasher.hash(value)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, values.length) }, hashOneByOne))
  return hashes
}

/** Whether all are argon2id hashes that the hasher can compute, at a cost that every attempt can bear. */
function areOurKind(codes: readonly string[]): boolean {
  const works = codes.map(workOf)
  return (
    works.every((work) => work <= MOST_WORK_KIB) &&
    works.reduce((sum, work) => sum + work, 0) <= MOST_WORK_OF_ALL_KIB
  )
}

/** The work for an argon2id hash, in KiB times passes; infinite for a text that the hasher does not read. */
function workOf(code: string): number {
  const [, written = '', salt = '', tag = ''] = ARGON2ID.exec(code) ?? []
  const parameters = written.split(',')
  const m = valueOf(parameters, 'm')
  const t = valueOf(parameters, 't')
  const p = valueOf(parameters, 'p')
  const isRead =
    parameters.length === 3 && isOfLength(salt, SALT_BYTES) && isOfLength(tag, TAG_BYTES)
  // RFC 9106 3.1: eight blocks for each lane.
  const work = isRead && p <= MOST_LANES && m >= 8 * p ? m * t : NaN
  return Number.isNaN(work) ? Infinity : work
}

/** A parameter as a number; NaN where it is missing, zero or has more than six digits. Comparisons with NaN fail. */
function valueOf(parameters: readonly string[], name: string): number {
  const value = parameters.find((one) => one.startsWith(`${name}=`))?.slice(2) ?? ''
  return /^[1-9]\d{0,5}$/.test(value) ? Number(value) : NaN
}

/** Base64 without padding, and no spare bits set. */
function isOfLength(text: string, { least, most }: { least: number; most: number }): boolean {
  const bytes = Buffer.from(text, 'base64')
  const isWhole = bytes.toString('base64').replace(/=+$/, '') === text
  return isWhole && bytes.length >= least && bytes.length <= most
}

function readPlain(
  codes: readonly string[],
  given: CodeForm | undefined,
): ReadCodes | { readonly fault: ForeignCodesFault } {
  if (codes.some((code) => OTHER_HASH.test(code) || code.length > LONGEST_CODE))
    return { fault: 'codes-hash-unknown' }
  const symbols = codes.map((code) => inForm(code, { letters: 'as-is', separators: 'removed' }))
  if (symbols.some((code) => !isCode(code))) return { fault: 'codes-unreadable' }
  const all = symbols.join('')
  const oneCase = all === all.toUpperCase() || all === all.toLowerCase()
  const form = given ?? { letters: oneCase ? 'upper' : 'as-is', separators: 'removed' }
  const size = ALPHABETS.find(([shape]) => shape.test(all))?.[1] ?? LARGEST_ALPHABET
  const shortest = Math.min(...symbols.map((code) => code.length))
  return {
    form,
    digest: 'none',
    values: codes.map((code) => inForm(code.normalize('NFKC'), form)),
    areHashed: false,
    bits: Math.floor(shortest * Math.log2(size)),
  }
}

/** Letters and digits alone. Punctuation belongs to a shape that was not understood, and is no strength. */
function isCode(symbols: string): boolean {
  return (
    symbols.length >= SHORTEST_CODE && /^[\p{L}\p{M}\p{N}]+$/u.test(symbols) && !isWord(symbols)
  )
}
