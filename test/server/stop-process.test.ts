import { expect } from 'chai'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HttpClient } from '../support/http-client.ts'
import { freePort } from '../support/mongodb.ts'
import { APP, authorizationUrl, NO_DRAIN } from './support.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = join(ROOT, 'bin', 'oidc-provider-mfa.mjs')
const SERVE = [process.execPath, BIN, 'serve']
/** Makes this Node look too old for the server, so that the program hands over to the pinned one. */
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})'
const HANDS_OVER = [process.execPath, '--import', OLD_NODE, BIN, 'serve']
const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ')

describe('the process of the server', function () {
  this.timeout(60_000)
  let folder: string
  let port: number
  const children = new Set<ChildProcess>()

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-stop-'))
    port = await freePort()
  })
  afterEach(async () => {
    for (const child of children) end(child)
    children.clear()
    while (await isListening()) await sleep(20)
    rmSync(folder, { recursive: true, force: true })
  })

  /** Ends the whole group, with everything that npm has started. */
  function end({ pid }: ChildProcess): void {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async function isListening(): Promise<boolean> {
    const socket = connect({ port, host: '127.0.0.1' })
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  }

  const answer = async (path: string): Promise<number | undefined> =>
    (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status

  /** Starts a command in a group of its own, and waits until its server is ready. */
  async function start(command: readonly string[], stop?: object): Promise<ChildProcess> {
    const child = launch(command, stop)
    while ((await answer('/health/ready')) !== 200) {
      if (child.exitCode !== null) throw new Error(`The command ended with ${child.exitCode}.`)
      await sleep(50)
    }
    return child
  }

  function launch(
    [program = '', ...args]: readonly string[],
    stop: object = NO_DRAIN,
    environment: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const file = (name: string, content: unknown): string => {
      writeFileSync(join(folder, name), JSON.stringify(content))
      return join(folder, name)
    }
    const child = spawn(program, args, {
      cwd: ROOT,
      detached: true,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        PORT: String(port),
        DEMO: 'off',
        LOG_LEVEL: 'info',
        CONFIG_FILE: file('config.json', { stop }),
        CLIENTS_FILE: file('clients.json', [APP]),
        STORAGE_URL: `sqlite:${join(folder, 'server.sqlite')}`,
        ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        COOKIE_KEYS: randomBytes(32).toString('base64'),
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    children.add(child)
    return child
  }

  const exitOf = async (child: ChildProcess): Promise<unknown[]> =>
    (await once(child, 'exit')) as unknown[]

  const untilStopped = async (): Promise<void> => {
    while (await isListening()) await sleep(50)
  }

  it('answers every request under load after SIGTERM, and ends with 0', async () => {
    const child = await start(SERVE, { drainSeconds: 2 })
    const statuses: number[] = []
    let isReady = true
    // Each visitor does what a proxy does: it sends requests as long as the node says that it is ready.
    const visit = async (): Promise<void> => {
      const origins = { [`http://localhost:${port}`]: { url: `http://127.0.0.1:${port}` } }
      while (isReady) {
        const browser = new HttpClient({ origins })
        const page = await browser.visit(authorizationUrl(`http://localhost:${port}`))
        statuses.push(page.status)
      }
    }
    const visitors = Promise.all(Array.from({ length: 8 }, visit))
    while (statuses.length < 20) await sleep(10)
    const exit = exitOf(child)
    child.kill('SIGTERM')
    const before = statuses.length
    while ((await answer('/health/ready')) === 200) await sleep(5)
    while (statuses.length < before + 16) await sleep(5)
    isReady = false
    await visitors
    expect([...new Set(statuses)]).to.deep.equal([200])
    expect(await exit).to.deep.equal([0, null])
  })

  for (const [name, command] of [
    ['runs by itself', SERVE],
    ['was handed over by an old Node', HANDS_OVER],
  ] as const)
    it(`ends with 0 at once at the second signal, where it ${name}`, async () => {
      const child = await start(command, { drainSeconds: 300 })
      const exit = exitOf(child)
      child.kill('SIGTERM')
      while ((await answer('/health/ready')) !== 503) await sleep(20)
      child.kill('SIGTERM')
      expect(await exit).to.deep.equal([0, null])
      await untilStopped()
    })

  it('takes Ctrl-C, which signals both processes of a hand-over, for one request', async () => {
    const child = await start(HANDS_OVER, { drainSeconds: 2 })
    const exit = exitOf(child)
    process.kill(-(child.pid ?? 0), 'SIGINT')
    while ((await answer('/health/ready')) !== 503) await sleep(20)
    expect(await answer('/health/live')).to.equal(200)
    expect(await exit).to.deep.equal([0, null])
  })

  for (const [name, command, signals] of [
    ['npm start', ['npm', 'start'], ['SIGTERM', 'SIGKILL']],
    ['npm exec', ['npm', 'exec', '--no', '--', 'oidc-provider-mfa', 'serve'], ['SIGTERM']],
    ['npx', ['npx', '--no', 'oidc-provider-mfa', 'serve'], ['SIGTERM']],
    ['npm exec on an old Node', ['npm', 'exec', '--no', '-c', quoted(HANDS_OVER)], ['SIGTERM']],
    ['a program of an old Node', HANDS_OVER, ['SIGTERM', 'SIGKILL']],
  ] as const)
    for (const signal of signals)
      it(`frees its port when ${name} ends by ${signal}`, async () => {
        const child = await start(command)
        const exit = exitOf(child)
        child.kill(signal)
        await exit
        await untilStopped()
      })

  it('ends with 0 while it waits for its database at the start', async () => {
    // A database that accepts the connection and never answers.
    const database = createServer().listen(0, '127.0.0.1')
    await once(database, 'listening')
    const connected = once(database, 'connection') as Promise<[Socket]>
    const { port: silent } = database.address() as AddressInfo
    const child = launch(SERVE, NO_DRAIN, {
      STORAGE_URL: `mongodb://127.0.0.1:${silent}/mfa?directConnection=true`,
    })
    const exit = exitOf(child)
    const [socket] = await connected
    expect(await answer('/health/ready')).to.equal(503)
    child.kill('SIGTERM')
    expect(await exit).to.deep.equal([0, null])
    socket.destroy()
    database.close()
  })

  it('ends at SIGTERM although nobody reads its log', () => {
    const program = `
      import { openLog } from ${JSON.stringify(join(ROOT, 'src/server/observe/log.ts'))}
      const log = openLog('info')
      for (let line = 0; line < 4000; line += 1) log.info('x'.repeat(1000))
      process.on('SIGTERM', () => process.exit(3))
      setInterval(() => undefined, 1000)
      process.kill(process.pid, 'SIGTERM')`
    // The shell leaves the pipe open and reads nothing until the program has ended.
    const { stdout } = spawnSync(
      'bash',
      [
        '-c',
        `mkfifo pipe; exec 3<>pipe; "$0" --input-type=module --eval "$1" >&3; echo $?`,
        process.execPath,
        program,
      ],
      { cwd: folder, encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' },
    )
    expect(stdout).to.equal('3\n')
  })
})
