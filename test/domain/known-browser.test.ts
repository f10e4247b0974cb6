import { expect } from 'chai'
import fc from 'fast-check'
import type { RequestDetail } from '../../src/domain/events.ts'
import {
  chargeBrowser,
  classify,
  FAILURES_TO_FORGET,
  forget,
  MOST_KNOWN_BROWSERS,
  remember,
  UNKNOWN_BROWSER,
} from '../../src/domain/known-browser.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { enrolled, NOW } from './records.ts'

const hashesOf = (record: MfaRecord) => record.browsers.map(({ tokenHash }) => tokenHash)

const at = (now: number, detail: RequestDetail = {}) => ({ now, detail })

/** Counts wrong passwords against a browser while it is known. */
function fail(record: MfaRecord, tokenHash: string, times: number): MfaRecord {
  let current = record
  for (let n = 0; n < times; n += 1) {
    const browser = classify(current, [tokenHash])
    if (browser.kind === 'unknown') return current
    current = chargeBrowser(current, browser).record
  }
  return current
}

describe('a known browser', () => {
  it('is the one that shows a token of this account, whatever else it shows', () => {
    const record = enrolled({}, ['laptop', 'phone'])
    expect(classify(record, ['foreign', 'phone'])).to.include({ kind: 'known', tokenHash: 'phone' })
    expect(classify(record, ['foreign'])).to.equal(UNKNOWN_BROWSER)
    expect(classify(record, [])).to.equal(UNKNOWN_BROWSER)
  })

  it('R4 is a stranger again after ten failures', () => {
    const record = enrolled({}, ['laptop'])
    expect(FAILURES_TO_FORGET).to.equal(10)
    expect(hashesOf(fail(record, 'laptop', 9))).to.deep.equal(['laptop'])
    expect(hashesOf(fail(record, 'laptop', 10))).to.deep.equal([])
  })

  it('R4 reports the failure at which it was forgotten', () => {
    const record = fail(enrolled({}, ['laptop']), 'laptop', 8)
    const forgotten = [record, fail(record, 'laptop', 1)].map((before) => {
      const browser = classify(before, ['laptop'])
      return browser.kind === 'known' && chargeBrowser(before, browser).forgotten
    })
    expect(forgotten).to.deep.equal([false, true])
  })

  it('R4 begins a new row of failures after a success', () => {
    const failed = fail(enrolled({}, ['laptop']), 'laptop', 9)
    const succeeded = remember(failed, 'laptop', at(NOW + 60))
    expect(hashesOf(fail(succeeded, 'laptop', 9))).to.deep.equal(['laptop'])
    expect(succeeded.browsers).to.deep.equal([
      {
        tokenHash: 'laptop',
        since: NOW,
        lastSeenAt: NOW + 60,
        delay: { failures: 0 },
        failures: 0,
      },
    ])
  })

  it('keeps the time since which it is known, and not that of another', () => {
    const earlier = remember(newRecord('mira'), 'laptop', at(NOW))
    const later = remember(remember(earlier, 'phone', at(NOW + 60)), 'phone', at(NOW + 120))
    expect(later.browsers.map(({ since }) => since)).to.deep.equal([NOW, NOW + 60])
  })

  it('has the name and the network of its last sign-in, and none of an earlier one', () => {
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const first = remember(
      newRecord('mira'),
      'laptop',
      at(NOW, { userAgent: firefox, ip: '203.0.113.7', locale: 'de', clientId: 'app' }),
    )
    expect(first.browsers).to.deep.equal([
      {
        tokenHash: 'laptop',
        since: NOW,
        lastSeenAt: NOW,
        delay: { failures: 0 },
        failures: 0,
        name: { browser: 'Firefox', system: 'Linux' },
        network: '203.0.113.0/24',
      },
    ])
    const moved = remember(
      first,
      'laptop',
      at(NOW + 60, { userAgent: 'curl', ip: '2001:db8:1::7' }),
    )
    expect(moved.browsers[0]).to.deep.include({ network: '2001:db8:1::/48' })
    expect(moved.browsers[0]).not.to.have.property('name')
    expect(fail(first, 'laptop', 1).browsers[0]).to.deep.include({
      name: { browser: 'Firefox', system: 'Linux' },
      network: '203.0.113.0/24',
    })
  })

  it('is unknown once its owner has forgotten it, and no other is', () => {
    const record = enrolled({}, ['laptop', 'phone'])
    const forgotten = forget(record, 'laptop')
    expect(forgotten).to.deep.equal({ ...record, browsers: record.browsers.slice(1) })
    expect(forget(record, 'tablet')).to.equal(undefined)
  })

  it('R4 is not charged for the failures of another', () => {
    const record = enrolled({}, ['laptop', 'phone'])
    const failed = fail(record, 'laptop', 10)
    expect(failed.browsers).to.deep.equal(record.browsers.slice(1))
  })

  it('has to wait after wrong codes only: a wrong password changes no delay', () => {
    const record = fail(enrolled({}, ['laptop']), 'laptop', 3)
    expect(record.browsers[0]).to.deep.include({ failures: 3, delay: { failures: 0 } })
  })

  it('is one of twenty at most, those seen last, each once', () => {
    const names = Array.from({ length: 30 }, (_, index) => `browser-${index}`)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 80, size: 'max' }), (visits) => {
        const record = visits.reduce(
          (known, tokenHash, index) => remember(known, tokenHash, at(NOW + index)),
          newRecord('mira'),
        )
        const lastSeen = [...new Set(visits.toReversed())]
        expect(hashesOf(record).toReversed()).to.deep.equal(lastSeen.slice(0, MOST_KNOWN_BROWSERS))
        for (const { since, lastSeenAt } of record.browsers) expect(since).to.be.at.most(lastSeenAt)
      }),
    )
  })
})
