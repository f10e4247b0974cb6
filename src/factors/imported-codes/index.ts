import { MfaError } from '../../domain/errors.ts'
import type { Json } from '../../domain/json.ts'
import type { PasswordHasher } from '../../ports/services.ts'
import type { Factor } from '../factor.ts'
import {
  hashedText,
  hashedTexts,
  readTyped,
  selectorOf,
  type CodeDigest,
  type CodeForm,
} from './code.ts'

/**
 * Look-up secrets of another product. Each hash is argon2id with its own salt: of the code in the product's form, or,
 * where the product kept only a fast hash of the code, of that fast hash in hexadecimal.
 */
export type ImportedCodesState = {
  readonly form: CodeForm
  readonly digest: CodeDigest
  /** Null once spent. */
  readonly hashes: readonly (string | null)[]
  /**
   * Of fast hashes whose form nobody said: the first byte of each. A typed code is then tried in every form, and the byte
   * selects the hash to check. Absent: the form is known.
   */
  readonly selectors?: readonly number[]
}

export interface ImportedCodeProof {
  readonly slot: number
  /** The hash that the code was checked against. */
  readonly hash: string
  /** Other slots with the same code: the other product listed it twice. They are spent with it (R5). */
  readonly others?: readonly { readonly slot: number; readonly hash: string }[]
}

/** The response is the typed code, before it is brought to the form of its product. */
export type ImportedCodes = Factor<ImportedCodesState, null, null, string, ImportedCodeProof>

/**
 * Backup codes that a person brought from another product (NIST SP 800-63B-4 3.1.2, look-up secrets). Each signs in
 * once. `accounts.import` stores them; nobody can set them up here. Fresh backup codes take their place.
 */
export function importedCodes(): ImportedCodes {
  return {
    id: 'imported-codes',
    pages: { views: new URL('../../../views/factors/imported-codes/', import.meta.url) },
    enrolment: 'none',
    supersededBy: 'backup-codes',
    guessable: true,

    parseState,
    parsePending: nothingKept,
    parseChallenge: nothingKept,

    remaining: ({ hashes }) => hashes.filter((hash) => hash !== null).length,

    parseResponse: ({ backupCode }) => readTyped(backupCode),
    canonical: (typed) => typed,

    async examine({ states, response, hasher }) {
      for (const { authenticatorId, state } of states) {
        const proof = await findSlot(state, response, hasher)
        if (proof !== undefined) return { outcome: 'proved', authenticatorId, proof }
      }
      return { outcome: 'refused' }
    },
    consume(state, { slot, hash, others = [] }) {
      const matched = [{ slot, hash }, ...others]
      if (matched.some((one) => state.hashes[one.slot] !== one.hash)) return undefined
      const spent = new Set(matched.map((one) => one.slot))
      return { ...state, hashes: state.hashes.map((kept, at) => (spent.has(at) ? null : kept)) }
    },

    /** Each code may have been used since the backup was made, and nothing says which were. */
    afterRestore: (state) => ({ ...state, hashes: state.hashes.map(() => null) }),

    assurance: () => ({ amr: ['backup_code'], kinds: ['possession'], phishingResistant: false }),

    eventTypes: ['backup-code-used'],
    eventsOf: ({ what }) => (what === 'accepted' ? [{ type: 'backup-code-used' }] : []),
  }
}

/**
 * The slots whose code was typed: one, unless the other product listed a code twice. The number of verifications depends
 * on the set alone, also where slots are spent: the time of the answer shows neither which code matched nor how many
 * are left (R33).
 */
async function findSlot(
  state: ImportedCodesState,
  typed: string,
  hasher: PasswordHasher,
): Promise<ImportedCodeProof | undefined> {
  const found = new Map<number, string>()
  for (const { slot, text } of checksOf(state, typed)) {
    const hash = state.hashes[slot] ?? SPENT
    const matches = await hasher.verify(hash, text)
    if (matches && hash !== SPENT) found.set(slot, hash)
  }
  const [first, ...others] = [...found].map(([slot, hash]) => ({ slot, hash }))
  return first === undefined || others.length === 0 ? first : { ...first, others }
}

/** Which slots are checked against which texts. A slot that does not exist counts as spent. */
function checksOf(
  state: ImportedCodesState,
  typed: string,
): readonly { readonly slot: number; readonly text: string }[] {
  const { hashes, selectors } = state
  if (selectors === undefined)
    return hashes.map((_, slot) => ({ slot, text: hashedText(typed, state) }))
  const width = Math.max(...selectors.map((one) => slotsOf(selectors, one).length))
  return hashedTexts(typed, state.digest).flatMap((text) => {
    const slots = slotsOf(selectors, selectorOf(text))
    return Array.from({ length: width }, (_, at) => ({ slot: slots[at] ?? -1, text }))
  })
}

function slotsOf(selectors: readonly number[], selector: number): readonly number[] {
  return selectors.flatMap((one, slot) => (one === selector ? [slot] : []))
}

/** Not a hash, so no code verifies against it. */
const SPENT = 'spent'

function parseState(stored: Json): ImportedCodesState {
  const { form, digest, hashes, selectors } = Object(stored) as Readonly<Record<string, unknown>>
  if (!isForm(form) || !isDigest(digest) || !Array.isArray(hashes) || !hashes.every(isSlot))
    throw unreadable()
  const set = { form: { letters: form.letters, separators: form.separators }, digest, hashes }
  if (selectors === undefined) return set
  const areSelectors =
    digest !== 'none' &&
    Array.isArray(selectors) &&
    selectors.length === hashes.length &&
    selectors.every(isByte)
  if (!areSelectors) throw unreadable()
  return { ...set, selectors }
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}

function isForm(value: unknown): value is CodeForm {
  const { letters, separators } = Object(value) as Readonly<Record<string, unknown>>
  return (
    ['as-is', 'upper', 'lower'].includes(letters as string) &&
    ['kept', 'removed'].includes(separators as string)
  )
}

function isDigest(value: unknown): value is CodeDigest {
  return ['none', 'sha256', 'sha512'].includes(value as string)
}

function isSlot(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.startsWith('$argon2id$'))
}

/** Nothing is confirmed, and no challenge is sent. */
function nothingKept(stored: Json): null {
  if (stored !== null) throw unreadable()
  return stored
}

function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not a set of imported backup codes')
}
