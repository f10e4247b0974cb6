import { expect } from 'chai'
import fc from 'fast-check'
import { inTime, isDue, paceOf, withMark, type Mark } from '../../../src/server/cli/pace.ts'
import { progress, type LongRun } from '../../../src/server/cli/progress.ts'
import type { Terminal } from '../../../src/server/cli/terminal.ts'
import { commandLine, type CommandLine } from '../command-line.ts'

const MINUTE = 60_000

describe('the pace of a long run', () => {
  it('is the rate between the first and the last mark, and the time of the rest at that rate', () => {
    const marks = [
      { at: 5_000, done: 100 },
      { at: 9_000, done: 5_000 },
      { at: 15_000, done: 600 },
    ]
    expect(paceOf(marks, 1_601)).to.deep.equal({ perSecond: 50, secondsLeft: 21 })
    expect(paceOf(marks)).to.deep.equal({ perSecond: 50 })
  })

  it('promises no time where nothing was done, and none below zero where the total has grown', () => {
    expect(paceOf([{ at: 0, done: 0 }], 10)).to.deep.equal({ perSecond: 0 })
    const still = { at: 1_000, done: 0 }
    expect(paceOf([{ at: 0, done: 0 }, still], 10)).to.deep.equal({ perSecond: 0 })
    const more = { at: 1_000, done: 12 }
    expect(paceOf([{ at: 0, done: 0 }, more], 10)).to.deep.equal({ perSecond: 12, secondsLeft: 0 })
  })

  it('forgets lines that were only skipped after a minute, and keeps few marks', () => {
    let marks: readonly Mark[] = [{ at: 0, done: 0 }]
    // A second run skips 100,000 lines in ten seconds, and then hashes two people a second.
    for (let second = 1; second <= 200; second += 1) {
      const done = second <= 10 ? second * 10_000 : 100_000 + (second - 10) * 2
      marks = withMark(marks, { at: second * 1_000, done })
      marks = withMark(marks, { at: second * 1_000 + 500, done })
    }
    expect(paceOf(marks, 200_000).perSecond).to.equal(2)
    expect(marks.length).to.be.at.most(62)
  })

  it('keeps marks in their order, and an estimate of a steady run is exact', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(steps, (pauses) => {
        let marks: readonly Mark[] = [{ at: 0, done: 0 }]
        let at = 0
        for (const pause of pauses) marks = withMark(marks, { at: (at += pause), done: at })
        const [first, last] = [marks[0]!, marks.at(-1)!]
        expect(marks.every((mark, nth) => mark.at >= (marks[nth - 1]?.at ?? 0))).to.equal(true)
        expect(at - last.at).to.be.below(1_000)
        if (marks.length > 2) expect(marks[1]!.at).to.be.above(last.at - MINUTE)
        if (last.at > first.at) expect(paceOf(marks).perSecond).to.be.closeTo(1_000, 1e-6)
      }),
    )
  })

  it('is told each second on a terminal, and elsewhere by percent and at least each minute', () => {
    const told = { at: 0, done: 0 }
    const due = (at: number, done: number, onTerminal: boolean, total?: number): boolean =>
      isDue(told, { at, done }, { onTerminal, ...(total === undefined ? {} : { total }) })
    expect(due(999, 500, true, 1_000)).to.equal(false)
    expect(due(1_000, 1, true, 1_000)).to.equal(true)
    expect(due(999, 500, false, 1_000)).to.equal(false)
    expect(due(5_000, 9, false, 1_000)).to.equal(false)
    expect(due(5_000, 10, false, 1_000)).to.equal(true)
    expect(due(59_999, 9, false, 1_000)).to.equal(false)
    expect(due(MINUTE, 9, false, 1_000)).to.equal(true)
    expect(due(59_999, 9_999, false)).to.equal(false)
    expect(due(MINUTE, 9_999, false)).to.equal(true)
  })

  it('says a time in the largest unit of which it has two', () => {
    const said = [0, 119, 120, 7_140, 7_200, 100_000, 200_000].map(inTime)
    expect(said).to.deep.equal(['0 s', '119 s', '2 min', '119 min', '2 h', '28 h', '2 days'])
  })
})

