import { expect } from 'chai'
import { statesAt, withEnds, type ScheduledKey } from '../../src/server/keys/signing-schedule.ts'

const NOW = 1_800_000_000
const KEPT = 1_000

function key(kid: string, times: ScheduledKey['times'] = {}, kind = 'RS256'): ScheduledKey {
  return { kid, kind, times }
}

function states(keys: readonly ScheduledKey[], now = NOW): Record<string, string> {
  return Object.fromEntries(statesAt(keys, now))
}

function ends(keys: readonly ScheduledKey[], now = NOW): Record<string, number | undefined> {
  return Object.fromEntries(withEnds(keys, now, KEPT).map(({ kid, times }) => [kid, times.until]))
}

describe('the schedule of signing keys', () => {
  it('has one key of each kind sign: the one that began last', () => {
    const keys = [key('c', { signsFrom: NOW + 1 }), key('b', { signsFrom: NOW }), key('a')]
    const other = key('x', {}, 'ES256')
    expect(states([...keys, other])).to.deep.equal({
      a: 'published',
      b: 'signs',
      c: 'next',
      x: 'signs',
    })
    expect(states(keys, NOW + 1)).to.deep.equal({ a: 'published', b: 'published', c: 'signs' })
    expect(states(keys, NOW - 1)).to.deep.equal({ a: 'signs', b: 'next', c: 'next' })
  })

  it('prefers the first in the list of those that began at once', () => {
    expect(states([key('b'), key('a')])).to.deep.equal({ b: 'signs', a: 'published' })
  })

  it('lets go of a key at its end, not a second before', () => {
    const keys = [key('b', { signsFrom: NOW - 500 }), key('a', { until: NOW })]
    expect(states(keys, NOW - 1)).to.include({ a: 'published' })
    expect(states(keys, NOW)).to.include({ a: 'over' })
  })

  it('has one sign also when the clock was set back to before all of them', () => {
    const keys = [key('b', { signsFrom: NOW + 2 }), key('a', { signsFrom: NOW + 1 })]
    expect(states(keys)).to.deep.equal({ a: 'signs', b: 'next' })
  })

  it('has one sign also where its end was written by a clock that was wrong', () => {
    expect(states([key('a', { until: NOW - 1 })])).to.deep.equal({ a: 'signs' })
  })

  it('ends a key when its successor has signed for as long as a token lives', () => {
    const keys = [key('b', { signsFrom: NOW + 60 }), key('a')]
    expect(ends(keys)).to.deep.equal({ a: NOW + 60 + KEPT, b: undefined })
  })

  it('ends each key after its own successor, whatever was added last', () => {
    const keys = [key('now', { signsFrom: NOW }), key('next', { signsFrom: NOW + 60 }), key('a')]
    expect(ends(keys)).to.deep.equal({ a: NOW + KEPT, now: NOW + 60 + KEPT, next: undefined })
  })

  it('counts from now where nobody has noted when the successor began', () => {
    expect(ends([key('b'), key('a')])).to.deep.equal({ a: NOW + KEPT, b: undefined })
  })

  it('leaves an end as it was said, and other kinds alone', () => {
    const keys = [key('b', { signsFrom: NOW }), key('a', { until: 5 }), key('x', {}, 'ES256')]
    expect(ends(keys)).to.deep.equal({ a: 5, b: undefined, x: undefined })
  })
})
