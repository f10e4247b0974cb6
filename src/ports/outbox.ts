import type { Instant } from '../domain/time.ts'

/** A message that waits to be sent. */
export interface OutboxRow {
  /** Unique per message. The caller makes it from an event and an address, by a hash that does not show the address. */
  readonly id: string
  readonly accountId: string
  /** The message, sealed by the caller: the port neither reads nor opens it. */
  readonly value: string
  /**
   * The end of the code or link in the message: from then on the row is not handed out, and a sweep deletes it. Absent:
   * the message has neither, and waits until it is finished.
   */
  readonly until?: Instant
}

/** A row that is not finished, with what has become of it so far. */
export interface WaitingRow extends OutboxRow {
  /** The number of claims so far. */
  readonly claims: number
  /** When it can be claimed next. While a sender has the row, this is the end of its claim. */
  readonly dueAt: Instant
  /** Why the last attempt failed, as `postpone` was told. Absent: no attempt failed, or a sender has the row. */
  readonly fault?: string
}

/** A row in the hands of one sender. */
export interface ClaimedRow extends OutboxRow {
  /** The number of claims so far, this one included. It names the claim: `postpone` and `finish` ask for it. */
  readonly claims: number
  /** The time of the first claim. */
  readonly firstClaimedAt: Instant
}

/**
 * Messages that were decided and are not sent yet. All operations are durable when they answer. A sender claims a row
 * for a time, sends it, and finishes it; if the sender dies, another one claims the row when that time is over.
 */
export interface Outbox {
  /**
   * Adds rows that are due at once, in this order. A row whose id is known already, finished rows included, is left as
   * it is: the caller may add the same rows again.
   */
  add(rows: readonly OutboxRow[], now: Instant): Promise<void>

  /**
   * Hands out the row that has been due longest, in one atomic step: of any number of parallel calls on any number of
   * nodes one gets it. It is due again at `claimedUntil`. A row that is due later than `latest` is due too: only a wrong
   * clock can have set that time. Absent: there is no such row. Undefined: no row is due.
   */
  claim(now: Instant, claimedUntil: Instant, latest?: Instant): Promise<ClaimedRow | undefined>

  /**
   * Makes a claimed row due at another time, and keeps why the attempt failed until the next claim. False, and nothing
   * changes: it was claimed again or finished meanwhile.
   */
  postpone(row: ClaimedRow, dueAt: Instant, fault: string): Promise<boolean>

  /**
   * Ends a claimed row: its value is deleted, and its id stays known until `knownUntil`, so that an event that is told
   * twice does not send its mail twice. False, and nothing changes: it was claimed again or finished meanwhile.
   */
  finish(row: ClaimedRow, knownUntil: Instant): Promise<boolean>

  /** Deletes the account's rows that have an `until`: their codes and links have ended early. Answers how many. */
  withdraw(accountId: string): Promise<number>

  /**
   * Makes a waiting row due at `now`. False, and nothing changes: the row is finished or unknown, or a sender has it, so
   * that a second one would send it at the same time.
   */
  hasten(id: string, now: Instant): Promise<boolean>

  /**
   * Ends a waiting row without sending it, also one that a sender has: as `finish` does. False, and nothing changes: it
   * is finished or unknown.
   */
  drop(id: string, knownUntil: Instant): Promise<boolean>

  /** The row of this id. Undefined: it is finished or unknown. */
  find(id: string): Promise<WaitingRow | undefined>

  /** Lists the rows that are not finished, in order of `id`, after `after`. */
  list(page: { after?: string; limit: number }): Promise<readonly WaitingRow[]>

  /** The number of rows that are not finished. It is one look-up by an index, because each reading of metrics asks. */
  waiting(): Promise<number>

  /** Replaces the value of a row that still has the value `expected`; answers whether it did. */
  replaceValue(id: string, value: string, expected: string): Promise<boolean>
}
