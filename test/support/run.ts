import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MONGOOSE_SUITES } from './mongoose-suites.ts'
import { HAS_DEADLINES, usualParts, WITH_DEADLINES } from './parts.ts'
import { ending, sumOf, type Tally } from './reporter.ts'

/**
 * This module is the test command. It checks types, lint and format, each counted as one test, and then runs every
 * suite, most of them in two lanes at once: one suite keeps one CPU busy and not two. A lane that has ended a part takes
 * the next one, so that both end at about the same time. It runs everything even if a part fails, and prints the sums on
 * the last line. Other arguments go to mocha, so that a path limits the suites.
 */
const CHECKS = ['typecheck', 'lint', 'format:check']
/** Also measures the coverage of the domain and the factors, which runs their tests once more. */
const WITH_COVERAGE = '--with-coverage'
/** Runs unit, contract and plugin tests once more, on the oldest Node that package.json promises. */
const WITH_OLDEST_NODE = '--with-oldest-node'
/** Runs the suites that use Mongoose once more, on Mongoose 8. The usual run has Mongoose 9. */
const WITH_MONGOOSE_8 = '--with-mongoose-8'

const NO_TESTS: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] }

const given = process.argv.slice(2)
const suites = given.filter(
  (argument) => ![WITH_COVERAGE, WITH_OLDEST_NODE, WITH_MONGOOSE_8].includes(argument),
)
const scripts = given.includes(WITH_COVERAGE) ? [...CHECKS, 'coverage'] : CHECKS
const folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-'))

try {
  const checks = await Promise.all(scripts.map(check))
  const parts = longestFirst()
  const runs = await Promise.all([lane(parts, { whole: false }), lane(parts, { whole: true })])
  const sums = sumOf([...checks, ...runs.flat(), ...(await suitesWithDeadlines())])
  console.log(ending(sums))
  process.exitCode = sums.failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}

/** A part of the run: a command and its arguments. */
type Part = readonly [command: string, args: readonly string[]]

/** The parts that run beside one another. The long ones come first, so that no lane waits long for the last one. */
function longestFirst(): Part[] {
  if (suites.length > 0) return [['mocha', suites], ...repeated()]
  const [browser = [], ...others] = usualParts()
  return [['mocha', browser], ...repeated(), ...others.map((args): Part => ['mocha', args])]
}

/** The parts that run suites once more. */
function repeated(): Part[] {
  const quiet = MONGOOSE_SUITES.filter((suite) => !HAS_DEADLINES.test(suite))
  return [
    ...(given.includes(WITH_OLDEST_NODE) ? [again('test:node', ['oldest'])] : []),
    ...(given.includes(WITH_MONGOOSE_8) ? [again('test:mongoose', ['8', ...quiet])] : []),
  ]
}

/** Takes the next part, runs it, and so on, until no part is left. */
async function lane(parts: Part[], output: Output): Promise<Tally[]> {
  const tallies: Tally[] = []
  for (let part = parts.shift(); part !== undefined; part = parts.shift())
    tallies.push(await test(part, output))
  return tallies
}

async function suitesWithDeadlines(): Promise<Tally[]> {
  const tallies: Tally[] = []
  if (suites.length === 0) tallies.push(await test(['mocha', WITH_DEADLINES]))
  const ofMongoose = MONGOOSE_SUITES.filter((suite) => HAS_DEADLINES.test(suite))
  if (given.includes(WITH_MONGOOSE_8))
    tallies.push(await test(again('test:mongoose', ['8', ...ofMongoose])))
  return tallies
}

async function check(script: string): Promise<Tally> {
  const passed = (await run('npm', ['run', '--silent', script], { whole: false })) === 0
  console.log(`  ${passed ? '✔' : '✖'} ${script}`)
  return {
    passed: passed ? 1 : 0,
    failed: passed ? 0 : 1,
    skipped: 0,
    failures: passed ? [] : [script],
  }
}

function again(script: string, args: readonly string[]): Part {
  return ['npm', ['run', '--silent', script, '--', ...args]]
}

/** Runs mocha directly or through an npm script. */
async function test([command, args]: Part, output: Output = { whole: false }): Promise<Tally> {
  const tallyFile = join(mkdtempSync(join(folder, 'tests-')), 'tally.json')
  const code = await run(command, args, output, tallyFile)
  const tally = readTally(tallyFile) ?? NO_TESTS
  if (code === 0 || tally.failed > 0) return tally
  // Mocha can fail without a failed test, for example if a suite does not load.
  return {
    ...tally,
    failed: 1,
    failures: [`${command} ${args.join(' ')} ended with ${String(code)}`],
  }
}

/** `whole`: the output is printed at the end of the program, so that it is not mixed with that of the other lane. */
interface Output {
  readonly whole: boolean
}

function run(
  command: string,
  args: readonly string[],
  { whole }: Output,
  tallyFile?: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: whole ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      env: { ...process.env, TALLY_FILE: tallyFile },
    })
    const printed: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => printed.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(printed))
      resolve(code ?? 1)
    })
  })
}

/** The sums that mocha has written, or undefined if it ended before it wrote them. */
function readTally(tallyFile: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally
  } catch {
    return undefined
  }
}
