import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/server/cli/index.ts'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient } from '../support/http-client.ts'
import { freePort } from '../support/mongodb.ts'
import { authorizationUrl, NO_DRAIN, PASSWORD, type Person } from './support.ts'

const BIN = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))
const CLOCK = new URL('../journeys/shifted-clock.ts', import.meta.url).href

/** The address of the deployment, independent of the node that answers. */
export const ISSUER = 'http://id.example'

/** One server of a deployment, in a process of its own. */
export class Node {
  url = ''
  #port: number | undefined
  readonly #environment: Readonly<Record<string, string>>
  readonly #folder: string
  #child: ChildProcess | undefined
  #output = ''

  constructor(environment: Readonly<Record<string, string>>, folder: string) {
    this.#environment = environment
    this.#folder = folder
  }

  /** Everything that the node has printed and logged. */
  get output(): string {
    return this.#output
  }

  async start(aheadSeconds: number): Promise<void> {
    // A node keeps its port when it starts again: a proxy has it in its file.
    const port = (this.#port ??= await freePort())
    this.url = `http://127.0.0.1:${port}`
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, ['--import', CLOCK, BIN, 'serve'], {
      cwd: this.#folder,
      env: {
        PATH,
        HOME,
        PORT: String(port),
        JOURNEY_AHEAD_SECONDS: String(aheadSeconds),
        ...this.#environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#child = child
    const collect = (chunk: Buffer): void => void (this.#output += chunk.toString())
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    while (!(await this.isReady())) {
      if (child.exitCode !== null) throw new Error(`The node ended: ${this.#output}`)
      await sleep(50)
    }
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(new URL('/health/ready', this.url)).catch(() => undefined)
    return answer?.status === 200
  }

  async setClock(aheadSeconds: number): Promise<void> {
    this.#child?.send({ aheadSeconds })
    if (this.#child) await once(this.#child, 'message')
  }

  /** A browser whose requests this node answers. */
  browser(jar = new CookieJar()): HttpClient {
    return new HttpClient({ jar, origins: { [ISSUER]: { url: this.url } } })
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}

/** Servers on different ports that share one storage, the same keys and one issuer. */
export class Deployment {
  readonly nodes: readonly Node[]
  readonly environment: Readonly<Record<string, string>>
  readonly clock: { ahead: number; now(): number }
  readonly #folder: string
  #turn = 0

  private constructor(
    environment: Readonly<Record<string, string>>,
    count: number,
    settings: object,
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'mfa-nodes-'))
    this.environment = environment
    writeFileSync(
      join(this.#folder, 'config.json'),
      JSON.stringify({ stop: NO_DRAIN, ...settings }),
    )
    const ofNodes = { CONFIG_FILE: 'config.json', ...environment }
    this.nodes = Array.from({ length: count }, () => new Node(ofNodes, this.#folder))
    const clock = { ahead: 0, now: () => Math.floor(Date.now() / 1000) + clock.ahead }
    this.clock = clock
  }

  static async start(
    storageUrl: string,
    count = 2,
    more: Readonly<Record<string, string>> = {},
    settings: object = {},
  ): Promise<Deployment> {
    const deployment = new Deployment(
      {
        ISSUER,
        STORAGE_URL: storageUrl,
        DEMO: 'off',
        LOG_LEVEL: 'warn',
        ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        COOKIE_KEYS: randomBytes(32).toString('base64'),
        ...more,
      },
      count,
      settings,
    )
    // All nodes start at once on an empty storage: only one of them may create the database and the signing keys.
    await Promise.all(deployment.nodes.map((node) => node.start(0)))
    return deployment
  }

  /** A browser behind a load balancer that gives each of its requests to the next node. */
  browser(jar = new CookieJar()): HttpClient {
    const next = (): string => this.nodes[(this.#turn += 1) % this.nodes.length]!.url
    const origins = { [ISSUER]: Object.defineProperty({ url: '' }, 'url', { get: next }) }
    return new HttpClient({ jar, origins })
  }

  authorize(params: Readonly<Record<string, string>> = {}): URL {
    return authorizationUrl(ISSUER, params)
  }

  async later(seconds: number): Promise<void> {
    this.clock.ahead += seconds
    await Promise.all(this.nodes.map((node) => node.setClock(this.clock.ahead)))
  }

  /** Runs `oidc-provider-mfa ...` on the same storage and returns what it printed. */
  async command(line: string, stdin = '', files: Readonly<Record<string, string>> = {}) {
    let [out, err] = ['', '']
    const code = await run(line.split(' '), {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      readLine: async () => stdin,
      readFile: async (path) => files[path] ?? '',
      environment: this.environment,
    })
    if (code !== 0) throw new Error(`${line}: ${out}${err}`)
    return out
  }

  async addPerson(username: string): Promise<Person> {
    await this.command(`user add ${username} --password-stdin`, PASSWORD)
    return { username, password: PASSWORD }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end('SIGTERM')))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
