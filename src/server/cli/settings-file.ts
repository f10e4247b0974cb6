import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { parseEnv } from 'node:util'
import { Refusal } from './terminal.ts'

/** The settings that `init` writes. */
export interface WrittenSettings {
  readonly ISSUER: string
  readonly PORT: string
  readonly STORAGE_URL: string
  readonly SMTP_URL: string
  readonly MAIL_FROM: string
  readonly ENCRYPTION_KEYS: string
  readonly COOKIE_KEYS: string
}

/**
 * A file for `--env-file`, which systemd reads too, with which a server starts in production. Throws Refusal
 * `setting-unfit` if such a file cannot hold a value as it is.
 */
export function settingsFileText(settings: WrittenSettings): string {
  const line = (name: keyof WrittenSettings): string => `${name}=${quoted(name, settings[name])}`
  const text = [
    '# Settings of oidc-provider-mfa, made by `oidc-provider-mfa init`. Keep this file secret: it has keys in it.',
    '# Every setting: docs/reference/configuration.md of the package. A variable of the environment wins.',
    'NODE_ENV=production',
    '',
    '# The address at which people and apps reach the server. Your proxy ends https there.',
    line('ISSUER'),
    '',
    '# The server listens on loopback, and believes the X-Forwarded-For of a proxy on this machine. For a proxy on',
    '# another machine, set HOST to an address that the proxy reaches, and TRUSTED_PROXIES to that of the proxy.',
    'HOST=127.0.0.1',
    line('PORT'),
    'TRUSTED_PROXIES=127.0.0.1,::1',
    '',
    line('STORAGE_URL'),
    '',
    '# This key opens the secrets in the database. Keep a copy of it apart from the backups of the database: without it',
    '# a backup is useless, and with both anybody can read every secret.',
    line('ENCRYPTION_KEYS'),
    '# This key signs cookies.',
    line('COOKIE_KEYS'),
    '',
    '# The mail server that takes codes, links and notices, and their sender.',
    line('SMTP_URL'),
    line('MAIL_FROM'),
    '',
    '# Rules of sign-ins, passwords and sessions are in a JSON file of their own. All of them have defaults.',
    '# CONFIG_FILE=/etc/oidc-provider-mfa/config.json',
    '',
  ].join('\n')
  return text
}

const QUOTES = ["'", '"', '`']

/** The value as `parseEnv` reads it back. */
function quoted(name: string, value: string): string {
  const written = [value, ...QUOTES.map((quote) => `${quote}${value}${quote}`)]
  const candidates = /^[\w.,:@%+=/?&~[\]-]+$/.test(value) ? written : written.slice(1)
  const fitting = candidates.find((each) => parseEnv(`${name}=${each}\nA=1`)[name] === value)
  // A line end would be read differently by systemd.
  if (fitting !== undefined && !/\p{Cc}/u.test(value)) return fitting
  throw new Refusal('setting-unfit', `${name} has characters that the file cannot hold.`)
}

/**
 * Writes a new file that only its owner may read. `check` gets the content of the finished file under another name: if
 * it throws, no file is left. Throws Refusal `file-exists` and `file-unwritable`.
 */
export async function writeNewFile(
  path: string,
  content: string,
  check: (written: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    writing(path, () => writeSynced(draft, content))
    await check(readFileSync(draft, 'utf8'))
    writing(path, () => linkSync(draft, path))
  } finally {
    rmSync(draft, { force: true })
  }
}

function writeSynced(path: string, content: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function writing(path: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    const { code = 'unwritable' } = error as NodeJS.ErrnoException
    throw code === 'EEXIST' ? alreadyThere(path) : unwritable(path, code)
  }
}

/** The refusal of a file that exists. */
export function alreadyThere(path: string): Refusal {
  return new Refusal('file-exists', `${path} exists already: nothing was written.`)
}

export function unwritable(path: string, code: string): Refusal {
  return new Refusal('file-unwritable', `${path} cannot be made: ${code}`)
}
