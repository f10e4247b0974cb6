import type { Settled } from './attempt.ts'
import { doorsOf, isResetVoid, type DoorSettings } from './doors.ts'
import { settlePasswordChanged } from './enrolment.ts'
import type { MfaRecord } from './mfa-record.ts'
import type { Instant } from './time.ts'

export interface MailedReset {
  /** A keyed hash of the mailbox, with the id of its key. */
  readonly mailbox: string
  /** When the link was asked for. */
  readonly askedAt: Instant
  readonly now: Instant
  readonly settings: DoorSettings
}

/**
 * A password is set by a mailed link. The mailbox is marked: beside this password it proves nothing until a second factor
 * is proved (R9). Undefined: the password must not be set, because the owner has locked the account, or a recovery has
 * begun since the link was asked for.
 */
export function settleMailedReset(
  record: MfaRecord,
  { mailbox, askedAt, now, settings }: MailedReset,
): Settled | undefined {
  const isOpen = doorsOf(record, now, settings)['mailed-reset'].open
  if (!isOpen || isResetVoid(record.history, askedAt)) return undefined
  const { record: changed, events } = settlePasswordChanged(record)
  const passwordByMail = { at: now, mailbox }
  return { record: { ...changed, history: { ...changed.history, passwordByMail } }, events }
}
