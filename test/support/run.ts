import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sumOf, tallyLine, type Tally } from './reporter.ts'

/**
 * The one test command: types, lint and format, each counted as one test, then every suite. Runs everything
 * even when something fails, and ends with the sums on a line of their own. Arguments go to mocha: a path
 * narrows the suites.
 */
const CHECKS = ['typecheck', 'lint', 'format:check']
/** Takes the coverage of the domain and the factors besides; it runs their tests once more. */
const WITH_COVERAGE = '--with-coverage'
/** Runs unit, contract and plugin tests once more, on the oldest Node that package.json promises. */
const WITH_OLDEST_NODE = '--with-oldest-node'
/** Runs the suites that use Mongoose once more, on Mongoose 8: the other suites have Mongoose 9. */
const WITH_MONGOOSE_8 = '--with-mongoose-8'

const given = process.argv.slice(2)
const suites = given.filter(
  (argument) => ![WITH_COVERAGE, WITH_OLDEST_NODE, WITH_MONGOOSE_8].includes(argument),
)
const scripts = given.includes(WITH_COVERAGE) ? [...CHECKS, 'coverage'] : CHECKS
const folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-'))

try {
  const tallies = await Promise.all(scripts.map(check))
  tallies.push(await test('mocha', suites.length === 0 ? ['test/**/*.test.ts'] : suites))
  if (given.includes(WITH_OLDEST_NODE))
    tallies.push(await test('npm', ['run', '--silent', 'test:node', '--', 'oldest']))
  if (given.includes(WITH_MONGOOSE_8))
    tallies.push(await test('npm', ['run', '--silent', 'test:mongoose', '--', '8']))
  const sums = sumOf(tallies)
  console.log(`\n${tallyLine(sums)}`)
  process.exitCode = sums.failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}

async function check(script: string): Promise<Tally> {
  const passed = (await run('npm', ['run', '--silent', script])) === 0
  console.log(`  ${passed ? '✔' : '✖'} ${script}`)
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 }
}

/** Runs mocha, by itself or in a script. */
async function test(command: string, args: readonly string[]): Promise<Tally> {
  const tallyFile = join(mkdtempSync(join(folder, 'tests-')), 'tally.json')
  const code = await run(command, args, tallyFile)
  const tally = readTally(tallyFile) ?? { passed: 0, failed: 0, skipped: 0 }
  // Mocha can end badly with no test to blame: a suite that does not load, an error between two tests.
  return code === 0 ? tally : { ...tally, failed: Math.max(tally.failed, 1) }
}

function run(command: string, args: readonly string[], tallyFile?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, TALLY_FILE: tallyFile },
    })
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

/** Undefined when mocha ended before it could say. */
function readTally(tallyFile: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally
  } catch {
    return undefined
  }
}
