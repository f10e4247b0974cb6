import { expect } from 'chai'
import fc from 'fast-check'
import { parseRecord, formatRecord } from '../../src/application/record-format.ts'
import { resetFactors, settlePasswordChanged } from '../../src/domain/enrolment.ts'
import {
  FIRST_GRACE_SECONDS,
  gracesOf,
  mayPostpone,
  meet,
  metAt,
  MOST_RULES_MET,
  postponableBy,
  settlePostponed,
} from '../../src/domain/grace.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { decide, type PolicyInput } from '../../src/domain/policy/decide.ts'
import { DEFAULT_LEVELS, MULTI_FACTOR_ACR } from '../../src/domain/policy/levels.ts'
import type { Rule } from '../../src/domain/policy/rules.ts'
import { settleRestored } from '../../src/domain/restore.ts'
import { AWKWARD_KEYS } from '../../src/testing/awkward-keys.ts'
import { enrolled, NOW } from './records.ts'

const DAY = 86_400
const mira = newRecord('mira')
const met = (record: MfaRecord, names: readonly string[], now = NOW, inForce = names) =>
  meet(record, { met: names, inForce }, now)
const timesIn = ({ rulesMet = {} }: MfaRecord) => Object.entries(rulesMet)

describe('the grace of a rule', () => {
  it('counts from the time at which the rule first met the account, whatever happens then', () => {
    const first = met(mira, ['staff'])
    const later = met(first, ['staff', 'money'], NOW + DAY)
    expect(timesIn(later)).to.deep.equal([
      ['staff', NOW],
      ['money', NOW + DAY],
    ])
    expect(met(later, ['money'], NOW + 2 * DAY, ['staff', 'money'])).to.equal(later)
  })

  it('does not begin anew after a reset, a restore or a change of the password', () => {
    const record = { ...enrolled(), rulesMet: { staff: NOW } }
    for (const { record: after } of [
      resetFactors(record, NOW + DAY),
      settleRestored(record, [], NOW + DAY),
      settlePasswordChanged(record),
    ])
      expect(timesIn(met(after, ['staff'], NOW + 2 * DAY))).to.deep.equal([['staff', NOW]])
  })

  it('is kept for the rules in force: a name that is gone goes with the next new one', () => {
    const record = met(mira, ['old', 'staff'])
    expect(metAt(record, ['staff'])).to.deep.equal({ staff: NOW })
    expect(met(record, ['staff'], NOW + DAY)).to.equal(record)
    const next = met(record, ['new'], NOW + DAY, ['staff', 'new'])
    expect(timesIn(next)).to.deep.equal([
      ['staff', NOW],
      ['new', NOW + DAY],
    ])
  })

  it('is none for a rule that finds no place: it would begin anew at each sign-in', () => {
    const many = Array.from({ length: MOST_RULES_MET + 1 }, (_, nth) => `rule ${nth}`)
    const record = met(mira, many)
    expect(timesIn(record)).to.have.length(MOST_RULES_MET)
    const at = metAt(record, many)
    expect([at['rule 0'], at[`rule ${MOST_RULES_MET}`]]).to.deep.equal([NOW, 0])
    const fewer = metAt(met(mira, many.slice(1, MOST_RULES_MET)), many)
    expect(fewer['rule 0']).to.equal(undefined)
  })

  it('is kept under any name, and read from no prototype', () => {
    const record = met(mira, AWKWARD_KEYS)
    const read = parseRecord(JSON.parse(JSON.stringify(formatRecord(record))), 'mira')
    for (const name of AWKWARD_KEYS) {
      expect(metAt(mira, [name])[name], name).to.equal(undefined)
      expect(metAt(read, [name])[name], name).to.equal(NOW)
      expect(met(read, [name], NOW + DAY, AWKWARD_KEYS), name).to.equal(read)
    }
  })

  it('makes no record that cannot be read again, and loses no time of a rule in force', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 100 }), { maxLength: 60 })
    fc.assert(
      fc.property(fc.array(names, { maxLength: 4 }), (steps) => {
        let record: MfaRecord = mira
        for (const [nth, step] of steps.entries()) {
          const before = metAt(record, step)
          record = met(record, step, NOW + nth)
          const after = metAt(record, step)
          for (const [name, at] of Object.entries(before))
            if (at > 0) expect(after[name]).to.equal(at)
        }
        parseRecord(JSON.parse(JSON.stringify(formatRecord(record))), 'mira')
      }),
    )
  })

  it('is of the rules whose grace is a time from then', () => {
    const rule = (name: string, enrol?: Rule['enrol']): Rule => ({
      name,
      when: {},
      ...(enrol === undefined ? {} : { enrol }),
    })
    const rules = [
      rule('a', { graceSeconds: DAY }),
      rule('b', { until: NOW }),
      rule('c', 'optional'),
      rule('d'),
    ]
    expect(gracesOf(rules)).to.deep.equal(['a'])
  })
})

