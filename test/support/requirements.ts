import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { sharedMongodb, standIn } from './mongodb.ts'

/** Programs that some tests need and not every machine has. The product itself does not need them. */
export type Requirement = 'browser' | 'mongodb' | 'mongodb-options' | 'registry' | Tool
export type Tool = 'zbarimg' | 'oathtool'

const HOW_TO_GET: Readonly<Record<Requirement, string>> = {
  browser:
    'Chromium is missing: apt-get install chromium, or set CHROMIUM_PATH to a Chromium or Chrome',
  mongodb:
    'MongoDB is missing: set MONGODB_URL to a server that tests may write to, or pip install SecantusDB and name its secantusd-py in SECANTUSD',
  'mongodb-options':
    'MongoDB with options of its own is missing: pip install SecantusDB and name its secantusd-py in SECANTUSD',
  registry: 'The npm registry cannot be reached: the package is not tried in an empty project',
  zbarimg: 'zbarimg is missing: apt-get install zbar-tools',
  oathtool: 'oathtool is missing: apt-get install oathtool',
}

/** With one of these set to 1, what is missing fails instead of being skipped: so it is in CI. */
const MUST_HAVE: Readonly<Record<Requirement, string>> = {
  browser: 'REQUIRE_BROWSER',
  mongodb: 'REQUIRE_MONGODB',
  'mongodb-options': 'REQUIRE_MONGODB',
  registry: 'REQUIRE_REGISTRY',
  // The tools read and answer what the browser shows: they belong to its journeys.
  zbarimg: 'REQUIRE_BROWSER',
  oathtool: 'REQUIRE_BROWSER',
}

/** Why something was skipped: what the reporter prints at the end. */
export const skipped = new Set<string>()

/** The path of Chromium, or undefined. CHROMIUM_PATH comes first; a wrong one counts as missing. */
export function chromiumPath(): string | undefined {
  const given = process.env.CHROMIUM_PATH
  if (given !== undefined && given !== '') return existsSync(given) ? given : undefined
  return [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ].find((path) => existsSync(path))
}

export function hasTool(tool: Tool): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined
}

/**
 * Skips the test or the suite (from a `before` hook) when there is no browser, and says why at the end of the
 * run; fails instead with REQUIRE_BROWSER=1. Answers where the browser is.
 */
export function requireBrowser(context: Mocha.Context): string {
  const path = chromiumPath()
  if (path === undefined) return miss(context, 'browser')
  return path
}

/** The same for a command line tool. */
export function requireTool(context: Mocha.Context, tool: Tool): void {
  if (!hasTool(tool)) miss(context, tool)
}

/** The same for MongoDB. Answers the URL of one that the whole run shares; take a database of your own in it. */
export async function requireMongodb(context: Mocha.Context): Promise<string> {
  // A first start, or a download, takes longer than a test may.
  context.timeout(150_000)
  return (await sharedMongodb()) ?? miss(context, 'mongodb')
}

/** The same for a MongoDB that a test starts by itself, to stop it or to give it options. */
export function requireOwnMongodb(context: Mocha.Context): void {
  if (standIn() === undefined) miss(context, 'mongodb-options')
}

/** Skips, or fails where it must not be missing. */
export function miss(context: Mocha.Context, requirement: Requirement): never {
  const reason = HOW_TO_GET[requirement]
  if (process.env[MUST_HAVE[requirement]] === '1')
    throw new Error(`${reason} (${MUST_HAVE[requirement]}=1 does without nothing).`)
  skipped.add(reason)
  return context.skip()
}
