import Mocha from 'mocha'
import { writeFileSync } from 'node:fs'
import { skipped } from './requirements.ts'

/** The numbers of tests of a run, by result. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`
}

export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, each) => ({
    passed: sum.passed + each.passed,
    failed: sum.failed + each.failed,
    skipped: sum.skipped + each.skipped,
  }))
}

/**
 * Prints Mocha's own list, then each reason for which a test was skipped, then one line with the sums. If TALLY_FILE is
 * set, writes the sums to that file, and the caller prints the line at the end of the whole run.
 */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.once('end', () => {
      for (const reason of skipped) console.log(`  Skipped: ${reason}`)
      const tally: Tally = {
        passed: this.stats.passes,
        failed: this.stats.failures,
        skipped: this.stats.pending,
      }
      const file = process.env.TALLY_FILE
      if (file === undefined) console.log(`\n${tallyLine(tally)}`)
      else writeFileSync(file, JSON.stringify(tally))
    })
  }
}
