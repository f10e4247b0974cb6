import { expect } from 'chai'
import { MOST_OF_A_FACTOR } from '../../src/domain/enrolment.ts'
import { MOST_FAILURES } from '../../src/domain/throttle.ts'
import { readText, rowsOf, sectionOf } from './page.ts'

/** The number of codes that are accepted at one moment with the default window of one step. */
const STEPS = 3
const IMPORTED_CODES = 20

const percent = (accepted: number, digits: number): string =>
  `${Number(((100 * MOST_FAILURES * accepted) / 10 ** digits).toPrecision(2))} %`

describe('the guess limits in docs/threat-model.md', () => {
  const section = sectionOf(readText('docs/threat-model.md'), 2, 'How far guessing gets')

  it('R1 R40 are those of the numbers in the code', () => {
    expect(MOST_OF_A_FACTOR).to.equal(10)
    expect(section).to.contain('at most ten authenticators').and.to.contain('100 wrong codes')
    const limits = rowsOf(section).map(([, ...numbers]) => numbers)
    expect(limits.slice(0, 2)).to.deep.equal(
      [6, 8].map((digits) => [percent(STEPS, digits), percent(STEPS * MOST_OF_A_FACTOR, digits)]),
    )
    expect(limits.slice(3).map(([one]) => one)).to.deep.equal(
      [8, 4].map((digits) => percent(IMPORTED_CODES, digits)),
    )
  })
})
