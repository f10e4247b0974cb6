import { acceptedIn, type Passed } from './attempt.ts'
import { doorsOf, type Door, type DoorSettings, type DoorState } from './doors.ts'
import { isEnrolled, raiseEpoch, wordsOfSet, type IssuedSet } from './enrolment.ts'
import type { AuthenticatorDetail, EventDraft, RequestDetail } from './events.ts'
import { remember, type BrowserClass } from './known-browser.ts'
import type { AcceptedAttempt, Authenticator, MfaRecord } from './mfa-record.ts'
import type { ProofRequest } from './proof.ts'
import type { Instant } from './time.ts'

/** A change that people make to their own factors. Each is made in an authorization that asks for it (R11). */
export type FactorChange =
  /** Sets up one more authenticator: of this factor, or of one that the person chooses. */
  | { readonly kind: 'add'; readonly factor?: string }
  /** Issues a new set of look-up secrets, which replaces the set before. */
  | { readonly kind: 'renew'; readonly factor: string }
  /** `replace` sets up another authenticator, and the old one goes in the commit that confirms it. */
  | { readonly kind: 'remove' | 'rename' | 'replace'; readonly authenticatorId: string }
  /** Proves a factor for a change that a page of the application's own makes. */
  | ({ readonly kind: 'prove' } & ProofRequest)

const FACTOR = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const AUTHENTICATOR = /^[\w-]{1,64}$/
/** The purpose is in kebab-case, the hash a SHA-256 in base64url. */
const PROOF = /^(?=.{45,108}$)([a-z][a-z0-9]*(?:-[a-z0-9]+)*):([\w-]{43})$/

/** Reads `add`, `add:FACTOR`, `renew:FACTOR`, `remove:ID`, `rename:ID`, `replace:ID`, `prove:PURPOSE:HASH`. Undefined: none of these. */
export function parseFactorChange(text: string): FactorChange | undefined {
  const at = text.indexOf(':')
  const [kind, target] = at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
  if (kind === 'add' && target === undefined) return { kind }
  if (target === undefined) return undefined
  if (kind === 'add' || kind === 'renew')
    return FACTOR.test(target) ? { kind, factor: target } : undefined
  if (kind === 'remove' || kind === 'rename' || kind === 'replace')
    return AUTHENTICATOR.test(target) ? { kind, authenticatorId: target } : undefined
  if (kind === 'prove') return proofIn(target)
  return undefined
}

function proofIn(text: string): FactorChange | undefined {
  const [, purpose, secretHash] = PROOF.exec(text) ?? []
  return purpose === undefined || secretHash === undefined
    ? undefined
    : { kind: 'prove', purpose, secretHash }
}

/**
 * Whether the account has the authenticator or the set that is to be changed. If it has no factor, adding one is a
 * first enrolment, which requires its own proof (R10).
 */
export function hasSubject(record: MfaRecord, change: FactorChange): boolean {
  switch (change.kind) {
    case 'add':
    case 'prove':
      return true
    case 'renew':
      return isEnrolled(record)
    case 'remove':
    case 'rename':
    case 'replace':
      return record.authenticators.some(({ id }) => id === change.authenticatorId)
  }
}

/**
 * The door that a change goes through. New look-up secrets take the place of the old ones, so a thief who makes them
 * replaces a way in of the owner. Undefined: the change opens and closes nothing.
 */
function doorOf({ kind }: FactorChange): Door | undefined {
  switch (kind) {
    case 'add':
    case 'remove':
    case 'replace':
      return kind
    case 'renew':
      return 'replace'
    case 'rename':
    case 'prove':
      return undefined
  }
}

export type ShutDoor = Extract<DoorState, { open: false }>

/** Why the account does not allow the change now. Undefined: it does. */
export function shutDoor(
  record: MfaRecord,
  change: FactorChange,
  now: Instant,
  settings: DoorSettings,
): ShutDoor | undefined {
  const door = doorOf(change)
  const state = door === undefined ? undefined : doorsOf(record, now, settings)[door]
  return state?.open === false ? state : undefined
}

/**
 * Whether the fresh password is the proof that was asked for: the account has no second factor. A first factor is not
 * set up with it, since that has a rule of its own (R10).
 */
export function isProvedByPassword(
  record: MfaRecord,
  change: FactorChange | undefined,
): change is FactorChange & { readonly kind: 'prove' } {
  return change?.kind === 'prove' && !isEnrolled(record)
}

/**
 * The fresh proof that one change may be made with (R11): a second factor that was accepted in this interaction, and so
 * in this browser, that is the last one of its sign-in, and that no change has been made with. A session is never such a
 * proof.
 */
export function unspentProof(
  record: MfaRecord,
  interaction: string,
  now: Instant,
): AcceptedAttempt | undefined {
  const accepted = acceptedIn(record, interaction, now)
  return accepted?.spentOn === undefined && accepted?.isPart !== true ? accepted : undefined
}

