import Mocha from 'mocha'
import { writeFileSync } from 'node:fs'
import { skipped } from './requirements.ts'

/** The numbers of tests of a run, by result, and the full titles of the failed ones, each with its message. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failures: readonly string[]
}

function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`
}

/** The end of a run: names each failed test, whose report stands far above by then, and has the sums on a line alone. */
export function ending(tally: Tally): string {
  return [...tally.failures.map((failure) => `  Failed: ${failure}`), '', tallyLine(tally)].join(
    '\n',
  )
}

export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, each) => ({
    passed: sum.passed + each.passed,
    failed: sum.failed + each.failed,
    skipped: sum.skipped + each.skipped,
    failures: [...sum.failures, ...each.failures],
  }))
}

/**
 * Prints Mocha's own list, then each reason for which a test was skipped, then the failed tests and the sums. If TALLY_FILE is
 * set, writes both to that file, and the caller prints them at the end of the whole run.
 */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const failures: string[] = []
    runner.on('fail', (test, error: Error) =>
      failures.push(`${test.fullTitle()}: ${error.message}`),
    )
    runner.once('end', () => {
      for (const reason of skipped) console.log(`  Skipped: ${reason}`)
      const tally: Tally = {
        passed: this.stats.passes,
        failed: this.stats.failures,
        skipped: this.stats.pending,
        failures,
      }
      const file = process.env.TALLY_FILE
      if (file === undefined) console.log(ending(tally))
      else writeFileSync(file, JSON.stringify(tally))
    })
  }
}
