import { expect } from 'chai'
import { raiseEpoch, settleEnrolled } from '../../src/domain/enrolment.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import {
  browserOf,
  byBrowser,
  LONGEST_TRUST_SECONDS,
  MOST_PREVIOUS,
  MOST_TRUSTED_BROWSERS,
  MOST_TRUSTS_IN_A_BROWSER,
  PREVIOUS_SECONDS,
  reusedIn,
  revokeTrust,
  rotate,
  settleReused,
  settleTrusted,
  trustsIn,
} from '../../src/domain/trusted-browser.ts'
import { acceptance, enrolled, NOW } from './records.ts'

const token = (id: string, nth = 0) => ({ id, tokenHash: `${id}-${nth}` })

const trusted = (record = enrolled(), id = 'laptop', now = NOW, seconds = 3600): MfaRecord =>
  settleTrusted(record, { ...token(id), seconds, factor: 'totp' }, { now, detail: {} }).record

/** The first trust in the browser that shows these tokens. */
const trustIn = (...shown: Parameters<typeof trustsIn>) => trustsIn(...shown)[0]

/** The token that the nth sign-in after the tick has made, as its form shows it. */
const sent = (nth: number) => ({ ...token('laptop', nth - 1), nextHash: `laptop-${nth}` })

const idsOf = ({ trustedBrowsers = [] }: MfaRecord) => trustedBrowsers.map(({ id }) => id)

const rotated = (record: MfaRecord, nth: number, now: number) => rotate(record, sent(nth), now)!

