import type { Amr } from '../src/domain/assurance.ts'
import type { Proof, Upstream } from '../src/domain/policy/proofs.ts'
import type { PendingFirstFactor } from '../src/domain/first-factor.ts'
import type { Instant } from '../src/domain/time.ts'
import type { Macs } from '../src/http/csrf.ts'

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

export function parseLogin(macs: Macs, cid: unknown, value: unknown): SealedLogin | undefined {
  const login = fieldsOf(value)
  if (
    typeof cid !== 'string' ||
    typeof login.accountId !== 'string' ||
    typeof login.acr !== 'string' ||
    !isTexts(login.amr) ||
    typeof login.ts !== 'number' ||
    typeof login.epoch !== 'number' ||
    typeof login.seal !== 'string'
  )
    return undefined
  const sealed = value as SealedLogin
  if (!macs.verifyMac('login', loginMessage(cid, sealed), sealed.seal)) return undefined
  const { proofs, proofsSeal, ...rest } = sealed
  if (proofs === undefined) return rest
  // Proofs that somebody has changed make the whole login void.
  return typeof proofsSeal === 'string' &&
    macs.verifyMac('login-proofs', proofsMessage(sealed.seal, proofs), proofsSeal)
    ? sealed
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
  return proofs.map(({ factor, time, amr, kinds, phishingResistant, recoveredAt, upstream }) => [
    factor ?? null,
    time,
    amr,
    kinds,
    phishingResistant,
    recoveredAt ?? null,
    ...upstreamMessage(upstream),
  ])
}

/** Absent where there is none, so that the seals of a release that knew no upstream provider still fit. */
function upstreamMessage(upstream: Upstream | undefined): readonly unknown[] {
  return upstream === undefined ? [] : [upstream.issuer, upstream.isEarlier]
}

export function sealFirstFactor(
  macs: Macs,
  cid: string,
  pending: PendingFirstFactor,
): SealedFirstFactor {
  return { ...pending, seal: macs.mac('first-factor', pendingMessage(cid, pending)) }
}

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
    typeof pending.ts !== 'number' ||
    typeof pending.answeredAt !== 'number' ||
    typeof pending.epoch !== 'number' ||
    typeof pending.seal !== 'string'
  )
    return undefined
  const sealed = value as SealedFirstFactor
  return macs.verifyMac('first-factor', pendingMessage(cid, sealed), sealed.seal)
    ? sealed
    : undefined
}

function loginMessage(cid: string, login: Omit<SealedLogin, 'seal'>): string {
  const { accountId, acr, amr, ts, epoch, remember } = login
  return JSON.stringify([cid, accountId, acr, amr, ts, epoch, remember !== false])
}

function pendingMessage(cid: string, pending: PendingFirstFactor): string {
  const { accountId, amr, ts, answeredAt, epoch, remember, upstream: assurance } = pending
  const { isEarlier, proofs, alone } = pending
  const { kinds, phishingResistant, upstream } = assurance ?? {}
  return JSON.stringify([
    cid,
    accountId,
    amr,
    ts,
    answeredAt,
    epoch,
    remember !== false,
    ...(assurance === undefined ? [] : [kinds, phishingResistant, ...upstreamMessage(upstream)]),
    // A node of another release knows the seal without these members.
    ...(isEarlier === true ? ['earlier'] : []),
    ...(proofs === undefined ? [] : ['proofs', toldOf(proofs)]),
    ...(alone === true ? ['alone'] : []),
  ])
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
