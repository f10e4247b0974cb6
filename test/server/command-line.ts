import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../src/domain/json.ts'
import { run } from '../../src/server/cli/index.ts'
import type { Terminal } from '../../src/server/cli/terminal.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Standard output, parsed. */
  json<T = JsonObject>(): T
}

/** The command line in this process, with a folder and a SQLite database of its own. */
export interface CommandLine {
  readonly folder: string
  readonly environment: Record<string, string>
  /** Runs a line, whose words are separated by single spaces, or its words. */
  run(line: string | readonly string[], terminal?: Partial<Terminal>): Promise<Ran>
  /** Writes a file into the folder, and returns its path. */
  file(name: string, content: unknown): string
  remove(): void
}

export function commandLine(): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-commands-'))
  const environment: Record<string, string> = {
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    COOKIE_KEYS: randomBytes(32).toString('base64'),
    STORAGE_URL: `sqlite:${join(folder, 'server.sqlite')}`,
    ISSUER: 'https://id.example.com',
  }
  return {
    folder,
    environment,
    async run(line, more = {}) {
      let [out, err] = ['', '']
      const terminal: Terminal = {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        readLine: async () => '',
        readFile: (path) => readFile(path, 'utf8'),
        environment,
        ...more,
      }
      const code = await run(typeof line === 'string' ? line.split(' ') : line, terminal)
      return { code, out, err, json: <T>() => JSON.parse(out) as T }
    },
    file(name, content) {
      const path = join(folder, name)
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
