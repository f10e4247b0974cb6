import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { sharedMongodb, standIn } from './mongodb.ts'

/** Programs and services that some tests need and that not every machine has. The product does not need them. */
export type Requirement =
  'browser' | 'mongodb' | 'mongodb-options' | 'mod-auth-openidc' | 'registry' | Tool
export type Tool =
  'zbarimg' | 'oathtool' | 'nginx' | 'systemd-analyze' | 'promtool' | 'bash' | 'zsh' | 'fish'

const HOW_TO_GET: Readonly<Record<Requirement, string>> = {
  browser:
    'Chromium is missing: apt-get install chromium, or set CHROMIUM_PATH to a Chromium or Chrome',
  mongodb:
    'MongoDB is missing: set MONGODB_URL to a server that tests may write to, or pip install SecantusDB and name its secantusd-py in SECANTUSD',
  'mongodb-options':
    'MongoDB with options of its own is missing: pip install SecantusDB and name its secantusd-py in SECANTUSD',
  'mod-auth-openidc':
    'mod_auth_openidc is missing: apt-get install apache2 libapache2-mod-auth-openidc',
  registry: 'The npm registry cannot be reached: the package is not tried in an empty project',
  zbarimg: 'zbarimg is missing: apt-get install zbar-tools',
  oathtool: 'oathtool is missing: apt-get install oathtool',
  nginx: 'nginx is missing: apt-get install nginx',
  'systemd-analyze': 'systemd-analyze is missing: apt-get install systemd',
  promtool: 'promtool is missing: apt-get install prometheus',
  bash: 'bash is missing: apt-get install bash',
  zsh: 'zsh is missing: apt-get install zsh',
  fish: 'fish is missing: apt-get install fish',
}

/** The variables that CI sets to 1, so that a test fails instead of being skipped if its requirement is missing. */
const MUST_HAVE: Readonly<Record<Requirement, string>> = {
  browser: 'REQUIRE_BROWSER',
  mongodb: 'REQUIRE_MONGODB',
  'mongodb-options': 'REQUIRE_MONGODB',
  'mod-auth-openidc': 'REQUIRE_DEPLOYMENT',
  registry: 'REQUIRE_REGISTRY',
  // Only the journeys in the browser use these tools.
  zbarimg: 'REQUIRE_BROWSER',
  oathtool: 'REQUIRE_BROWSER',
  // The examples of a deployment and of its monitoring.
  nginx: 'REQUIRE_DEPLOYMENT',
  'systemd-analyze': 'REQUIRE_DEPLOYMENT',
  promtool: 'REQUIRE_DEPLOYMENT',
  // The scripts by which shells complete commands.
  bash: 'REQUIRE_SHELLS',
  zsh: 'REQUIRE_SHELLS',
  fish: 'REQUIRE_SHELLS',
}

/** The reasons for which tests were skipped. The reporter prints them at the end. */
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
 * Returns the path of the browser. If there is none, skips the test, or the suite from a `before` hook, and gives the
 * reason at the end of the run. With REQUIRE_BROWSER=1 it fails instead.
 */
export function requireBrowser(context: Mocha.Context): string {
  const path = chromiumPath()
  if (path === undefined) return miss(context, 'browser')
  return path
}

/** Skips or fails in the same way if a command line tool is missing. */
export function requireTool(context: Mocha.Context, tool: Tool): void {
  if (!hasTool(tool)) miss(context, tool)
}

/** Returns the URL of the MongoDB that the whole run shares; each test must use its own database. Skips likewise. */
export async function requireMongodb(context: Mocha.Context): Promise<string> {
  // The first start of the database or its download takes longer than the default limit of a test.
  context.timeout(150_000)
  return (await sharedMongodb()) ?? miss(context, 'mongodb')
}

/** Skips or fails in the same way if a test cannot start its own MongoDB, to stop it or to give it options. */
export function requireOwnMongodb(context: Mocha.Context): void {
  if (standIn() === undefined) miss(context, 'mongodb-options')
}

/** Skips the test or suite, or fails if the environment says that the requirement must not be missing. */
export function miss(context: Mocha.Context, requirement: Requirement): never {
  const reason = HOW_TO_GET[requirement]
  if (process.env[MUST_HAVE[requirement]] === '1')
    throw new Error(`${reason} (${MUST_HAVE[requirement]}=1 does without nothing).`)
  skipped.add(reason)
  return context.skip()
}