describe('an enrolment may be put off', () => {
  const first = (createdAt: number | undefined, record = mira, now = NOW) =>
    mayPostpone(record, { isKnownBrowser: false, createdAt }, now)

  it('in a browser that has completed a sign-in', () => {
    for (const record of [mira, enrolled()])
      expect(mayPostpone(record, { isKnownBrowser: true }, NOW)).to.equal(true)
  })

  it('at the first sign-in ever, for 72 h from the making of the account', () => {
    expect(first(NOW)).to.equal(true)
    expect(first(NOW - FIRST_GRACE_SECONDS + 1)).to.equal(true)
    expect(first(NOW - FIRST_GRACE_SECONDS)).to.equal(false)
  })

  it('R10 not by somebody who has the password alone: in a new browser, after the first sign-in', () => {
    const signedIn = { ...mira, history: { ...mira.history, firstSignInAt: NOW - 60 } }
    expect(first(NOW - 120, signedIn)).to.equal(false)
    for (const mark of ['resetAt', 'importedAt', 'restoredAt', 'firstEnrolledAt'] as const)
      expect(first(NOW, { ...mira, history: { ...mira.history, [mark]: NOW } }), mark).to.equal(
        false,
      )
  })

  it('not at the first sign-in of an account whose age is not known', () => {
    expect(first(undefined)).to.equal(false)
  })
})

describe('an enrolment that is put off', () => {
  const rules: readonly Rule[] = [
    { name: 'staff', when: {}, require: MULTI_FACTOR_ACR, enrol: { graceSeconds: 7 * DAY } },
    { name: 'fixed', when: {}, require: MULTI_FACTOR_ACR, enrol: { until: NOW + 9 * DAY } },
    { name: 'other', when: { client: ['x'] }, enrol: { graceSeconds: 1 } },
  ]
  const decisionAt = (now: number, record: MfaRecord = mira, mayLater = true) =>
    decide({
      levels: DEFAULT_LEVELS,
      rules,
      trustedBrowserSeconds: 0,
      enrollable: [{ id: 'totp', kinds: ['possession'], phishingResistant: false }],
      request: {
        client: 'app',
        groups: [],
        scopes: [],
        acrs: [],
        isNewBrowser: false,
        isFirstParty: false,
        fresh: false,
      },
      person: {
        authenticators: [],
        metAt: metAt(record, gracesOf(rules)),
        mayPostpone: mayLater,
        postponed: false,
      },
      proofs: [{ time: now, amr: ['pwd'], kinds: ['knowledge'], phishingResistant: false }],
      now,
    } satisfies PolicyInput)

  it('is told with the day on which it is due, and the rules meet the account', () => {
    const postponable = postponableBy(decisionAt(NOW))
    expect(postponable).to.deep.equal({ until: NOW + 7 * DAY, rules: ['staff', 'fixed'] })
    const { record, events } = settlePostponed(mira, postponable!, {
      inForce: gracesOf(rules),
      now: NOW,
      detail: { clientId: 'app' },
    })
    expect(timesIn(record)).to.deep.equal([['staff', NOW]])
    expect(events).to.deep.equal([
      { type: 'enrolment-postponed', detail: { clientId: 'app', until: NOW + 7 * DAY } },
    ])
  })

  it('can be put off again until its end, and then not', () => {
    const record = met(mira, ['staff'], NOW, gracesOf(rules))
    const before = postponableBy(decisionAt(NOW + 7 * DAY - 1, record))
    expect(before?.until).to.equal(NOW + 7 * DAY)
    const over = decisionAt(NOW + 7 * DAY, record)
    expect([over.step, postponableBy(over)]).to.deep.equal(['enrol', undefined])
  })

  it('is due at once in a browser that may not put it off', () => {
    const decision = decisionAt(NOW, mira, false)
    expect([decision.step, postponableBy(decision)]).to.deep.equal(['enrol', undefined])
  })
})