describe('the progress of a command', () => {
  let cli: CommandLine
  beforeEach(() => {
    cli = commandLine()
  })
  afterEach(() => cli.remove())

  const linesOf = (run: LongRun, onTerminal = true): string[] => {
    const lines: string[] = []
    let at = 0
    const terminal: Partial<Terminal> = {
      err: (text) => void lines.push(text),
      now: () => at,
      isInteractive: onTerminal,
    }
    const tell = progress(terminal as Terminal, run)
    for (let done = 1; done <= 1_000; done += 1) {
      at += 250
      tell(done)
    }
    return lines
  }

  it('has done, total, rate and time left, once a second', () => {
    const soFar = () => ({ json: { bad: 7 }, text: '7 bad' })
    const run = { json: false, items: 'lines', total: 15_350, soFar }
    const lines = linesOf(run)
    expect(lines).to.have.length(250)
    expect(lines[0]).to.equal('4 of 15350 lines, 4 a second, about 64 min left: 7 bad\n')
    expect(JSON.parse(linesOf({ ...run, json: true })[1] ?? '')).to.deep.equal({
      progress: { done: 8, total: 15_350, per_second: 4, seconds_left: 3_836, bad: 7 },
    })
  })

  it('goes to a log by percent, and says no time where no total is known', () => {
    const counted = linesOf({ json: false, items: 'accounts', total: 1_000 }, false)
    expect(counted).to.have.length(100)
    expect(counted.at(-1)).to.equal('1000 of 1000 accounts, 4 a second, about 0 s left\n')
    const open = linesOf({ json: true, items: 'lines' }, false)
    expect(open.map((line) => JSON.parse(line) as unknown)).to.deep.equal(
      [240, 480, 720, 960].map((done) => ({ progress: { done, per_second: 4 } })),
    )
  })

  /** A clock that goes on by two seconds at each look. */
  const slow = (): Partial<Terminal> => {
    let at = 0
    return { now: () => (at += 2_000), isInteractive: true }
  }
  const progressIn = (err: string): Record<string, unknown>[] =>
    err
      .split('\n')
      .filter((line) => line.startsWith('{"progress"'))
      .map((line) => (JSON.parse(line) as { progress: Record<string, unknown> }).progress)

  it('is told by user import, restore and keys rotate encryption', async () => {
    const people = [1, 2, 3, 4].map((nth) => ({
      username: `person-${nth}`,
      totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    }))
    const file = cli.file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
    const imported = await cli.run(`user import ${file} --json`, slow())
    expect(progressIn(imported.err)).to.deep.equal(
      [1, 2, 3, 4].map((done) => ({
        done,
        total: 4,
        per_second: 0.5,
        seconds_left: (4 - done) * 2,
        imported: done,
        unchanged: 0,
        bad: 0,
      })),
    )
    const restored = await cli.run('restore --dry-run --json', slow())
    expect(progressIn(restored.err)).to.deep.equal(
      [1, 2, 3, 4].map((done) => ({
        done,
        total: 4,
        per_second: 0.5,
        seconds_left: (4 - done) * 2,
        done_before: 0,
        with_backup_codes: 0,
      })),
    )
    const plain = await cli.run('restore --dry-run', slow())
    expect(plain.err).to.contain('2 of 4 accounts, 0.5 a second, about 4 s left: 0 with backup')
    const rotated = await cli.run('keys rotate encryption --json', slow())
    const pass = { done: 4, total: 4, per_second: 2, seconds_left: 0, resealed: 0 }
    expect(progressIn(rotated.err)).to.deep.equal([
      { ...pass, pass: 'sealing' },
      { ...pass, pass: 'counting' },
    ])
  })

  it('is not told of a run that takes less than a second', async () => {
    const now = { now: () => 0, isInteractive: true }
    await cli.run('user add alice')
    expect((await cli.run('restore --dry-run', now)).err).to.equal('')
    expect((await cli.run('keys rotate encryption', now)).err).to.equal('')
  })
})
