import fc from 'fast-check'
import { settleAccepted, settleRefused } from '../../src/domain/attempt.ts'
import { classify } from '../../src/domain/known-browser.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { clearSuspicion, gate, type Gate } from '../../src/domain/throttle.ts'
import { acceptance, enrolled, NOW } from './records.ts'

/** One thing that happens to an account, some time after the one before. */
export interface Act {
  readonly afterSeconds: number
  /** The browser; `stranger` never becomes known. */
  readonly who: 'stranger' | 'laptop' | 'phone'
  readonly what: 'wrong' | 'right' | 'password-changed'
}

export const anyAct: fc.Arbitrary<Act> = fc.record({
  afterSeconds: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 1, 30, 60, 3_600, 7_200) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 86_400 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * 86_400 }) },
  ),
  who: fc.constantFrom('stranger', 'laptop', 'phone'),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('wrong' as const) },
    { weight: 2, arbitrary: fc.constant('right' as const) },
    { weight: 1, arbitrary: fc.constant('password-changed' as const) },
  ),
})

export interface Step {
  readonly act: Act
  readonly at: number
  readonly gate: Gate
  readonly before: MfaRecord
  readonly after: MfaRecord
}

/** Plays the acts on the domain, the way the application does: gate, then charge or consumption. */
export function play(acts: readonly Act[], start = enrolled({}, ['laptop', 'phone'])): Step[] {
  let at = NOW
  let record = start
  return acts.map((act) => {
    at += act.afterSeconds
    const before = record
    const browser = classify(before, [act.who])
    const open = gate(before, browser, true, at)
    if (act.what === 'password-changed') record = clearSuspicion(before)
    else if (open.open && act.what === 'wrong')
      record = settleRefused(before, {
        factor: 'totp',
        guessable: true,
        reason: 'wrong',
        browser,
        now: at,
        detail: {},
      }).record
    else if (open.open) {
      const tokenHash = act.who === 'stranger' ? `stranger-${at}` : act.who
      record = settleAccepted(before, acceptance({ browser, tokenHash, now: at })).record
    }
    return { act, at, gate: open, before, after: record }
  })
}

export function evaluatedFailures(steps: readonly Step[]): number[] {
  return steps.filter(({ act, gate }) => act.what === 'wrong' && gate.open).map(({ at }) => at)
}

interface Row {
  failures: number
  until: number
}

/** The expected gates, counted in another way: how long each class waits. */
export function expectedGates(acts: readonly Act[]): Gate[] {
  const strangers: Row = { failures: 0, until: 0 }
  const known = new Map<string, Row>([
    ['laptop', { failures: 0, until: 0 }],
    ['phone', { failures: 0, until: 0 }],
  ])
  const failedAt: number[] = []
  let disabled = false
  let suspected = false
  let at = NOW

  return acts.map(({ afterSeconds, who, what }) => {
    at += afterSeconds
    const own = known.get(who)
    const row = own ?? strangers
    const answer = gateOf(row)
    if (what === 'password-changed') {
      suspected = false
      Object.assign(strangers, { failures: 0, until: 0 })
    } else if (answer.open && what === 'wrong') {
      failedAt.push(at)
      row.failures += 1
      if (row.failures >= 5) row.until = at + Math.min(30 * 2 ** (row.failures - 5), 3_600)
      if (own !== undefined && row.failures === 10) known.delete(who)
      if (own === undefined && row.failures === 10) suspected = true
      if (failedAt.filter((failed) => failed > at - 30 * 86_400).length === 100) disabled = true
    } else if (answer.open) {
      Object.assign(row, { failures: 0, until: 0 })
      if (who !== 'stranger') known.set(who, { failures: 0, until: 0 })
    }
    return answer

    function gateOf({ until }: Row): Gate {
      if (own === undefined && suspected) return { open: false, reason: 'password-suspected' }
      if (disabled) return { open: false, reason: 'codes-disabled' }
      return until > at ? { open: false, reason: 'code', until } : { open: true }
    }
  })
}
