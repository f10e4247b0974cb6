import { PENDING_SECONDS } from './first-factor.ts'
import type { KeptProof, MfaRecord } from './mfa-record.ts'
import type { Instant } from './time.ts'

/**
 * A page of the application's own asks for a fresh proof before it makes a change (R11). `secretHash` is the SHA-256, in
 * base64url, of a secret that the page keeps in the person's browser: the proof cannot be spent from another
 * browser that has seen the request.
 */
export interface ProofRequest {
  /** The change that the proof is for, in kebab-case. */
  readonly purpose: string
  readonly secretHash: string
}

/**
 * Most proofs of one account that wait to be spent. Sign-ins beside them push none of them out; only proofs that are
 * made after it push the oldest one out.
 */
const MOST_KEPT = 64

/** Keeps a proof for ten minutes from `at`, when the person has shown the factor. */
export function keepProof(record: MfaRecord, asked: ProofRequest, at: Instant): MfaRecord {
  const { purpose, secretHash } = asked
  const kept: KeptProof = { purpose, secretHash, at, epoch: record.epoch }
  const others = proofsOf(record).filter(
    (proof) => isFresh(proof, record.epoch, at) && proof.secretHash !== secretHash,
  )
  return { ...record, proofs: [...others, kept].slice(-MOST_KEPT) }
}

/** A proof as it is spent. */
export interface SpentProof extends ProofRequest {
  /** When a factor was last shown in the session that spends it. Absent: the caller does not know. */
  readonly provedAt?: Instant
}

/**
 * Spends a proof. Undefined: there is none of this purpose and secret, its ten minutes are over, it was spent, the epoch
 * has changed since, or it was made in another session than the one that spends it: a person who was lured to the
 * request of a thief has shown the factor for the thief's browser (R41).
 */
export function spendProof(
  record: MfaRecord,
  { purpose, secretHash, provedAt = Infinity }: SpentProof,
  now: Instant,
): MfaRecord | undefined {
  const proof = proofsOf(record).find(
    (kept) => kept.purpose === purpose && kept.secretHash === secretHash,
  )
  if (proof === undefined || !isFresh(proof, record.epoch, now) || provedAt < proof.at)
    return undefined
  return { ...record, proofs: proofsOf(record).filter((kept) => kept !== proof) }
}

function proofsOf({ proofs = [] }: MfaRecord): readonly KeptProof[] {
  return proofs
}

function isFresh(proof: KeptProof, epoch: number, now: Instant): boolean {
  return proof.epoch === epoch && now < proof.at + PENDING_SECONDS
}
