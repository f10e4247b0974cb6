import { acceptedIn } from '../domain/attempt.ts'
import {
  challengeIn,
  nextDeliveryAt,
  openChallenge,
  takeBackChallenge,
  type ChallengeOpened,
} from '../domain/enrolment.ts'
import type { RequestDetail } from '../domain/events.ts'
import { classify } from '../domain/known-browser.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import {
  isSpentMailbox,
  mayBindReplacement,
  proveRecovery,
  recoveryCodesFrom,
  recoveryStep,
  settleRecoveryCancelled,
  settleRecoveryDue,
  settleRecoveryRefused,
  settleRecoveryStarted,
  type RecoveryStep,
} from '../domain/recovery.ts'
import type { Instant } from '../domain/time.ts'
import { commit, loadRecord, type Decided } from './commit.ts'
import { maskAddress } from '../domain/masked-address.ts'
import { sendOrTakeBack } from './deliver.ts'
import type { Dependencies } from './dependencies.ts'
import { admit } from './flood.ts'
import { isMailbox } from './mailbox.ts'
import { drawCode, hashCode, isSameHash, readCode } from './mailed-code.ts'
import { fingerprintOf, type Place } from './place.ts'
import { tellRefusedWhileLocked } from './refused-attempts.ts'
import { openState, sealState } from './sealed-state.ts'

/** The name of a code of recovery in the events of refused attempts. It is no factor. */
const RECOVERY = 'recovery'

/** The facts about the person and the sign-in that recovery depends on. */
export interface RecoveryGround {
  /** The person's verified addresses, the preferred one first. */
  readonly addresses: readonly { readonly address: string; readonly verifiedAt?: Instant }[]
  /** Whether the password was typed in this sign-in. */
  readonly hasPassword: boolean
}

/** The purposes of the two mailed codes: the one of the start is no good at the end. */
const PURPOSES = { start: 'recovery-start', bind: 'recovery-end' } as const
export type CodePurpose = (typeof PURPOSES)[keyof typeof PURPOSES]

/** How the person can go on. A deployment without mail has no address that proves anything. */
export function stepOfRecovery(
  deps: Dependencies,
  place: Pick<Place, 'accountId' | 'tokenHashes'>,
  ground: RecoveryGround,
  { record, now }: { readonly record: MfaRecord; readonly now: Instant },
): RecoveryStep {
  const addresses = deps.mailer === undefined ? [] : ground.addresses
  return recoveryStep(record, {
    addresses: addresses.map((one) => ({
      ...one,
      isSpent: isSpentMailbox(record, (mark) =>
        isMailbox(deps, place.accountId, one.address, mark),
      ),
    })),
    browser: classify(record, place.tokenHashes),
    hasPassword: ground.hasPassword,
    now,
    settings: deps.recovery,
  })
}

/** The purpose of the code that a step asks for; undefined: it asks for none. */
export function purposeOf({ step }: RecoveryStep): CodePurpose | undefined {
  return step === 'start' || step === 'bind' ? PURPOSES[step] : undefined
}

/**
 * Mails a code for the present step, after the commit that keeps its hash. `which`: the place of the address among those
 * that prove something. `stale`: recovery cannot go on here.
 */
export async function sendRecoveryCode(
  deps: Dependencies,
  place: Place,
  ground: RecoveryGround,
  about: { readonly which: number; readonly app: string; readonly locale: string },
): Promise<'sent' | 'not-sent' | 'stale' | { readonly notBefore: Instant }> {
  const { accountId, interaction } = place
  const code = drawCode(deps)
  type Opened = Omit<ChallengeOpened, 'record'> & { readonly address: string }
  const outcome = await commit<'stale' | { notBefore: Instant } | Opened>(
    deps,
    accountId,
    (record, now) => {
      const step = stepOfRecovery(deps, place, ground, { record, now })
      const purpose = purposeOf(step)
      const offered = 'addresses' in step ? step.addresses : []
      const { address } = offered[about.which] ?? offered[0] ?? {}
      if (record.epoch !== place.epoch || purpose === undefined || address === undefined)
        return { outcome: 'stale' }
      const notBefore = nextDeliveryAt(record, now)
      if (notBefore !== undefined) return { outcome: { notBefore } }
      const where = { interaction, purpose }
      const value = { codeHash: hashCode(place, code), address }
      const sealed = sealState(deps.box, accountId, where, value)
      const challenge = { ...where, sealed, sentTo: maskAddress(address) }
      const { record: next, opened, before } = openChallenge(record, challenge, now)
      return { outcome: { opened, before, address }, record: next }
    },
  )
  if (outcome === 'stale' || 'notBefore' in outcome) return outcome
  const { opened, before, address } = outcome
  const delivery = {
    channel: 'mail',
    to: address,
    template: 'recovery-code',
    locale: about.locale,
    values: { code, app: about.app, minutes: '10' },
  } as const
  const isSent = await sendOrTakeBack(deps, accountId, delivery, (record) =>
    takeBackChallenge(record, opened, before),
  )
  return isSent ? 'sent' : 'not-sent'
}