describe('a trusted browser', () => {
  it('is the one that shows the token, until the chosen time after the tick', () => {
    const record = trusted()
    expect(trustIn(record, [token('other'), token('laptop')], NOW)).to.include({ since: NOW })
    expect(trustIn(record, [token('laptop')], NOW + 3599)?.id).to.equal('laptop')
    expect(trustIn(record, [token('laptop')], NOW + 3600)).to.equal(undefined)
    // A clock that was set back trusts nothing.
    expect(trustIn(record, [token('laptop')], NOW - 1)).to.equal(undefined)
    expect(trustIn(record, [{ id: 'other', tokenHash: 'laptop-0' }], NOW)).to.equal(undefined)
    expect(trustIn(enrolled(), [token('laptop')], NOW)).to.equal(undefined)
  })

  it('is trusted for 30 days at most, and tells of its place', () => {
    const detail = { ip: '203.0.113.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' }
    const given = { ...token('laptop'), seconds: 2 * LONGEST_TRUST_SECONDS, factor: 'totp' }
    const { record, events } = settleTrusted(enrolled(), given, { now: NOW, detail })
    const until = NOW + LONGEST_TRUST_SECONDS
    expect(record.trustedBrowsers?.[0]).to.deep.include({ until, network: '203.0.113.0/24' })
    expect(record.trustedBrowsers?.[0]?.name?.browser).to.equal('Firefox')
    expect(events).to.deep.equal([{ type: 'browser-trusted', detail: { ...detail, until } }])
  })

  it('is at most one of ten: the eleventh drops the oldest, and says so', () => {
    let record = enrolled()
    for (let n = 0; n < MOST_TRUSTED_BROWSERS; n += 1) record = trusted(record, `n${n}`)
    const last = settleTrusted(
      record,
      { ...token('last'), seconds: 60, factor: 'totp' },
      { now: NOW, detail: {} },
    )
    expect(idsOf(last.record)).to.have.length(MOST_TRUSTED_BROWSERS)
    expect(idsOf(last.record)).to.include('last').and.not.include('n0')
    expect(last.events[1]).to.deep.equal({
      type: 'browser-trust-revoked',
      detail: { reason: 'eleventh', count: 1 },
    })
    // A browser that is over makes room without a word.
    const later = settleTrusted(
      record,
      { ...token('last'), seconds: 60, factor: 'totp' },
      { now: NOW + 3600, detail: {} },
    )
    expect(idsOf(later.record)).to.deep.equal(['last'])
    expect(later.events).to.have.length(1)
  })

  it('gets another token at each use; the replaced ones are accepted for 30 s, of several tabs', () => {
    const first = rotated(trusted(), 1, NOW + 10)
    const second = rotated(first, 2, NOW + 20)
    for (const nth of [0, 1, 2])
      expect(trustIn(second, [token('laptop', nth)], NOW + 39)?.id, String(nth)).to.equal('laptop')
    expect(trustIn(second, [token('laptop', 0)], NOW + 10 + PREVIOUS_SECONDS)).to.equal(undefined)
    expect(trustIn(second, [token('laptop', 1)], NOW + 49)?.id).to.equal('laptop')
    // Use does not extend it.
    expect(second.trustedBrowsers?.[0]).to.include({ since: NOW, until: NOW + 3600 })
    // A replaced token replaces nothing.
    const shown = { ...token('laptop', 0), nextHash: 'x' }
    expect(rotate(second, shown, NOW + 39)).to.equal(second)
    expect(rotate(second, shown, NOW + 40)).to.equal(undefined)
    let many = trusted()
    for (let n = 1; n < 20; n += 1) many = rotated(many, n, NOW)
    expect(many.trustedBrowsers?.[0]?.previous).to.have.length(MOST_PREVIOUS)
    // The newest of them are kept.
    expect(trustIn(many, [token('laptop', 18)], NOW + 1)?.id).to.equal('laptop')
  })

  it('leaves the other browsers as they are when it is used', () => {
    const both = trusted(trusted(), 'phone')
    const [laptop, phone] = rotated(both, 1, NOW).trustedBrowsers!
    expect(laptop?.tokenHash).to.equal('laptop-1')
    expect(phone?.tokenHash).to.equal('phone-0')
  })

  it('is trusted no longer once a replaced token is shown later', () => {
    const record = rotated(trusted(), 1, NOW)
    const old = [token('laptop', 0)]
    expect(reusedIn(record, old, NOW + 29)).to.deep.equal([])
    expect(reusedIn(record, [token('laptop', 1)], NOW + 30)).to.deep.equal([])
    expect(reusedIn(record, [token('phone', 0)], NOW + 30)).to.deep.equal([])
    // The tokens of two trusts: each is compared with its own.
    expect(reusedIn(record, [token('laptop', 1), token('phone', 0)], NOW + 30)).to.deep.equal([])
    const reused = reusedIn(record, old, NOW + 30)
    const settled = settleReused(record, reused, { ip: '203.0.113.7' })
    expect(settled.events.map(({ type }) => type)).to.deep.equal([
      'browser-trust-reused',
      'browser-trust-revoked',
    ])
    expect(settled.events[1]?.detail).to.deep.include({ reason: 'reused', count: 1 })
    expect(trustIn(settled.record, [token('laptop', 1)], NOW + 30)).to.equal(undefined)
  })

  it('is not reused by the form that replaced the token, sent again before the new one was used', () => {
    const record = rotated(trusted(), 1, NOW)
    const later = NOW + 10 * PREVIOUS_SECONDS
    expect(reusedIn(record, [sent(1)], later)).to.deep.equal([])
    // The same record, so that the same new token is set again.
    expect(rotate(record, sent(1), later)).to.equal(record)
    // The form of another sign-in, with the copied token.
    const copied = { ...token('laptop', 0), nextHash: 'another' }
    expect(reusedIn(record, [copied], later)).to.have.length(1)
    expect(rotate(record, copied, later)).to.equal(undefined)
    // The new token was used since: somebody has it.
    const used = rotated(record, 2, NOW + 1)
    expect(reusedIn(used, [sent(1)], later)).to.have.length(1)
    // A token that was replaced earlier than by this form.
    const older = [{ ...token('laptop', 0), nextHash: 'laptop-2' }]
    expect(reusedIn(used, older, later)).to.have.length(1)
    // The new token in the form that has made it replaces nothing.
    const own = { ...token('laptop', 1), nextHash: 'laptop-1' }
    expect(rotate(record, own, later)).to.equal(record)
  })

  it('may be trusted twice: each trust is replaced by itself, and a reuse of one ends both', () => {
    const earned = { ...token('again'), seconds: 60, factor: 'key', beside: [token('laptop')] }
    const { record: both } = settleTrusted(trusted(), earned, { now: NOW, detail: {} })
    const shown = [sent(1), { ...token('again'), nextHash: 'again-1' }]
    expect(trustsIn(both, shown, NOW).map(({ factor }) => factor)).to.deep.equal(['totp', 'key'])
    const hashesOf = ({ trustedBrowsers = [] }: MfaRecord) =>
      trustedBrowsers.map(({ tokenHash }) => tokenHash)
    const [laptop = sent(1), again = laptop] = shown
    expect(hashesOf(rotate(both, laptop, NOW)!)).to.deep.equal(['laptop-1', 'again-0'])
    const next = rotate(rotate(both, laptop, NOW)!, again, NOW)!
    expect(hashesOf(next)).to.deep.equal(['laptop-1', 'again-1'])
    // It has ended since the policy was asked; the other one has not.
    expect(rotate(both, again, NOW + 60)).to.equal(undefined)
    expect(rotate(both, laptop, NOW + 60)).not.to.equal(undefined)
    const reused = reusedIn(next, [token('laptop'), token('again')], NOW + PREVIOUS_SECONDS)
    const settled = settleReused(next, reused, {})
    expect(idsOf(settled.record)).to.deep.equal([])
    expect(settled.events.map(({ detail }) => detail)).to.deep.equal([
      {},
      { reason: 'reused', count: 1 },
    ])
    const other = trusted(next, 'phone')
    expect(idsOf(settleReused(other, reused.slice(1), {}).record)).to.deep.equal(['phone'])
  })

  describe('that is ticked again', () => {
    /** A tick after those of `record`, in the browser that shows the tokens of `ids`. */
    const again = (
      record: MfaRecord,
      id: string,
      ids: readonly string[],
      { seconds = 60, factor = 'totp', now = NOW + 1 } = {},
    ): MfaRecord => {
      const beside = ids.map((one) => token(one))
      const earned = { ...token(id), seconds, factor, beside }
      return settleTrusted(record, earned, { now, detail: {} }).record
    }
    const namesOf = ({ trustedBrowsers = [] }: MfaRecord) =>
      trustedBrowsers.map((one) => [one.id, browserOf(one)])

    it('is one browser, which is revoked with all its trusts', () => {
      const both = again(trusted(trusted(), 'phone'), 'again', ['laptop'])
      expect(namesOf(both)).to.deep.equal([
        ['phone', 'phone'],
        ['laptop', 'laptop'],
        ['again', 'laptop'],
      ])
      expect(byBrowser(both, NOW + 1).map((trusts) => trusts.length)).to.deep.equal([1, 2])
      const { record, events } = revokeTrust(both, { id: 'laptop' }, 'owner')
      expect(idsOf(record)).to.deep.equal(['phone'])
      expect(events[0]?.detail).to.deep.equal({ reason: 'owner', count: 1 })
    })

    it('joins no browser whose token it does not show', () => {
      const earned = { ...token('again'), seconds: 60, factor: 'totp' }
      const forged = { id: 'laptop', tokenHash: 'forged' }
      for (const beside of [[], [forged]]) {
        const where = { now: NOW + 1, detail: {} }
        const { record } = settleTrusted(trusted(), { ...earned, beside }, where)
        expect(namesOf(record)[1]).to.deep.equal(['again', 'again'])
      }
    })

    it('drops a trust of the same factor that ends no later, and without an event', () => {
      const where = { now: NOW + 1, detail: {} }
      const earned = { ...token('again'), factor: 'totp', beside: [token('laptop')] }
      const renewed = settleTrusted(trusted(), { ...earned, seconds: 3599 }, where)
      expect(namesOf(renewed.record)).to.deep.equal([['again', 'laptop']])
      expect(renewed.events.map(({ type }) => type)).to.deep.equal(['browser-trusted'])
      const shorter = settleTrusted(trusted(), { ...earned, seconds: 3598 }, where)
      expect(idsOf(shorter.record)).to.deep.equal(['laptop', 'again'])
      expect(idsOf(again(trusted(), 'again', ['laptop'], { seconds: 9000, factor: 'key' }))) //
        .to.deep.equal(['laptop', 'again'])
    })

    it('joins the trusts of ticks that did not know of each other', () => {
      const apart = again(trusted(), 'tab', [])
      const joined = again(apart, 'again', ['laptop', 'tab'], { factor: 'key' })
      expect(byBrowser(joined, NOW + 1)).to.have.length(1)
      expect(idsOf(revokeTrust(joined, { id: 'laptop' }, 'owner').record)).to.deep.equal([])
    })

    it('keeps at most five trusts in a browser, and counts once among the ten', () => {
      let record = trusted()
      for (let n = 0; n < MOST_TRUSTED_BROWSERS - 1; n += 1) record = trusted(record, `n${n}`)
      const ids = ['laptop']
      for (let n = 0; n < 7; n += 1) {
        record = again(record, `again${n}`, ids, { seconds: 3000 - n })
        ids.push(`again${n}`)
      }
      const browsers = byBrowser(record, NOW + 1)
      expect(browsers).to.have.length(MOST_TRUSTED_BROWSERS)
      expect(browsers.at(-1)?.map(({ id }) => id)).to.deep.equal(
        ids.slice(-MOST_TRUSTS_IN_A_BROWSER),
      )
      const eleventh = { ...token('eleventh'), seconds: 60, factor: 'totp' }
      const { record: full, events } = settleTrusted(record, eleventh, { now: NOW + 1, detail: {} })
      expect(idsOf(full)).not.to.include('n0')
      expect(byBrowser(full, NOW + 1)).to.have.length(MOST_TRUSTED_BROWSERS)
      expect(events[1]?.detail).to.deep.equal({ reason: 'eleventh', count: 1 })
    })
  })

  it('is revoked alone or with all others', () => {
    const both = trusted(trusted(), 'phone')
    expect(idsOf(revokeTrust(both, { id: 'phone' }, 'revoked').record)).to.deep.equal(['laptop'])
    const all = revokeTrust(both, {}, 'revoked')
    expect(idsOf(all.record)).to.deep.equal([])
    expect(all.events[0]?.detail).to.deep.equal({ reason: 'revoked', count: 2 })
    expect(revokeTrust(both, { id: 'none' }, 'revoked')).to.deep.equal({ record: both, events: [] })
  })

  it('is dropped by every raise of the epoch, and by another factor', () => {
    const raised = raiseEpoch(trusted(), 'password-changed')
    expect(idsOf(raised.record)).to.deep.equal([])
    const dropped = {
      type: 'browser-trust-revoked',
      detail: { reason: 'password-changed', count: 1 },
    }
    expect(raised.events).to.deep.include(dropped)
    const bound = settleEnrolled(trusted(), acceptance(), [])
    expect(idsOf(bound.record)).to.deep.equal([])
    expect(bound.events.map(({ type }) => type)).to.include('browser-trust-revoked')
    // A record that another release has kept through the raise trusts nothing either.
    const kept = { ...trusted(), epoch: 2 }
    expect(trustIn(kept, [token('laptop')], NOW)).to.equal(undefined)
  })
})