/**
 * Whether a factor may be added in this interaction, or replaced (R11): it has an unspent proof, or a set-up is in
 * progress that was begun with one. Reading a code off a new phone may take longer than the ten minutes of a proof. A
 * set-up that a recovery has begun is no such proof: otherwise it could go on as a change after the owner has cancelled
 * the recovery (R9).
 */
export function hasProofToAdd(record: MfaRecord, interaction: string, now: Instant): boolean {
  return (
    unspentProof(record, interaction, now) !== undefined ||
    isProvedSetUpOpen(record, interaction, now)
  )
}

/** Whether a set-up is in progress in this interaction that was begun with a fresh factor of the account. */
export function isProvedSetUpOpen(record: MfaRecord, interaction: string, now: Instant): boolean {
  return record.pending.some(
    (open) => open.interaction === interaction && open.isProved === true && open.expiresAt > now,
  )
}

/** The change that this interaction has made already, if the same change is requested again: a double tap (R38). */
export function repeatOfChange(
  record: MfaRecord,
  interaction: string,
  fingerprint: string,
  now: Instant,
): AcceptedAttempt | undefined {
  const accepted = acceptedIn(record, interaction, now)
  return accepted?.spentOn === fingerprint ? accepted : undefined
}

/**
 * Whether no lasting authenticator would be left. `lasts`: whether an authenticator neither runs out, as look-up
 * secrets do, nor has an end.
 */
export function isLastFactor(
  record: MfaRecord,
  { id }: Pick<Authenticator, 'id'>,
  lasts: (authenticator: Authenticator) => boolean,
): boolean {
  return !record.authenticators.some((other) => other.id !== id && lasts(other))
}

export interface ProvedChange {
  readonly proof: AcceptedAttempt
  /** Recognises the change when it is requested again. */
  readonly fingerprint: string
  readonly browser: BrowserClass
  /** The token that this browser is known by from now on. */
  readonly tokenHash: string
  readonly now: Instant
  readonly detail: RequestDetail
}

/** Removes an authenticator, and ends the sessions and grants of the account. */
export function settleRemoved(
  record: MfaRecord,
  removed: Authenticator,
  change: ProvedChange,
): Passed {
  const authenticators = record.authenticators.filter(({ id }) => id !== removed.id)
  const detail = about(change, removed)
  return settleChange({ ...record, authenticators }, change, 'factor-removed', [
    { type: 'factor-removed', detail },
  ])
}

/**
 * New look-up secrets take the place of all that the account has of these factors: a lost list of codes is not accepted
 * any more, whichever product has made it (R11).
 */
export function settleRenewed(
  record: MfaRecord,
  issued: IssuedSet,
  replaced: ReadonlySet<string>,
  change: ProvedChange,
): Passed {
  const { authenticator } = issued
  const others = record.authenticators.filter(({ factor }) => !replaced.has(factor))
  return settleChange(
    { ...record, authenticators: [...others, authenticator] },
    change,
    'factor-renewed',
    wordsOfSet(issued, about(change, authenticator)),
  )
}

/** Gives an authenticator another name. */
export function withName(record: MfaRecord, id: string, name: string): MfaRecord {
  const authenticators = record.authenticators.map((each) =>
    each.id === id ? { ...each, name } : each,
  )
  return { ...record, authenticators }
}

/** A new name changes no security: the proof is spent, and sessions and grants stay. */
export function settleRenamed(
  record: MfaRecord,
  renamed: Authenticator,
  change: ProvedChange,
): Passed {
  const accepted = spend(change, record.epoch)
  const { interaction } = accepted
  return {
    record: {
      ...withName(record, renamed.id, renamed.name),
      accepted: [...record.accepted.filter((one) => one.interaction !== interaction), accepted],
    },
    accepted,
    events: [{ type: 'factor-renamed', detail: about(change, renamed) }],
  }
}

/**
 * The epoch rises (R20). The interaction that made the change goes on under the new one; no browser stays known,
 * because it may have become known with the earlier factor.
 */
function settleChange(
  changed: MfaRecord,
  change: ProvedChange,
  reason: string,
  events: readonly EventDraft[],
): Passed {
  const raised = raiseEpoch(changed, reason)
  const accepted = spend(change, raised.record.epoch)
  const known = remember({ ...raised.record, browsers: [] }, change.tokenHash, change)
  return {
    record: { ...known, accepted: [accepted] },
    accepted,
    events: [...events, ...raised.events],
  }
}

/**
 * The lifetime of the accepted attempt begins anew: the person needs time to save what the page shows, such as fresh
 * look-up secrets.
 */
function spend({ proof, fingerprint, now }: ProvedChange, epoch: number): AcceptedAttempt {
  return { ...proof, at: now, epoch, spentOn: fingerprint }
}

function about(
  { detail, browser }: ProvedChange,
  authenticator: Authenticator,
): AuthenticatorDetail {
  return {
    ...detail,
    factor: authenticator.factor,
    authenticatorId: authenticator.id,
    ...(authenticator.name === '' ? {} : { authenticatorName: authenticator.name }),
    browser: browser.kind,
  }
}
