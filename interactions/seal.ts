import type { Amr } from '../src/domain/assurance.ts'
import type { Strength } from '../src/domain/policy/levels.ts'
import type { Proof, Upstream, UpstreamAssurance } from '../src/domain/policy/proofs.ts'
import type { PendingFirstFactor } from '../src/domain/first-factor.ts'
import type { Instant } from '../src/domain/time.ts'
import type { Macs } from '../src/http/csrf.ts'
import {
  fieldsOf,
  isAbsent,
  isFlag,
  isTexts,
  parseProofs,
  parseUpstreamAssurance,
} from './sealed-shapes.ts'

/** The `login` that the host stores as a session. The plugin accepts only a sealed one. */
export interface SealedLogin {
  readonly accountId: string
  readonly acr: string
  readonly amr: readonly Amr[]
  readonly ts: Instant
  readonly epoch: number
  readonly remember?: boolean
  readonly seal: string
  /** The proofs on which the level rests, under a seal of their own: releases that do not know them ignore both. */
  readonly proofs?: readonly Proof[]
  readonly proofsSeal?: string
}

export type SealedFirstFactor = PendingFirstFactor & { readonly seal: string }

/**
 * Binds a result to the authorization (`cid`) in which it was reached. A result has no seal that fits if it comes from
 * a login page that does not use the plugin, from another sign-in, or from a document edited in the database.
 */
export function sealLogin(
  macs: Macs,
  cid: string,
  login: Omit<SealedLogin, 'seal' | 'proofsSeal'>,
): SealedLogin {
  const seal = macs.mac('login', loginMessage(cid, login))
  const { proofs } = login
  if (proofs === undefined) return { ...login, seal }
  return { ...login, seal, proofsSeal: macs.mac('login-proofs', proofsMessage(seal, proofs)) }
}

/**
 * Undefined: the seal does not fit, or a member has another shape than we write. The returned proofs have only members that
 * the seal covers.
 */
export function parseLogin(macs: Macs, cid: unknown, value: unknown): SealedLogin | undefined {
  const login = fieldsOf(value)
  if (
    typeof cid !== 'string' ||
    typeof login.accountId !== 'string' ||
    typeof login.acr !== 'string' ||
    !isTexts(login.amr) ||
    !Number.isFinite(login.ts) ||
    !Number.isFinite(login.epoch) ||
    !isFlag(login.remember) ||
    typeof login.seal !== 'string'
  )
    return undefined
  const sealed = value as SealedLogin
  if (!macs.verifyMac('login', loginMessage(cid, sealed), sealed.seal)) return undefined
  const { proofs: told, proofsSeal, remember, ...others } = sealed
  const rest = { ...others, ...(isAbsent(remember) ? {} : { remember }) }
  if (isAbsent(told)) return rest
  // Proofs that somebody has changed make the whole login void.
  const proofs = parseProofs(told)
  return proofs !== undefined &&
    typeof proofsSeal === 'string' &&
    macs.verifyMac('login-proofs', proofsMessage(sealed.seal, proofs), proofsSeal)
    ? { ...rest, proofs, proofsSeal }
    : undefined
}

/**
 * Binds the proofs to the seal of their login, and so to the authorization. Some storages change the order of members, so
 * the message has an order of its own.
 */
function proofsMessage(seal: string, proofs: readonly Proof[]): string {
  return JSON.stringify([seal, toldOf(proofs)])
}

function toldOf(proofs: readonly Proof[]): readonly unknown[] {
  return proofs.map((proof) => [
    proof.factor ?? null,
    proof.time,
    proof.amr,
    proof.kinds,
    proof.phishingResistant,
    proof.recoveredAt ?? null,
    ...upstreamMessage(proof.upstream),
    ...hardwareMessage(proof),
  ])
}

/** Two entries, and one for hardware: the length of the message of a proof says which of the two it has. */
function upstreamMessage(upstream: Upstream | undefined): readonly unknown[] {
  return upstream === undefined ? [] : [upstream.issuer, upstream.isEarlier]
}

function hardwareMessage({ hardware }: Strength): readonly unknown[] {
  return hardware === true ? [true] : []
}

export function sealFirstFactor(
  macs: Macs,
  cid: string,
  pending: PendingFirstFactor,
): SealedFirstFactor {
  return { ...pending, seal: macs.mac('first-factor', pendingMessage(cid, pending)) }
}

/** Undefined: the seal does not fit, or a member has another shape than we write. */
export function parseFirstFactor(
  macs: Macs,
  cid: unknown,
  value: unknown,
): PendingFirstFactor | undefined {
  const pending = fieldsOf(value)
  if (
    typeof cid !== 'string' ||
    typeof pending.accountId !== 'string' ||
    !isTexts(pending.amr) ||
    !Number.isFinite(pending.ts) ||
    !Number.isFinite(pending.answeredAt) ||
    !Number.isFinite(pending.epoch) ||
    !isFlag(pending.remember) ||
    !isFlag(pending.isEarlier) ||
    !isFlag(pending.alone) ||
    typeof pending.seal !== 'string'
  )
    return undefined
  const {
    upstream: word,
    proofs: told,
    remember,
    isEarlier,
    alone,
    ...rest
  } = value as SealedFirstFactor
  const upstream = isAbsent(word) ? undefined : parseUpstreamAssurance(word)
  const proofs = isAbsent(told) ? undefined : parseProofs(told)
  const isWhole = isAbsent(word) === (upstream === undefined)
  if (!isWhole || isAbsent(told) !== (proofs === undefined)) return undefined
  const sealed = {
    ...rest,
    ...(isAbsent(remember) ? {} : { remember }),
    ...(isEarlier === true ? { isEarlier } : {}),
    ...(alone === true ? { alone } : {}),
    ...(upstream === undefined ? {} : { upstream }),
    ...(proofs === undefined ? {} : { proofs }),
  }
  return macs.verifyMac('first-factor', pendingMessage(cid, sealed), sealed.seal)
    ? sealed
    : undefined
}

function loginMessage(cid: string, login: Omit<SealedLogin, 'seal'>): string {
  const { accountId, acr, amr, ts, epoch, remember } = login
  return JSON.stringify([cid, accountId, acr, amr, ts, epoch, remember !== false])
}

/** No two first factors that differ have one message: the place of a member says which one it is. */
function pendingMessage(cid: string, pending: PendingFirstFactor): string {
  const { accountId, amr, ts, answeredAt, epoch, remember, upstream: assurance } = pending
  const { isEarlier, proofs, alone } = pending
  const plain = [cid, accountId, amr, ts, answeredAt, epoch, remember !== false]
  const more = [assurance, proofs].some((one) => one !== undefined) || isEarlier || alone
  if (more !== true) return JSON.stringify(plain)
  return JSON.stringify([
    ...plain,
    assurance === undefined ? null : assuranceMessage(assurance),
    isEarlier === true,
    proofs === undefined ? null : toldOf(proofs),
    alone === true,
  ])
}

function assuranceMessage(assurance: UpstreamAssurance): unknown {
  const { kinds, phishingResistant, upstream } = assurance
  return [kinds, phishingResistant, ...upstreamMessage(upstream), ...hardwareMessage(assurance)]
}
