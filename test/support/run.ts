import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tallyLine, type Tally } from './reporter.ts'

/**
 * The one test command: types, lint and format, each counted as one test, then every suite. Runs everything
 * even when something fails, and ends with the sums on a line of their own. Arguments go to mocha: a path
 * narrows the suites.
 */
const CHECKS = ['typecheck', 'lint', 'format:check']
/** Takes the coverage of the domain and the factors besides; it runs their tests once more. */
const WITH_COVERAGE = '--with-coverage'

const given = process.argv.slice(2)
const suites = given.filter((argument) => argument !== WITH_COVERAGE)
const scripts = given.includes(WITH_COVERAGE) ? [...CHECKS, 'coverage'] : CHECKS
const folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-'))
const tallyFile = join(folder, 'tally.json')

try {
  const checks = await Promise.all(scripts.map(check))
  const code = await run('mocha', suites.length === 0 ? ['test/**/*.test.ts'] : suites)
  const tests = readTally() ?? { passed: 0, failed: 0, skipped: 0 }
  // Mocha can end badly with no test to blame: a suite that does not load, an error between two tests.
  const failed = code === 0 ? tests.failed : Math.max(tests.failed, 1)
  const passed = checks.filter((each) => each).length
  console.log(
    `\n${tallyLine({
      passed: tests.passed + passed,
      failed: failed + checks.length - passed,
      skipped: tests.skipped,
    })}`,
  )
  process.exitCode = failed === 0 && passed === checks.length ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}

async function check(script: string): Promise<boolean> {
  const passed = (await run('npm', ['run', '--silent', script])) === 0
  console.log(`  ${passed ? '✔' : '✖'} ${script}`)
  return passed
}

function run(command: string, args: readonly string[]): Promise<number> {
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
function readTally(): Tally | undefined {
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally
  } catch {
    return undefined
  }
}
