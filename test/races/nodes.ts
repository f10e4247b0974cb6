import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient } from '../support/http-client.ts'
import type { SessionJournal } from '../support/session-journal.ts'

/** The issuer that all nodes share, independent of their ports. */
export const ISSUER = 'http://id.example'

export const KILL_POINTS = [
  'before the save',
  'after the save',
  'while listeners are told',
  'after the result was written',
  'after the session was stored',
] as const
export type KillPoint = (typeof KILL_POINTS)[number]

export type NodeOrder = { readonly killAt: KillPoint } | { readonly now: number }

/** The handle by which a test controls a node in another process. */
export class Node {
  readonly issuer = ISSUER
  readonly clock: { at: number }
  readonly #process: ChildProcess
  /** The node's real address, for a relying party whose requests are spread over the nodes. */
  readonly url: string

  constructor(child: ChildProcess, url: string, now: number) {
    this.#process = child
    this.url = url
    this.clock = { at: now }
  }

  /** Starts a node on the database at `address`. Its clock shows `now` until the test sets another time. It notes its sessions in `journal`. */
  static async start(address: string, now: number, journal?: SessionJournal): Promise<Node> {
    const child = fork(join(import.meta.dirname, 'node-process.ts'), [
      address,
      String(now),
      ...(journal === undefined ? [] : [journal.path]),
    ])
    const gone = new AbortController()
    const onExit = (): void => gone.abort(new Error('The node ended before it listened.'))
    child.once('exit', onExit)
    const [url] = (await once(child, 'message', { signal: gone.signal })) as [string]
    child.off('exit', onExit)
    return new Node(child, url, now)
  }

  /** A browser whose requests to the issuer reach this node, as if a load balancer had chosen the node. */
  browser(jar = new CookieJar()): HttpClient {
    return new HttpClient({ jar, origins: { [ISSUER]: { url: this.url } } })
  }

  async setClock(now: number): Promise<void> {
    await this.#tell({ now })
    this.clock.at = now
  }

  /** Makes the process kill itself at this point, without any cleanup. */
  killAt(point: KillPoint): Promise<void> {
    return this.#tell({ killAt: point })
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.gone()
  }

  async gone(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit')
  }

  async #tell(order: NodeOrder): Promise<void> {
    const answer = once(this.#process, 'message')
    this.#process.send(order)
    await answer
  }
}
