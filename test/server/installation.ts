import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { run } from '../../src/server/cli/index.ts'
import { startServer, stopServers, type TestServer } from './support.ts'

/** A server in a folder of its own, for each test of a suite: the command line and the pages use one database. */
export interface Installation {
  readonly folder: string
  /** The database in SQLite. */
  readonly path: string
  /** The environment of the commands and servers that are started from now on. */
  environment: Record<string, string>
  cli(...argv: string[]): Promise<{ code: number; out: string; err: string }>
  serving(): Promise<TestServer>
}

/** Makes an installation before each test, and removes it with its servers afterwards. */
export function setInstallation(): Installation {
  let folder = ''
  let environment: Record<string, string> = {}
  const path = (): string => join(folder, 'server.sqlite')

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-installation-'))
    environment = {
      ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      STORAGE_URL: `sqlite:${path()}`,
      // Any free port: another server may run on this machine.
      PORT: '0',
      DEMO_PORT: '0',
    }
  })
  afterEach(async () => {
    await stopServers()
    rmSync(folder, { recursive: true })
  })

  return {
    get folder() {
      return folder
    },
    get path() {
      return path()
    },
    get environment() {
      return environment
    },
    set environment(next) {
      environment = next
    },
    async cli(...argv) {
      let [out, err] = ['', '']
      const code = await run(argv, {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        readLine: async () => '',
        readFile: async (name) => readFileSync(name, 'utf8'),
        environment,
      })
      return { code, out, err }
    },
    serving: () => startServer({ environment, storage: openSqliteStorage({ path: path() }) }),
  }
}
