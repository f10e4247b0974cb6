import type { Command } from 'commander'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError } from '../../../config/environment.ts'
import { systemRandom } from '../../adapters/crypto/index.ts'
import type { Finding } from '../upkeep/finding.ts'
import { answersOf } from './init-answers.ts'
import { settingsFindings } from './maintenance.ts'
import { alreadyThere, settingsFileText, unwritable, writeNewFile } from './settings-file.ts'
import { answer, readingCommand, type Options, type Output, type Terminal } from './terminal.ts'

const FILE = 'server.env'
const KEY_BYTES = 32

/** `init`: a file of settings with which a server starts in production. */
export function addInitCommand(program: Command, terminal: Terminal): void {
  const made = readingCommand(
    program,
    'init',
    'write settings with which the server starts in production',
  )
    .option('--issuer <url>', 'the https address at which people reach the server')
    .option('--storage <url>', 'sqlite:PATH or mongodb://HOST/DATABASE')
    .option('--smtp <url>', 'the mail server, without a password')
    .option('--smtp-password-stdin', 'read the password of the mail server from standard input')
    .option('--mail-from <address>', 'the sender of mails')
    .option('--port <port>', 'the port to listen on')
    .option('--dir <folder>', 'the folder of the new file', '.')
  answer(terminal, made, async (_args, options) => init(terminal, options))
}

async function init(terminal: Terminal, options: Options): Promise<Output> {
  const folder = resolve(String(options['dir']))
  const path = resolve(folder, FILE)
  // Looked at before the first question. The file is also not replaced if it appears in the meantime.
  if (existsSync(path)) throw alreadyThere(path)
  const answers = await answersOf(terminal, options, folder)
  const text = settingsFileText({
    ...answers,
    STORAGE_URL: withWholePath(answers.STORAGE_URL),
    ENCRYPTION_KEYS: newKey(),
    COOKIE_KEYS: newKey(),
  })
  const made = makeFolder(folder)
  let findings: readonly Finding[] = []
  const check = async (written: string): Promise<void> => {
    findings = await settingsFindings(parseEnv(written))
    const failed = findings.filter(({ result }) => result === 'failed')
    if (failed.length > 0)
      throw new ConfigError(
        failed.map(({ check: setting, detail: problem }) => ({ setting, problem })),
      )
  }
  try {
    await writeNewFile(path, text, check)
  } catch (error) {
    if (made !== undefined) removeEmptyFolders(folder, made)
    throw error
  }
  return outputOf(path, findings)
}

/** The server and the commands may be started in other folders. */
function withWholePath(storage: string): string {
  const [, path] = /^sqlite:(?!:memory:)(.+)$/s.exec(storage) ?? []
  return path === undefined ? storage : `sqlite:${resolve(path)}`
}

function newKey(): string {
  return Buffer.from(systemRandom.bytes(KEY_BYTES)).toString('base64')
}

/** Returns the topmost folder that was made. Undefined: none had to be. */
function makeFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unwritable(folder, (error as NodeJS.ErrnoException).code ?? 'unwritable')
  }
}

function removeEmptyFolders(folder: string, topmost: string): void {
  for (let each = folder; each.startsWith(topmost); each = dirname(each)) rmdirSync(each)
}

function outputOf(path: string, findings: readonly Finding[]): Output {
  const warnings = findings.filter(({ result }) => result === 'warning')
  const next = ['config check', 'serve'].map(
    (each) => `oidc-provider-mfa ${each} --env-file ${inShell(path)}`,
  )
  return {
    json: { files: [path], warnings, next },
    text: [
      `${path} was made: settings and new keys, which only its owner may read.`,
      'The settings were checked as `config check` does.',
      ...warnings.map(({ check, detail }) => `  ${check}: ${detail}`),
      'Next:',
      ...next.map((each) => `  npx ${each}`),
      '',
    ].join('\n'),
  }
}

function inShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
