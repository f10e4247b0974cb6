import type { History, MfaRecord } from './mfa-record.ts'
import { DAY_SECONDS, HOUR_SECONDS, isWaiting, type Instant } from './time.ts'

/** How long a first factor that was bound on the password alone opens fewer doors (R10). */
export const YOUNG_SECONDS = 72 * HOUR_SECONDS
/**
 * How long a password that was set by mail shuts doors, even after a factor was proved: a stolen phone that is unlocked
 * holds the mailbox and the authenticator.
 */
const MAILED_RESET_SECONDS = 72 * HOUR_SECONDS
/** How long a completed recovery shuts doors (R9). */
const RECOVERED_SECONDS = 7 * DAY_SECONDS

/**
 * A change that decides who gets into the account. `recovery`: beginning one, and the addresses that it uses.
 * `mailed-reset`: a new password by a mailed link.
 */
export const DOORS = [
  'password',
  'email',
  'recovery',
  'remove',
  'replace',
  'turn-off',
  'add',
  'mailed-reset',
] as const
export type Door = (typeof DOORS)[number]

export type ShutReason = 'frozen' | 'after-recovery' | 'after-mailed-reset' | 'young-factor'

export type DoorState =
  | { readonly open: true }
  /** `until`: when it opens by itself. Absent: a proved factor opens it. */
  | { readonly open: false; readonly reason: ShutReason; readonly until?: Instant }

export type Doors = Readonly<Record<Door, DoorState>>

export interface DoorSettings {
  readonly youngSeconds: number
}

const OPEN: DoorState = { open: true }

/** Each mark of the record that shuts doors, with the doors that it shuts. */
interface Shutter {
  readonly reason: ShutReason
  readonly doors: ReadonlySet<Door>
  /** When the mark was set, and how long it lasts. Undefined: the record does not have it. */
  readonly since: Instant | undefined
  readonly seconds: number
}

/**
 * Answers which doors of an account are open: those that no mark shuts. Each change that goes through a door asks this on
 * the record that it saves.
 */
export function doorsOf(record: MfaRecord, now: Instant, settings: DoorSettings): Doors {
  const shutters = shuttersOf(record, settings)
  const entries = DOORS.map((door) => [door, stateOf(door, shutters, now)])
  return Object.fromEntries(entries) as Record<Door, DoorState>
}

function shuttersOf(
  { authenticators, frozenAt, history }: MfaRecord,
  settings: DoorSettings,
): readonly Shutter[] {
  return [
    {
      reason: 'frozen',
      // Where there is no factor, the password alone would go through the other doors, and it may be known.
      doors: new Set<Door>(
        authenticators.length > 0
          ? ['recovery', 'mailed-reset']
          : ['recovery', 'mailed-reset', 'password', 'email'],
      ),
      since: frozenAt,
      seconds: Infinity,
    },
    {
      reason: 'after-recovery',
      doors: new Set(['password', 'email', 'recovery']),
      since: history.recoveredAt,
      seconds: RECOVERED_SECONDS,
    },
    {
      reason: 'after-mailed-reset',
      doors: new Set(['password', 'email', 'recovery', 'remove', 'replace', 'turn-off']),
      since: history.passwordByMail?.at,
      seconds: MAILED_RESET_SECONDS,
    },
    {
      reason: 'young-factor',
      doors: new Set(['password', 'email', 'recovery']),
      since: history.boundOnPasswordAt,
      seconds: settings.youngSeconds,
    },
  ]
}

/** Of several marks, the person is told of the one that shuts the door longest. */
function stateOf(door: Door, shutters: readonly Shutter[], now: Instant): DoorState {
  const [longest] = shutters
    .flatMap(({ reason, doors, since, seconds }) =>
      since !== undefined && doors.has(door) ? [{ reason, seconds, until: since + seconds }] : [],
    )
    .filter(({ until, seconds }) => isWaiting(until, now, seconds))
    .toSorted((one, other) => other.until - one.until)
  if (longest === undefined) return OPEN
  const { reason, until } = longest
  return { open: false, reason, ...(until === Infinity ? {} : { until }) }
}

/**
 * A second factor was proved: the owner is there, so the lock ends, and the mailbox that reset the password counts again
 * (R9). The doors that the reset shut stay shut until their time is over.
 */
export function settleProof(record: MfaRecord, now: Instant): MfaRecord {
  const { frozenAt: _, ...unlocked } = record
  const { passwordByMail } = record.history
  if (passwordByMail === undefined || passwordByMail.provedAt !== undefined) return unlocked
  return {
    ...unlocked,
    history: { ...record.history, passwordByMail: { ...passwordByMail, provedAt: now } },
  }
}

/** The mailbox that has set the present password and proves nothing beside it (R9). Undefined: none. */
export function spentMailbox({ passwordByMail }: History): string | undefined {
  return passwordByMail?.provedAt === undefined ? passwordByMail?.mailbox : undefined
}

/** Whether a link for a new password that was asked for at this time may still be used. */
export function isResetVoid({ resetsVoidUntil }: History, askedAt: Instant): boolean {
  return resetsVoidUntil !== undefined && askedAt <= resetsVoidUntil
}
