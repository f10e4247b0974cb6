import { expect } from 'chai'
import fc from 'fast-check'
import {
  isTrace,
  LONGEST_TRACE,
  MOST_TRACES,
  tracesOf,
  withTraces,
} from '../../src/domain/trace.ts'
import { enrolled } from './records.ts'

const trace = (text: string, factor = 'passkey') => ({ factor, text })

describe('the traces of authenticators that an account had', () => {
  it('are kept each once, the newest last, and apart for each factor', () => {
    const once = withTraces(enrolled(), [trace('a'), trace('b'), trace('a', 'key')])
    const record = withTraces(once, [trace('a'), trace('c')])
    expect(tracesOf(record, 'passkey')).to.deep.equal(['b', 'a', 'c'])
    expect(tracesOf(record, 'key')).to.deep.equal(['a'])
    expect(tracesOf(record, 'totp')).to.deep.equal([])
  })

  it('change nothing where nothing was lost', () => {
    const record = enrolled()
    expect(withTraces(record, [])).to.equal(record)
    expect(tracesOf(record, 'passkey')).to.deep.equal([])
  })

  it('are the newest twenty, whatever was lost', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ minLength: 1 }))), (losses) => {
        const record = losses.reduce(
          (before, texts) =>
            withTraces(
              before,
              texts.map((text) => trace(text)),
            ),
          enrolled(),
        )
        const newestFirst = [...new Set(losses.flat().toReversed())]
        expect(tracesOf(record, 'passkey').toReversed()).to.deep.equal(
          newestFirst.slice(0, MOST_TRACES),
        )
      }),
    )
  })

  it('are texts that a record can keep', () => {
    expect(isTrace(trace('a'))).to.equal(true)
    expect(isTrace(trace('a'.repeat(LONGEST_TRACE)))).to.equal(true)
    for (const text of ['', 'a'.repeat(LONGEST_TRACE + 1), undefined, 7])
      expect(isTrace({ text })).to.equal(false)
  })
})
