import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Person } from './people.ts'
import type { PasswordCheck } from './passwords.ts'
import type { Kind, Measured, Order, Prepared, Swept } from './server.ts'
import { median, percentile } from './median.ts'
import { openRelyingParty, type RelyingParty } from './sign-in.ts'

/** The result of a round of sign-ins. */
export interface Round {
  readonly perSecond: number
  /** Median wall time of a sign-in. */
  readonly medianMs: number
  /** The wall time that 99 of 100 sign-ins did not exceed. */
  readonly p99Ms: number
  readonly cpuMs: number
  /** `cpuMs` without the time of the password's hash. */
  readonly outsideHashMs: number
  readonly operations: number
  readonly operationsByName: Readonly<Record<string, number>>
  readonly rssMib: number
}

/** One of the two servers, in a process of its own. */
export class MeasuredServer {
  readonly kind: Kind
  readonly #child: ChildProcess
  readonly #app: RelyingParty
  readonly #people: readonly Person[]
  #next = 0

  constructor(kind: Kind, child: ChildProcess, app: RelyingParty, people: readonly Person[]) {
    this.kind = kind
    this.#child = child
    this.#app = app
    this.#people = people
  }

  static async start(
    kind: Kind,
    options: { path: string; people: number; crowd?: number },
  ): Promise<MeasuredServer> {
    const { path, people, crowd = 0 } = options
    const child = fork(join(import.meta.dirname, 'server.ts'), [kind, path], {
      env: { ...process.env, NODE_ENV: 'production' },
    })
    await answerOf(child)
    const prepared = (await ask(child, { order: 'prepare', people, crowd })) as Prepared
    return new MeasuredServer(kind, child, await openRelyingParty(prepared.issuer), prepared.people)
  }

  async checkPasswordsWith(name: PasswordCheck): Promise<void> {
    await ask(this.#child, { order: 'check-with', name })
  }

  /** Runs `times` sign-ins, `atOnce` at a time. */
  async round(times: number, atOnce: number): Promise<Round> {
    const hash = (await ask(this.#child, { order: 'hash', times: 8, atOnce })) as { cpuMs: number }
    const before = await this.#measure()
    const began = performance.now()
    const tookMs: number[] = []
    let left = times
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left > 0) {
          left -= 1
          const since = performance.now()
          await this.#app.signIn(this.#someone())
          tookMs.push(performance.now() - since)
        }
      }),
    )
    const seconds = (performance.now() - began) / 1000
    const after = await this.#measure()
    const cpuMs = (after.cpuMs - before.cpuMs) / times
    const operationsByName = Object.fromEntries(
      Object.entries(after.operations).map(([name, count]) => [
        name,
        (count - (before.operations[name] ?? 0)) / times,
      ]),
    )
    return {
      perSecond: times / seconds,
      medianMs: median(tookMs),
      p99Ms: percentile(tookMs, 0.99),
      cpuMs,
      outsideHashMs: cpuMs - hash.cpuMs,
      operations: Object.values(operationsByName).reduce((sum, count) => sum + count, 0),
      operationsByName,
      rssMib: after.rssMib,
    }
  }

  /** Adds expired rows of the kinds that sign-ins leave behind. */
  async fillWithExpired(rows: number): Promise<void> {
    await ask(this.#child, { order: 'fill', rows })
  }

  /** Begins a sweep beside sign-ins, with the server's own budget. */
  async beginSweep(): Promise<void> {
    await ask(this.#child, { order: 'begin-sweep' })
  }

  async endOfSweep(): Promise<Swept> {
    return (await ask(this.#child, { order: 'end-of-sweep' })) as Swept
  }

  /**
   * Starts a CPU profile, which `writeProfile` ends. Sampling costs CPU, so the figures of such a run are not valid.
   */
  async profile(): Promise<void> {
    await ask(this.#child, { order: 'profile' })
  }

  async writeProfile(to: string): Promise<void> {
    await ask(this.#child, { order: 'write-profile', to })
  }

  async stop(): Promise<void> {
    this.#app.close()
    const gone = once(this.#child, 'exit')
    this.#child.send({ order: 'stop' } satisfies Order)
    await gone
  }

  async #measure(): Promise<Measured> {
    return (await ask(this.#child, { order: 'measure' })) as Measured
  }

  #someone(): Person {
    const number = this.#next
    this.#next += 1
    if (this.kind === 'floor') return { username: `person-${number}`, secret: '' }
    const person = this.#people[number]
    if (person === undefined) throw new Error('Everybody has signed in already.')
    return person
  }
}

function ask(child: ChildProcess, order: Order): Promise<unknown> {
  const answer = answerOf(child)
  child.send(order)
  return answer
}

/** The next answer of the process. Rejects when the process ends instead. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const onExit = (): void => ended.abort()
  child.once('exit', onExit)
  const [message] = (await once(child, 'message', { signal: ended.signal })) as [
    { answer: unknown },
  ]
  child.off('exit', onExit)
  return message.answer
}
