import { MfaError } from '../../domain/errors.ts'
import type { AuthenticatorDetail, FactorEventDetail } from '../../domain/events.ts'
import type { Json } from '../../domain/json.ts'
import type { Factor } from '../factor.ts'
import { normaliseTyped } from '../normalise.ts'
import { drawSymbols, formatCode, INDEXES, readCode } from './code.ts'

export type BackupCodesState = {
  /** Argon2id, each with its own salt, in the order of their indexes; null once spent (R8). */
  readonly hashes: readonly (string | null)[]
}

export interface BackupCodeResponse {
  /** `0` to `9`. */
  readonly index: string
  /** In the alphabet of the codes, without separators. */
  readonly symbols: string
}

export interface BackupCodeProof {
  readonly slot: number
  /**
   * The hash against which it was checked: if the set was renewed meanwhile, a code of the old set spends nothing in
   * the new one.
   */
  readonly hash: string
}

/** The events that this factor tells besides the general ones. */
export const BACKUP_CODE_EVENTS = [
  'backup-codes-created', // a set was made; `reason`: renewed, where it took the place of another
  'backup-code-used',
] as const satisfies readonly (keyof BackupCodeEventDetails)[]

/** The detail of each of them. */
export interface BackupCodeEventDetails {
  'backup-codes-created': FactorEventDetail & { readonly reason?: 'renewed' }
  /** `remaining`: the codes that are left. */
  'backup-code-used': AuthenticatorDetail & { readonly remaining: number }
}

export type BackupCodes = Factor<BackupCodesState, null, null, BackupCodeResponse, BackupCodeProof>

/**
 * Ten backup codes: look-up secrets (NIST SP 800-63B-4 3.1.2) that sign in once each when the phone is gone.
 *
 * The first character of a code selects the one hash to check; otherwise every guess would cost the server ten slow
 * hashes.
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
    remaining: ({ hashes }) => hashes.filter((hash) => hash !== null).length,

    parseResponse({ backupCode }) {
      const typed = normaliseTyped(backupCode)
      return typed === undefined ? undefined : readCode(typed)
    },
    canonical: ({ index, symbols }) => index + symbols,

    /**
     * A spent slot costs a verification too (the hasher promises this for a text that is no hash): the time of the
     * answer must not show which codes are left.
     */
    async examine({ states, response: { index, symbols }, hasher }) {
      const slot = INDEXES.indexOf(index)
      for (const { authenticatorId, state } of states) {
        const hash = state.hashes[slot] ?? SPENT
        if (await hasher.verify(hash, symbols))
          return { outcome: 'proved', authenticatorId, proof: { slot, hash } }
      }
      return { outcome: 'refused' }
    },
    consume: ({ hashes }, { slot, hash }) =>
      hashes[slot] === hash ? { hashes: hashes.with(slot, null) } : undefined,

    /** Each code may have been used since the backup was made, and nothing says which were. */
    afterRestore: ({ hashes }) => ({ hashes: hashes.map(() => null) }),

    assurance: () => ({ amr: ['backup_code'], kinds: ['possession'], phishingResistant: false }),

    eventTypes: BACKUP_CODE_EVENTS,
    eventsOf(happened) {
      if (happened.what === 'accepted') return [{ type: 'backup-code-used' }]
      return [
        {
          type: 'backup-codes-created',
          ...(happened.renewed ? { detail: { reason: 'renewed' } } : {}),
        },
      ]
    },
  }
}

/** Not a hash, so no code verifies against it. */
const SPENT = 'spent'

function parseState(stored: Json): BackupCodesState {
  const { hashes } = Object(stored) as Readonly<Record<string, unknown>>
  if (!Array.isArray(hashes) || hashes.length !== INDEXES.length || !hashes.every(isSlot))
    throw unreadable()
  return { hashes }
}

function isSlot(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.startsWith('$argon2id$'))
}

/** Codes are not confirmed and ask for no challenge. */
function nothingKept(stored: Json): null {
  if (stored !== null) throw unreadable()
  return stored
}

function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not a set of backup codes')
}
