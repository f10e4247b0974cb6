import { AsyncLocalStorage } from 'node:async_hooks'

/** How an account and its record are read. Reading both at once must not find an older account than record. */
export interface Reads<Account, Record> {
  both(accountId: string): Promise<Both<Account, Record>>
  account(accountId: string): Promise<Account>
  record(accountId: string): Promise<Record>
}

export interface Both<Account, Record> {
  readonly account: Account
  readonly record: Record
}

interface Seen<Account, Record> {
  readonly both: Promise<Both<Account, Record>>
  readonly untaken: Set<'account' | 'record'>
}

/**
 * An account and its record come in one read where one request asks for both, whichever it asks for first. Each half
 * is given out once: a decision that lost its save reads anew, and what this request has written is read as it is now.
 * Outside of a request each is read by itself.
 *
 * A password is compared only with an epoch that was read no later than it (R20): otherwise the old password, read
 * before a change, would be good under the epoch that the change has raised.
 */
export class OneRead<Account, Record> {
  readonly #reads: Reads<Account, Record>
  readonly #request = new AsyncLocalStorage<Map<string, Seen<Account, Record>>>()

  constructor(reads: Reads<Account, Record>) {
    this.#reads = reads
  }

  /** `work`: all that one request does. */
  duringRequest<T>(work: () => T): T {
    return this.#request.run(new Map(), work)
  }

  async account(accountId: string): Promise<Account> {
    const both = this.#take(accountId, 'account')
    return both === undefined ? this.#reads.account(accountId) : (await both).account
  }

  async record(accountId: string): Promise<Record> {
    const both = this.#take(accountId, 'record')
    return both === undefined ? this.#reads.record(accountId) : (await both).record
  }

  /** To be told behind each write, whatever came of it: what was read before is the past. */
  forget(accountId: string): void {
    this.#request.getStore()?.get(accountId)?.untaken.clear()
  }

  /** For writes that do not say whose. */
  forgetAll(): void {
    for (const { untaken } of this.#request.getStore()?.values() ?? []) untaken.clear()
  }

  #take(accountId: string, half: 'account' | 'record'): Seen<Account, Record>['both'] | undefined {
    const request = this.#request.getStore()
    if (request === undefined) return undefined
    const seen = request.get(accountId)
    if (seen !== undefined) return seen.untaken.delete(half) ? seen.both : undefined
    const both = this.#reads.both(accountId)
    const untaken = new Set(['account', 'record'] as const)
    untaken.delete(half)
    request.set(accountId, { both, untaken })
    both.catch(() => request.delete(accountId))
    return both
  }
}