export type RecoveryCodeOutcome =
  /** `over`: no code of this sign-in is good now. `stale`: recovery cannot go on here. */
  | { readonly outcome: 'started' | 'proved' | 'refused' | 'unreadable' | 'over' | 'stale' }
  | { readonly outcome: 'closed'; readonly until: Instant }

/**
 * Examines a mailed code as it was typed; the same commit starts the recovery, or proves the mailbox after the wait.
 * Throws MfaError `too-many-attempts`, and what a commit throws.
 */
export async function checkRecoveryCode(
  deps: Dependencies,
  place: Place,
  ground: RecoveryGround,
  typed: string | undefined,
): Promise<RecoveryCodeOutcome> {
  const code = readCode(typed)
  if (code === undefined) return { outcome: 'unreadable' }
  const seen = await loadRecord(deps, place.accountId)
  const fingerprint = fingerprintOf(deps, place, RECOVERY, code, seen.record)
  const outcome = await admit(
    deps,
    place,
    { fingerprint, seen, factor: RECOVERY, step: 'recovery' },
    () =>
      commit(
        deps,
        place.accountId,
        (record, now) => examine(deps, place, ground, { record, now, code }),
        seen,
      ),
  )
  if (outcome.outcome === 'closed') {
    const gate = { open: false, reason: 'code', until: outcome.until } as const
    const browser = classify(seen.record, place.tokenHashes).kind
    tellRefusedWhileLocked(deps, place, gate, { factor: RECOVERY, browser })
  }
  return outcome
}

function examine(
  deps: Dependencies,
  place: Place,
  ground: RecoveryGround,
  { record, now, code }: { record: MfaRecord; now: Instant; code: string },
): Decided<RecoveryCodeOutcome> {
  if (record.epoch !== place.epoch) return { outcome: { outcome: 'stale' } }
  const step = stepOfRecovery(deps, place, ground, { record, now })
  // A double tap that another node has answered: the code is spent, and what it did stands (R38).
  if (step.step === 'wait') return { outcome: { outcome: 'started' } }
  if (!('addresses' in step)) return { outcome: { outcome: 'stale' } }
  if (mayBindReplacement(record, place.interaction, now)) return { outcome: { outcome: 'proved' } }
  const until = recoveryCodesFrom(record, now)
  if (until !== undefined) return { outcome: { outcome: 'closed', until } }
  const challenge = challengeIn(record, place.interaction, PURPOSES[step.step], now)
  if (challenge === undefined) return { outcome: { outcome: 'over' } }
  const sent = openState(deps.box, place.accountId, challenge) as unknown as Sent
  // The address may have become one that proves nothing since the code was sent to it.
  if (!step.addresses.some(({ address }) => address === sent.address))
    return { outcome: { outcome: 'over' } }
  if (!isSameHash(sent.codeHash, hashCode(place, code)))
    return { outcome: { outcome: 'refused' }, ...settleRecoveryRefused(record, now, place.detail) }
  const proved = proveRecovery(record, place.interaction, now)
  if (step.step === 'bind') return { outcome: { outcome: 'proved' }, record: proved }
  const about = { settings: deps.recovery, now, detail: place.detail }
  return { outcome: { outcome: 'started' }, ...settleRecoveryStarted(proved, about) }
}

interface Sent {
  readonly codeHash: string
  readonly address: string
}

/**
 * Cancels the recovery for a person who has just proved a factor in this interaction. False: there is no such proof, or
 * nothing to cancel, perhaps because a replacement was bound a moment before.
 */
export async function cancelRecovery(deps: Dependencies, place: Place): Promise<boolean> {
  return commit(deps, place.accountId, (record, now) => {
    const isProved = acceptedIn(record, place.interaction, now) !== undefined
    const settled = isProved
      ? settleRecoveryCancelled(record, 'factor', { now, detail: place.detail })
      : undefined
    return settled === undefined ? { outcome: false } : { outcome: true, ...settled }
  })
}

/**
 * Cancels the recovery that began at `since`, for a person who has opened the link of one of its notices. A later
 * recovery has links of its own. False: that recovery is over, perhaps because a replacement was bound a moment before.
 */
export async function cancelMailedRecovery(
  deps: Dependencies,
  accountId: string,
  { since, detail }: { readonly since: Instant; readonly detail: RequestDetail },
): Promise<boolean> {
  return commit(deps, accountId, (record, now) => {
    const isNamed = record.recovery?.startedAt === since
    const settled = isNamed ? settleRecoveryCancelled(record, 'mail', { now, detail }) : undefined
    return settled === undefined ? { outcome: false } : { outcome: true, ...settled }
  })
}

/**
 * Tells what time has brought to the recovery of an account: the notice at half of the wait, the one at its end, and the
 * end. Answers whether a recovery is still in progress, and so whether to ask again.
 */
export async function tellRecovery(deps: Dependencies, accountId: string): Promise<boolean> {
  return commit(deps, accountId, (record, now) => {
    const due = settleRecoveryDue(record, now)
    const isRunning = (due?.record ?? record).recovery !== undefined
    return due === undefined ? { outcome: isRunning } : { outcome: isRunning, ...due }
  })
}
