import { AsyncLocalStorage } from 'node:async_hooks'

/** How an account and its record are read. Reading both at once must not find an older account than record. */
export interface Reads<Account, Record> {
  both(accountId: string): Promise<Both<Account, Record>>
  account(accountId: string): Promise<Account>
  record(accountId: string): Promise<Record>
}

export interface Both<Account, Record> {
  readonly account: Account
  /** Undefined: this read has not found the record, so that a question for it reads again. */
  readonly record: Record | undefined
}

/** Longer than a page takes. Data that a slow request has read before this time counts as out of date. */
const FRESH_MS = 5_000

interface Seen<Account, Record> {
  readonly at: number
  readonly both: Promise<Both<Account, Record>>
  readonly untaken: Set<'account' | 'record'>
}

/**
 * The data that one request has read. Work that continues after the request reads again, because it needs the state at
 * that later time.
 */
interface Request<Account, Record> {
  readonly seen: Map<string, Seen<Account, Record>>
  isOver: boolean
}

/**
 * Reads an account and its record at once where one request asks for both, in either order: the first question reads
 * both, the second is answered from that read. Each half is answered once. The half that was not asked for yet is
 * dropped when the request writes, when it reads the same half again, and after 5 s. Outside of a request the account
 * and the record are read separately.
 *
 * A password may only be compared with an epoch that was read together with it or earlier (R20). Otherwise an old
 * password, read before a change, would be accepted under the epoch that the change has raised.
 */
export class OneRead<Account, Record> {
  readonly #reads: Reads<Account, Record>
  readonly #requests = new AsyncLocalStorage<Request<Account, Record>>()
  readonly #now: () => number

  /** `now`: milliseconds of a monotonic clock. */
  constructor(reads: Reads<Account, Record>, now = () => performance.now()) {
    this.#reads = reads
    this.#now = now
  }

  /** `work`: everything that one request does. A request of a provider that is mounted in another is part of the outer one. */
  duringRequest<T>(work: () => T): T {
    if (this.#request !== undefined) return work()
    const request: Request<Account, Record> = { seen: new Map(), isOver: false }
    // Timers and sockets that the request has opened keep it in memory, but not what it has read.
    const end = (): void => {
      request.isOver = true
      request.seen.clear()
    }
    let answer: T | undefined
    try {
      answer = this.#requests.run(request, work)
      return answer
    } finally {
      if (answer instanceof Promise) answer.then(end, end)
      else end()
    }
  }

  /** `own`: how this account is read, if not as the others. The half that another read has kept is then dropped. */
  async account(
    accountId: string,
    own?: Pick<Reads<Account, Record>, 'both' | 'account'>,
  ): Promise<Account> {
    if (own !== undefined) this.forget(accountId)
    const reads = own ?? this.#reads
    const both = this.#take(accountId, 'account', reads)
    return both === undefined ? reads.account(accountId) : (await both).account
  }

  async record(accountId: string): Promise<Record> {
    const both = this.#take(accountId, 'record', this.#reads)
    return (await both)?.record ?? this.#reads.record(accountId)
  }

  /** The record that a question for the account has brought, if it may still be used; it reads nothing. */
  async keptRecord(accountId: string): Promise<Record | undefined> {
    return (await this.#take(accountId, 'record'))?.record
  }

  /** Drops what was read of the account. Call it before each write and after it, whether or not it succeeded. */
  forget(accountId: string): void {
    this.#request?.seen.get(accountId)?.untaken.clear()
  }

  /** The same for a write that does not say which accounts it changes. */
  forgetAll(): void {
    for (const { untaken } of this.#request?.seen.values() ?? []) untaken.clear()
  }

  get #request(): Request<Account, Record> | undefined {
    const request = this.#requests.getStore()
    return request?.isOver === false ? request : undefined
  }

  /** The other half of an earlier read of the request; without one, a read by `reads`. */
  #take(
    accountId: string,
    half: 'account' | 'record',
    reads?: Pick<Reads<Account, Record>, 'both'>,
  ): Seen<Account, Record>['both'] | undefined {
    const seen = this.#request?.seen
    if (seen === undefined) return undefined
    const known = seen.get(accountId)
    if (known !== undefined) {
      const isFresh = this.#now() - known.at <= FRESH_MS
      if (known.untaken.delete(half) && isFresh) return known.both
      known.untaken.clear()
      return undefined
    }
    if (reads === undefined) return undefined
    const at = this.#now()
    const both = reads.both(accountId)
    const untaken = new Set(['account', 'record'] as const)
    untaken.delete(half)
    seen.set(accountId, { at, both, untaken })
    both.catch(() => seen.delete(accountId))
    return both
  }
}
