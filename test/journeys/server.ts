import { hash } from '@node-rs/argon2'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CLOCK = new URL('shifted-clock.ts', import.meta.url).href

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A line of an import file. */
export interface Newcomer {
  readonly username: string
  readonly email?: string
  readonly groups?: readonly string[]
  /** The secret of the authenticator on the phone, in Base32. */
  readonly secret?: string
}

const PASSWORD = 'a long walk in the rain'

export type Environment = Readonly<Record<string, string>>

/**
 * The product as `npm start` runs it: a process of its own in a folder of its own, with the demonstration app.
 * Its clock can be set ahead.
 */
export class ServerProcess {
  /** The address that people know: of the process itself or, where the environment has an `ISSUER`, of a proxy. */
  readonly issuer: string
  /** The port at which the process itself listens. */
  readonly port: number
  /** The demonstration relying party. */
  readonly app: string
  readonly folder: string
  readonly #environment: Environment
  #child: ChildProcess | undefined
  #output = ''
  #aheadSeconds = 0

  private constructor(folder: string, environment: Environment) {
    this.folder = folder
    this.#environment = environment
    this.port = Number(environment['PORT'])
    this.issuer = environment['ISSUER'] ?? `http://localhost:${this.port}`
    this.app = `http://localhost:${environment['DEMO_PORT']}`
  }

  static async start(
    environment: Environment | ((folder: string) => Environment) = {},
  ): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'mfa-journey-'))
    const [port, demoPort] = await freePorts(2)
    const server = new ServerProcess(folder, {
      PORT: String(port),
      DEMO_PORT: String(demoPort),
      LOG_LEVEL: 'warn',
      ...withoutDrain(
        folder,
        typeof environment === 'function' ? environment(folder) : environment,
      ),
    })
    await server.run()
    return server
  }

  /** The demonstration account, whose name and password the server has printed at its start. */
  get demonstration(): Credentials {
    const read = (what: string): string =>
      new RegExp(`^${what}: (.+)$`, 'm').exec(this.#output)?.[1] ?? ''
    return { username: read('user'), password: read('password') }
  }

  /** Everything the server has printed and logged. */
  get output(): string {
    return this.#output
  }

  /** Seconds since the Unix epoch, by the server's clock. */
  now(): number {
    return Math.floor(Date.now() / 1000) + this.#aheadSeconds
  }

  /** By how many seconds the server's clock is ahead. */
  get aheadSeconds(): number {
    return this.#aheadSeconds
  }

  /** Moves the server's clock forward; a negative number moves it back. */
  async later(seconds: number): Promise<void> {
    this.#aheadSeconds += seconds
    const child = this.#child
    if (child === undefined) return
    child.send({ aheadSeconds: this.#aheadSeconds })
    await once(child, 'message')
  }

  /** Ends the process as an operator does (SIGTERM) or a power cut does (SIGKILL), and starts it on the same data. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#end(signal)
    await this.run()
  }

  async run(): Promise<void> {
    const child = spawn(
      process.execPath,
      ['--import', CLOCK, join(ROOT, 'bin/oidc-provider-mfa.mjs'), 'serve'],
      {
        cwd: this.folder,
        env: this.#childEnvironment(),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    this.#child = child
    this.#output = ''
    const collect = (chunk: Buffer): void => void (this.#output += chunk.toString())
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    const ended = once(child, 'exit').then(() => {
      throw new Error(`The server ended: ${this.#output}`)
    })
    await Promise.race([ended, this.#listening()])
    ended.catch(() => undefined)
  }

  /** Stops the server and deletes its data. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs `oidc-provider-mfa ...` beside the running server and returns what it printed. */
  async command(words: readonly string[], input = ''): Promise<string> {
    const child = spawn(
      process.execPath,
      ['--import', CLOCK, join(ROOT, 'bin/oidc-provider-mfa.mjs'), ...words],
      { cwd: this.folder, env: this.#childEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] },
    )
    let printed = ''
    let complaints = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
    child.stdin.end(input)
    const [code] = (await once(child, 'close')) as [number]
    if (code !== 0) throw new Error(`${words.join(' ')}: ${printed}${complaints}`)
    return printed
  }

  /** Adds a person with a password at the command line. */
  async addPerson(username: string, options: readonly string[] = []): Promise<Credentials> {
    await this.command(['user', 'add', username, ...options, '--password-stdin'], `${PASSWORD}\n`)
    return { username, password: PASSWORD }
  }

  /** Adds people who have everything already, all at once, as a service does that is replaced by this one. */
  async importPeople(people: readonly Newcomer[]): Promise<Credentials[]> {
    const passwordHash = await hash(PASSWORD)
    const lines = people.map(({ secret, ...person }) =>
      JSON.stringify({
        ...person,
        passwordHash,
        ...(secret === undefined ? {} : { totp: [{ secret, name: 'My phone' }] }),
      }),
    )
    writeFileSync(join(this.folder, 'people.jsonl'), `${lines.join('\n')}\n`)
    await this.command(['user', 'import', 'people.jsonl'])
    return people.map(({ username }) => ({ username, password: PASSWORD }))
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  async #listening(): Promise<void> {
    for (;;) {
      // The server prints the addresses once it listens.
      if (/^demonstration app: /m.test(this.#output)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #childEnvironment(): Environment {
    const { PATH = '', HOME = '' } = process.env
    return {
      PATH,
      HOME,
      NO_COLOR: '1',
      JOURNEY_AHEAD_SECONDS: String(this.#aheadSeconds),
      ...this.#environment,
    }
  }
}

/** Finds free ports. All of them are held at the same time, so that no two are the same. */
/** The same settings, but a stop does not wait until a proxy has seen it. */
function withoutDrain(folder: string, environment: Environment): Environment {
  const given = environment['CONFIG_FILE']
  const settings =
    given === undefined ? {} : (JSON.parse(readFileSync(resolve(folder, given), 'utf8')) as object)
  const file = join(folder, 'without-drain.json')
  writeFileSync(file, JSON.stringify({ ...settings, stop: { drainSeconds: 0 } }))
  return { ...environment, CONFIG_FILE: file }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
