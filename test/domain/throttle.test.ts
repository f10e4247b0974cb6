import { expect } from 'chai'
import fc from 'fast-check'
import { settleAccepted, settleRefused } from '../../src/domain/attempt.ts'
import { raiseEpoch, resetFactors } from '../../src/domain/enrolment.ts'
import { UNKNOWN_BROWSER, type BrowserClass } from '../../src/domain/known-browser.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import {
  charge,
  clearSuspicion,
  delayGate,
  endWaits,
  FAILURES_TO_SUSPECT,
  forgive,
  gate,
  grow,
  MOST_FAILURES,
} from '../../src/domain/throttle.ts'
import { acceptance, browserOf, enrolled, NOW, PASSKEY } from './records.ts'
import { anyAct, evaluatedFailures, expectedGates, play, type Act } from './throttle-model.ts'

const DAY = 86_400

/** Sends wrong codes from unknown browsers, each as soon as it is examined. */
function strangersFail(record: MfaRecord, times: number, start = NOW): MfaRecord {
  let current = record
  let now = start
  for (let n = 0; n < times; n += 1) {
    now = Math.max(now, current.throttle.unknownBrowsers.until ?? now)
    current = charge(current, UNKNOWN_BROWSER, now).record
  }
  return current
}

/** An attacker who never has to wait: four wrong codes, then the owner signs in from the same class. */
function fourByFour(failures: number, everySeconds = 60): Act[] {
  return Array.from({ length: failures }, (_, index): Act[] => [
    { afterSeconds: everySeconds, who: 'stranger', what: 'wrong' },
    ...(index % 4 === 3 ? [{ afterSeconds: 0, who: 'stranger', what: 'right' } as const] : []),
  ]).flat()
}

describe('the delay after wrong codes', () => {
  it('is none for four, 30 s for the fifth, and doubles up to an hour', () => {
    const waits: number[] = []
    let delay: ReturnType<typeof grow> = { failures: 0 }
    for (let n = 0; n < 20; n += 1) {
      delay = grow(delay, NOW)
      waits.push((delay.until ?? NOW) - NOW)
    }
    expect(waits.slice(0, 13)).to.deep.equal([
      0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600,
    ])
    expect(new Set(waits.slice(12))).to.deep.equal(new Set([3_600]))
  })

  it('is over where only a wrong clock can have set its end, and its failures count on', () => {
    const year = 365 * DAY
    const delay = grow({ failures: 11 }, NOW + year)
    expect(delayGate(delay, NOW + year).open).to.equal(false)
    expect(delayGate(delay, NOW)).to.deep.equal({ open: true })
    expect(grow(delay, NOW)).to.deep.equal({ failures: 13, until: NOW + 3_600 })
    // Nodes whose clocks differ by less than the longest wait keep each other's waits.
    expect(delayGate(delay, NOW + year - 3_600).open).to.equal(false)
    expect(delayGate(delay, NOW + year - 3_601)).to.deep.equal({ open: true })
  })

  it('R1 counts a failure of a clock that was ahead for 30 days from the next one', () => {
    const ahead = strangersFail(enrolled(), 5, NOW + 365 * DAY)
    const { throttle } = charge(ahead, UNKNOWN_BROWSER, NOW).record
    expect(throttle.failedAt).to.deep.equal(Array.from({ length: 6 }, () => NOW))
    const later = charge({ ...ahead, throttle }, UNKNOWN_BROWSER, NOW + 30 * DAY).record
    expect(later.throttle.failedAt).to.have.length(1)
  })

  it('is an hour for any number of failures, however large', () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: Number.MAX_SAFE_INTEGER - 1 }), (failures) => {
        expect(grow({ failures }, NOW)).to.deep.equal({
          failures: failures + 1,
          until: NOW + 3_600,
        })
      }),
    )
  })

  it('ends at its last second, not before', () => {
    const delay = { failures: 5, until: NOW + 30 }
    expect(delayGate(delay, NOW + 29)).to.deep.equal({
      open: false,
      reason: 'code',
      until: NOW + 30,
    })
    expect(delayGate(delay, NOW + 30)).to.deep.equal({ open: true })
  })
})

