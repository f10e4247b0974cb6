import { MfaError } from '../../domain/errors.ts'
import type { Json } from '../../domain/json.ts'
import type { Factor, Form } from '../factor.ts'
import { findForeignSlot, readForeignTyped, type ForeignCodes } from './foreign.ts'
import { normaliseTyped } from '../normalise.ts'
import { drawSymbols, formatCode, INDEXES, readCode } from './code.ts'

export type BackupCodesState = OwnCodes | { readonly foreign: ForeignCodes }

export type OwnCodes = {
  /** Argon2id, each with its own salt, in the order of their indexes; null once spent (R8). */
  readonly hashes: readonly (string | null)[]
}

export type BackupCodeResponse =
  | {
      /** `0` to `9`. */
      readonly index: string
      /** In the alphabet of the codes, without separators. */
      readonly symbols: string
    }
  /** A code of another product, whose form the state knows. */
  | { readonly typed: string }

export interface BackupCodeProof {
  readonly slot: number
  /** The hash it was checked against: a set made anew meanwhile is not touched by a code of the old one. */
  readonly hash: string
}

export type BackupCodes = Factor<BackupCodesState, null, null, BackupCodeResponse, BackupCodeProof>

/**
 * Ten backup codes: look-up secrets (NIST SP 800-63B-4 3.1.2) that sign in once each when the phone is gone.
 *
 * The first character of a code selects the one hash to check; otherwise every guess would cost ten slow hashes,
 * and ten times as much to whoever is being flooded.
 */
export function backupCodes(): BackupCodes {
  return {
    id: 'backup-codes',
    pages: {
      views: new URL('../../../views/factors/backup-codes/', import.meta.url),
      names: { verify: 'backup-code-verify' },
    },
    enrolment: 'issued',
    guessable: true,

    parseState,
    parsePending: nothingKept,
    parseChallenge: nothingKept,

    /** One hash after the other: ten at once would crowd other people's sign-ins out of the bounded queue. */
    async issue({ random, hasher }) {
      const hashes: string[] = []
      const shown: string[] = []
      for (const index of INDEXES) {
        const symbols = drawSymbols(random)
        hashes.push(await hasher.hash(symbols))
        shown.push(formatCode(index, symbols))
      }
      return { state: { hashes }, shown }
    },
    remaining: (state) => slotsOf(state).filter((hash) => hash !== null).length,

    parseResponse: readOwn,
    parseResponseFor(form, states) {
      if (!states.some((state) => 'foreign' in state)) return readOwn(form)
      const typed = readForeignTyped(form.backupCode)
      return typed === undefined ? undefined : { typed }
    },
    canonical: (response) =>
      'typed' in response ? `typed ${response.typed}` : response.index + response.symbols,

    /**
     * A spent slot costs a verification all the same (the hasher's promise for what is no hash): the time of the
     * answer must not say which codes are left.
     */
    async examine({ state, response, hasher }) {
      if ('foreign' in state) {
        const { typed } = 'typed' in response ? response : { typed: '' }
        const proof = await findForeignSlot(state.foreign, typed, hasher)
        return proof === undefined ? { outcome: 'refused' } : { outcome: 'proved', proof }
      }
      // The set was another product's when this was typed, and was made anew meanwhile.
      const { index, symbols } = 'typed' in response ? { index: '', symbols: '' } : response
      const slot = INDEXES.indexOf(index)
      const hash = state.hashes[slot] ?? SPENT
      return (await hasher.verify(hash, symbols))
        ? { outcome: 'proved', proof: { slot, hash } }
        : { outcome: 'refused' }
    },
    consume: (state, { slot, hash }) =>
      slotsOf(state)[slot] === hash
        ? withSlots(state, (slots) => slots.with(slot, null))
        : undefined,

    /** Any of them may have been used since the backup was made, and nothing says which. */
    afterRestore: (state) => withSlots(state, (slots) => slots.map(() => null)),

    assurance: () => ({ amr: ['backup_code'], kinds: ['possession'], phishingResistant: false }),
  }
}

function readOwn({ backupCode }: Form): { index: string; symbols: string } | undefined {
  const typed = normaliseTyped(backupCode)
  return typed === undefined ? undefined : readCode(typed)
}

/** No hash, so that nothing verifies against it. */
const SPENT = 'spent'

function slotsOf(state: BackupCodesState): readonly (string | null)[] {
  return 'foreign' in state ? state.foreign.hashes : state.hashes
}

function withSlots(
  state: BackupCodesState,
  change: (slots: readonly (string | null)[]) => readonly (string | null)[],
): BackupCodesState {
  const hashes = change(slotsOf(state))
  return 'foreign' in state ? { foreign: { ...state.foreign, hashes } } : { hashes }
}

function parseState(stored: Json): BackupCodesState {
  const { hashes, foreign } = Object(stored) as Readonly<Record<string, unknown>>
  if (isForeign(foreign)) return { foreign }
  if (!Array.isArray(hashes) || hashes.length !== INDEXES.length || !hashes.every(isSlot))
    throw unreadable()
  return { hashes }
}

function isSlot(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.startsWith('$argon2id$'))
}

function isForeign(value: unknown): value is ForeignCodes {
  const { form, digest, hashes } = Object(value) as Readonly<Record<string, unknown>>
  const { letters, separators } = Object(form) as Readonly<Record<string, unknown>>
  return (
    ['as-is', 'upper', 'lower'].includes(letters as string) &&
    ['kept', 'removed'].includes(separators as string) &&
    ['none', 'sha256', 'sha512'].includes(digest as string) &&
    Array.isArray(hashes) &&
    hashes.every(isSlot)
  )
}

/** Codes are not confirmed and ask for no challenge. */
function nothingKept(stored: Json): null {
  if (stored !== null) throw unreadable()
  return stored
}

function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not a set of backup codes')
}
