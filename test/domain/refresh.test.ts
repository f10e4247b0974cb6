import { expect } from 'chai'
import { endsFamily, isRepetition, REPEAT_SECONDS } from '../../src/domain/refresh.ts'
import { NOW } from './records.ts'

describe('a second use of a refresh token', () => {
  const isRepeatedAfter = (seconds: number): boolean =>
    isRepetition({ usedAt: NOW, isSuccessorUsed: false }, NOW + seconds)

  it('R21 is a repetition for ten seconds after the first use, to the second', () => {
    expect(REPEAT_SECONDS).to.equal(10)
    expect([0, 10, 11].map(isRepeatedAfter)).to.deep.equal([true, true, false])
  })

  it('R21 is a repetition before the first use only as far as the clocks of two nodes may differ', () => {
    expect([-10, -11].map(isRepeatedAfter)).to.deep.equal([true, false])
  })

  it('R21 is no repetition once the new token was used', () => {
    expect(isRepetition({ usedAt: NOW, isSuccessorUsed: true }, NOW)).to.equal(false)
  })

  it('R21 is no repetition if the time of the first use is unknown', () => {
    for (const usedAt of [undefined, true, 'yes', NaN, NOW * 1000])
      expect(isRepetition({ usedAt, isSuccessorUsed: false }, NOW), String(usedAt)).to.equal(false)
  })
})

describe('a second use of a refresh token that was refused', () => {
  it('R21 ends the family if it is a replay, whatever it was refused for', () => {
    for (const error of ['invalid_grant', 'invalid_scope', undefined])
      expect(endsFamily({ isRepetition: false, error })).to.equal(true)
  })

  it('R21 ends the family if another client or sender repeated it, and not for its scope', () => {
    const ended = ['invalid_grant', 'invalid_request', 'invalid_scope', undefined].map((error) =>
      endsFamily({ isRepetition: true, error }),
    )
    expect(ended).to.deep.equal([true, true, false, false])
  })
})