describe('the throttle', () => {
  it('R1 R2 opens and closes as the model counts, for any events in any browsers', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 120, size: 'max' }), (acts) => {
        expect(play(acts).map((step) => step.gate)).to.deep.equal(expectedGates(acts))
      }),
      { numRuns: 200 },
    )
  })

  it('R1 examines at most 100 failures in any 30 days, successes and new passwords notwithstanding', () => {
    const busy = fc.array(anyAct, { minLength: 150, maxLength: 400, size: 'max' })
    fc.assert(
      fc.property(busy, (acts) => {
        const failed = evaluatedFailures(play(acts))
        failed.slice(MOST_FAILURES).forEach((at, index) => {
          expect(at - failed[index]!).to.be.at.least(30 * DAY)
        })
      }),
      { numRuns: 60 },
    )
  })

  it('R1 examines the hundredth failure and not the next, however often the owner succeeded', () => {
    const steps = play(fourByFour(140))
    expect(evaluatedFailures(steps)).to.have.length(100)
    expect(steps.at(-1)?.gate).to.deep.equal({ open: false, reason: 'codes-disabled' })
  })

  it('R1 keeps codes disabled however long one waits', () => {
    const { after } = play(fourByFour(100)).at(-1)!
    expect(gate(after, UNKNOWN_BROWSER, true, NOW + 400 * DAY)).to.include({
      reason: 'codes-disabled',
    })
  })

  it('R1 counts the failures of the last 30 days, not of all time', () => {
    const slowly = play(fourByFour(150, 8 * 3_600))
    expect(evaluatedFailures(slowly)).to.have.length(150)
    expect(slowly.at(-1)?.after.throttle.failedAt.length).to.be.lessThan(MOST_FAILURES)
  })

  it('R1 counts a failure for 30 days to the second', () => {
    const disabled = [30 * DAY - 1, 30 * DAY].map((ago) => {
      const failedAt = Array.from({ length: 99 }, () => NOW - ago)
      const record = enrolled({ throttle: { failedAt, unknownBrowsers: { failures: 0 } } })
      return charge(record, UNKNOWN_BROWSER, NOW).codesDisabled
    })
    expect(disabled).to.deep.equal([true, false])
  })

  it('R1 never keeps more than a hundred moments of failure', () => {
    const crowded = Array.from({ length: 150 }, (_, index) => NOW - 150 + index)
    const record = enrolled({ throttle: { failedAt: crowded, unknownBrowsers: { failures: 0 } } })
    const { throttle } = charge(record, UNKNOWN_BROWSER, NOW).record
    expect(throttle.failedAt).to.deep.equal([...crowded.slice(-99), NOW])
  })

  it('R1 counts failures in all classes of browsers together', () => {
    const failedAt = Array.from({ length: 98 }, () => NOW)
    const throttle = { failedAt, unknownBrowsers: { failures: 0 } }
    const one = charge(enrolled({ throttle }, ['laptop']), UNKNOWN_BROWSER, NOW)
    const two = charge(one.record, browserOf(one.record, 'laptop'), NOW)
    expect([one, two].map(({ codesDisabled }) => codesDisabled)).to.deep.equal([false, true])
  })

  it('R1 lets a phishing-resistant factor lift the ban, and only that starts the sum again', () => {
    const { after } = play(fourByFour(100)).at(-1)!
    const byCode = forgive(after, UNKNOWN_BROWSER, false)
    expect(gate(byCode, UNKNOWN_BROWSER, true, NOW + DAY).open).to.equal(false)
    const byKey = forgive(after, UNKNOWN_BROWSER, true)
    expect(gate(byKey, UNKNOWN_BROWSER, true, NOW + DAY).open).to.equal(true)
    expect(byKey.throttle.failedAt).to.deep.equal([])
  })

  it('R1 allows no further guesses because a passkey is used from time to time', () => {
    const failed = strangersFail(enrolled(), 4)
    const settled = settleAccepted(failed, acceptance({ assurance: PASSKEY, now: NOW + 60 }))
    expect(settled.record.throttle.failedAt).to.have.length(4)
  })

  it('R1 never delays a factor that cannot be guessed', () => {
    const waiting = strangersFail(enrolled(), 6)
    const banned = play(fourByFour(100)).at(-1)!.after
    for (const record of [waiting, banned]) {
      expect(gate(record, UNKNOWN_BROWSER, true, NOW).open).to.equal(false)
      expect(gate(record, UNKNOWN_BROWSER, false, NOW)).to.deep.equal({ open: true })
    }
  })

  it('R1 does not count failures of a factor that cannot be guessed', () => {
    const refusal = { factor: 'key', reason: 'wrong', now: NOW, detail: {} } as const
    const record = enrolled()
    const settled = settleRefused(record, {
      ...refusal,
      guessable: false,
      browser: UNKNOWN_BROWSER,
    })
    expect(settled.record).to.equal(record)
    expect(settled.events.map(({ type }) => type)).to.deep.equal(['factor-refused'])
  })

  it('R2 suspects the password at the tenth failure of strangers, and shuts them out for good', () => {
    expect(FAILURES_TO_SUSPECT).to.equal(10)
    const nine = strangersFail(enrolled({}, ['laptop']), 9)
    const tenth = charge(nine, UNKNOWN_BROWSER, NOW + DAY)
    expect(nine.throttle).not.to.have.property('passwordSuspectedAt')
    expect(tenth.passwordSuspected).to.equal(true)
    const later = NOW + 400 * DAY
    for (const guessable of [true, false])
      expect(gate(tenth.record, UNKNOWN_BROWSER, guessable, later)).to.deep.equal({
        open: false,
        reason: 'password-suspected',
      })
  })

  it('R2 shuts out no sign-in without a password, but for codes', () => {
    const record = strangersFail(enrolled({}, ['laptop']), 10)
    const open = (guessable: boolean, withoutPassword: boolean) =>
      gate(record, UNKNOWN_BROWSER, guessable, NOW + DAY, withoutPassword).open
    expect([open(false, true), open(true, true)]).to.deep.equal([true, false])
    expect([open(false, false), open(true, false)]).to.deep.equal([false, false])
  })

  it('R1 R2 judges codes alike, whether a password was typed or not', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 60, size: 'max' }), (acts) => {
        for (const { after, at } of play(acts))
          for (const name of ['stranger', 'laptop'])
            expect(gate(after, browserOf(after, name), true, at, true)).to.deep.equal(
              gate(after, browserOf(after, name), true, at, false),
            )
      }),
      { numRuns: 50 },
    )
  })

  it('R2 still admits the owner in a browser that the owner has used, while unknown browsers are refused', () => {
    const record = strangersFail(enrolled({}, ['laptop']), 10)
    expect(gate(record, browserOf(record, 'laptop'), true, NOW)).to.deep.equal({ open: true })
  })

  it('R2 lets strangers in again after a change of the password, with a clean count', () => {
    const record = clearSuspicion(strangersFail(enrolled(), 10))
    expect(gate(record, UNKNOWN_BROWSER, true, NOW)).to.deep.equal({ open: true })
    expect(record.throttle.unknownBrowsers).to.deep.equal({ failures: 0 })
    expect(record.throttle.failedAt).to.have.length(10)
  })

  it('R2 does not end the suspicion for a raised epoch alone', () => {
    const { record } = raiseEpoch(strangersFail(enrolled(), 10), 'disabled')
    expect(gate(record, UNKNOWN_BROWSER, true, NOW).open).to.equal(false)
  })

  it('R2 clears only the class that succeeded', () => {
    const browsers: BrowserClass[] = []
    let record = enrolled({}, ['laptop', 'phone'])
    for (let n = 0; n < 6; n += 1)
      for (const name of ['stranger', 'laptop', 'phone'])
        record = charge(record, browserOf(record, name), NOW).record
    browsers.push(...['stranger', 'laptop', 'phone'].map((name) => browserOf(record, name)))
    const open = (after: MfaRecord) =>
      ['stranger', 'laptop', 'phone'].map((n) => gate(after, browserOf(after, n), true, NOW).open)
    expect(open(record)).to.deep.equal([false, false, false])
    expect(browsers.map((browser) => open(forgive(record, browser, false)))).to.deep.equal([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ])
  })

  it('R2 forgives a known browser its failures and its delay', () => {
    let record = enrolled({}, ['laptop'])
    for (let n = 0; n < 6; n += 1) record = charge(record, browserOf(record, 'laptop'), NOW).record
    const [forgiven] = forgive(record, browserOf(record, 'laptop'), false).browsers
    expect(forgiven).to.deep.include({ delay: { failures: 0 }, failures: 0 })
  })

  it('R1 R2 keeps all but the waits when an administrator ends them', () => {
    const strangers = strangersFail(enrolled({}, ['laptop']), 6)
    const guessed = charge(strangers, browserOf(strangers, 'laptop'), NOW).record
    const delay = { failures: 6, until: NOW + 9 * DAY }
    const ahead = { ...guessed, browsers: guessed.browsers.map((one) => ({ ...one, delay })) }
    const throttle = { ...ahead.throttle, codesDisabledAt: NOW, passwordSuspectedAt: NOW }
    const record = { ...ahead, throttle, frozenAt: NOW }
    const after = endWaits(record, NOW + DAY)
    expect(after.throttle).to.deep.equal({ ...throttle, unknownBrowsers: { failures: 0 } })
    expect(
      after.browsers.map((one) => ({ delay: one.delay, failures: one.failures })),
    ).to.deep.equal([{ delay: { failures: 0 }, failures: 1 }])
    expect(after.frozenAt).to.equal(NOW)
  })

  it('R1 counts a failure of a clock that ran ahead for 30 days from the end of the waits', () => {
    const record = strangersFail(enrolled(), MOST_FAILURES - 1, NOW + 400 * DAY)
    const after = endWaits(record, NOW)
    expect(charge(after, UNKNOWN_BROWSER, NOW + 29 * DAY).codesDisabled).to.equal(true)
    expect(charge(after, UNKNOWN_BROWSER, NOW + 31 * DAY).codesDisabled).to.equal(false)
    expect(charge(record, UNKNOWN_BROWSER, NOW + 31 * DAY).codesDisabled).to.equal(true)
  })

  it('R2 does not clear the strangers’ count when a known browser succeeds', () => {
    const failed = strangersFail(enrolled({}, ['laptop']), 5)
    const browser = browserOf(failed, 'laptop')
    const { record } = settleAccepted(failed, acceptance({ browser, tokenHash: 'laptop' }))
    expect(record.throttle.unknownBrowsers).to.deep.equal({ failures: 5, until: NOW + 30 })
  })

  it('R4 makes a known browser a stranger at its tenth failure, and waits no longer for it', () => {
    let charged = { record: enrolled({}, ['laptop']), browserForgotten: false }
    const forgotten = Array.from({ length: 10 }, (_, index) => {
      const browser = browserOf(charged.record, 'laptop')
      charged = charge(charged.record, browser, NOW + index * 7_200)
      return charged.browserForgotten
    })
    expect(forgotten).to.deep.equal([...Array.from({ length: 9 }, () => false), true])
    expect(charged).not.to.have.property('lockedUntil')
    expect(browserOf(charged.record, 'laptop')).to.equal(UNKNOWN_BROWSER)
  })

  it('says until when, from the fifth failure', () => {
    const four = charge(strangersFail(enrolled(), 3), UNKNOWN_BROWSER, NOW)
    const five = charge(four.record, UNKNOWN_BROWSER, NOW)
    expect(four).not.to.have.property('lockedUntil')
    expect(five.lockedUntil).to.equal(NOW + 30)
  })

  it('R1 starts with a clean count after a reset', () => {
    const { after } = play(fourByFour(100)).at(-1)!
    const { record } = resetFactors(strangersFail(after, 10), NOW)
    expect(record.throttle).to.deep.equal({ failedAt: [], unknownBrowsers: { failures: 0 } })
  })
})
