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

/** Longer than a page takes. What a request that hangs has read is no news any more. */
const FRESH_MS = 5_000

interface Seen<Account, Record> {
  readonly at: number
  readonly both: Promise<Both<Account, Record>>
  readonly untaken: Set<'account' | 'record'>
}

/** What one request has read. Over with it: work that it has left behind wants to know what is true then. */
interface Request<Account, Record> {
  readonly seen: Map<string, Seen<Account, Record>>
  isOver: boolean
}

/**
 * An account and its record come in one read where one request asks for both, whichever it asks for first. Each half
 * is given out once. Whoever reads anew, because a decision lost its save or something was written, makes the other
 * half the past, and so does the time. Outside of a request each is read by itself.
 *
 * A password is compared only with an epoch that was read no later than it (R20): otherwise the old password, read
 * before a change, would be good under the epoch that the change has raised.
 */
export class OneRead<Account, Record> {
  readonly #reads: Reads<Account, Record>
  readonly #requests = new AsyncLocalStorage<Request<Account, Record>>()
  readonly #now: () => number

  /** `now`: milliseconds, of a clock that is never set. */
  constructor(reads: Reads<Account, Record>, now = () => performance.now()) {
    this.#reads = reads
    this.#now = now
  }

  /** `work`: all that one request does. A request inside of it, of a provider that is mounted in another, is part of it. */
  duringRequest<T>(work: () => T): T {
    if (this.#request !== undefined) return work()
    const request: Request<Account, Record> = { seen: new Map(), isOver: false }
    // Timers and sockets that it has opened keep the request: they need not keep what it has read.
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

  async account(accountId: string): Promise<Account> {
    const both = this.#take(accountId, 'account')
    return both === undefined ? this.#reads.account(accountId) : (await both).account
  }

  async record(accountId: string): Promise<Record> {
    const both = this.#take(accountId, 'record')
    return both === undefined ? this.#reads.record(accountId) : (await both).record
  }

  /** To be told before each write and behind it, whatever came of it: what was read before is the past. */
  forget(accountId: string): void {
    this.#request?.seen.get(accountId)?.untaken.clear()
  }

  /** For writes that do not say whose. */
  forgetAll(): void {
    for (const { untaken } of this.#request?.seen.values() ?? []) untaken.clear()
  }

  get #request(): Request<Account, Record> | undefined {
    const request = this.#requests.getStore()
    return request?.isOver === false ? request : undefined
  }

  #take(accountId: string, half: 'account' | 'record'): Seen<Account, Record>['both'] | undefined {
    const seen = this.#request?.seen
    if (seen === undefined) return undefined
    const known = seen.get(accountId)
    if (known !== undefined) {
      const isFresh = this.#now() - known.at <= FRESH_MS
      if (known.untaken.delete(half) && isFresh) return known.both
      known.untaken.clear()
      return undefined
    }
    const at = this.#now()
    const both = this.#reads.both(accountId)
    const untaken = new Set(['account', 'record'] as const)
    untaken.delete(half)
    seen.set(accountId, { at, both, untaken })
    both.catch(() => seen.delete(accountId))
    return both
  }
}
