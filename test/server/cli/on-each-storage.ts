import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../../config/load.ts'
import { layFoundation, type Foundation } from '../../../src/server/boot/foundation.ts'
import { serverMfa, type ServerMfa } from '../../../src/server/boot/mfa.ts'
import { run } from '../../../src/server/cli/index.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  json<T = Readonly<Record<string, unknown>>>(): T
  /** The code of the failure that `--json` prints. */
  failure(): string | undefined
}

/** The command line on one storage. */
export interface CommandLine {
  /** Further variables of the environment. Each test begins without any. */
  environment: Record<string, string>
  /** Runs a command. Its words are divided by spaces. */
  cli(line: string, stdin?: string): Promise<Ran>
  /** The answer of a person at a terminal. Undefined: there is no terminal. */
  answer: string | undefined
  /** Writes a file and returns its path. */
  file(name: string, content: unknown): string
  /** Works with the storage as the server does, and closes it. */
  within<T>(work: (foundation: Foundation, mfa: ServerMfa) => Promise<T>): Promise<T>
}

/** Defines the same tests of commands on SQLite and on MongoDB, each test with an empty storage. */
export function onEachStorage(title: string, define: (line: CommandLine) => void): void {
  describe(`${title} (SQLite)`, () => {
    const line = commandLine(({ folder }) => `sqlite:${join(folder, 'server.sqlite')}`)
    define(line)
  })

  describe(`${title} (MongoDB)`, function () {
    this.timeout(60_000)
    let database: Awaited<ReturnType<typeof openDatabase>>
    before(async function () {
      database = await openDatabase(await requireMongodb(this))
    })
    after(() => database?.close())
    afterEach(() => database.connection.dropDatabase())
    define(commandLine(() => database.url))
  })
}

/** The cheapest hashes that the settings allow: these tests are not about their cost. */
const SETTINGS = { passwords: { hashMemoryKib: 19_456, failuresPerName: 5 } }

export function commandLine(urlOf: (place: { readonly folder: string }) => string): CommandLine {
  let folder = ''
  let own: Record<string, string> = {}
  let given: Record<string, string> = {}
  let typed: string | undefined
  const environment = (): Record<string, string> => ({ ...own, ...given })
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-command-'))
    given = {}
    typed = undefined
    own = {
      ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      STORAGE_URL: urlOf({ folder }),
      ISSUER: 'https://id.example.com',
      CONFIG_FILE: file('settings.json', SETTINGS),
    }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  return {
    get environment() {
      return given
    },
    set environment(next) {
      given = next
    },
    get answer() {
      return typed
    },
    set answer(next) {
      typed = next
    },
    file,

    async cli(line, stdin = '') {
      let [out, err] = ['', '']
      const code = await run(line.split(' '), {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        readLine: async () => stdin,
        readFile: async (path) => readFileSync(path, 'utf8'),
        environment: environment(),
        ...(typed === undefined ? {} : { ask: async () => typed ?? '' }),
      })
      return {
        code,
        out,
        err,
        json: <T>() => JSON.parse(out) as T,
        failure: () => (JSON.parse(err) as { error: { code: string } }).error.code,
      }
    },

    async within(work) {
      const foundation = await layFoundation(loadConfig(environment()))
      const mfa = serverMfa(foundation)
      try {
        return await work(foundation, mfa)
      } finally {
        await mfa.settled()
        await foundation.accountEvents.settled()
        await foundation.storage.close()
      }
    },
  }
}
