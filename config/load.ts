import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  isKnownMode,
  isProduction,
  parseEnvironment,
  type Config,
  type Environment,
  type Need,
} from './environment.ts'
import { DEMONSTRATION_MARK, KEY_BYTES } from './values.ts'

/** The folder in which a demonstration keeps the keys and data that it makes. */
export const DEMONSTRATION_FOLDER = 'data'

/** The environment of this process. No other module reads it. */
export const processEnvironment: Environment = process.env

const SECRETS = ['ENCRYPTION_KEYS', 'COOKIE_KEYS'] as const

/**
 * Reads the settings of this process. Outside production, missing keys are made once and kept in `data/`, where only
 * their owner can read them. `needs`: as in `parseEnvironment`.
 */
export function loadConfig(
  environment: Environment = processEnvironment,
  folder: string = DEMONSTRATION_FOLDER,
  needs?: readonly Need[],
): Config {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  // Neither makes keys in a folder: the second is refused.
  if (isProduction(environment) || !isKnownMode(environment))
    return parseEnvironment(environment, readFile, needs)
  const missing = SECRETS.filter((name) => !environment[name] && !environment[`${name}_FILE`])
  if (missing.length === 0) return parseEnvironment(environment, readFile, needs)
  const kept = keptSecrets(folder)
  const made = Object.fromEntries(missing.map((name) => [name, kept[name]]))
  return parseEnvironment({ ...environment, ...made }, readFile, needs)
}

function keptSecrets(folder: string): Record<string, string | undefined> {
  const keys = SECRETS.map((name) => [name, demonstrationKey()])
  const text = keepOnce(
    join(folder, 'keys.json'),
    `${JSON.stringify(Object.fromEntries(keys), null, 2)}\n`,
  )
  return JSON.parse(text) as Record<string, string>
}

/**
 * Writes the file unless it exists, and returns its content. The file appears with its whole content at once: two
 * processes that start at the same time both read the same content.
 */
export function keepOnce(path: string, content: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The file does not exist yet.
  }
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(path, 'utf8')
}

function demonstrationKey(): string {
  const random = randomBytes(KEY_BYTES - DEMONSTRATION_MARK.length)
  return Buffer.concat([DEMONSTRATION_MARK, random]).toString('base64')
}
