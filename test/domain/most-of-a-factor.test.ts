import { expect } from 'chai'
import { isFull, MOST_OF_A_FACTOR } from '../../src/domain/enrolment.ts'
import type { Authenticator } from '../../src/domain/mfa-record.ts'

function authenticators(factor: string, count: number): Authenticator[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${factor}-${i}`,
    factor,
    name: 'Phone',
    createdAt: 1,
    sealed: 'sealed',
  }))
}

describe('R40 the most authenticators of one factor', () => {
  const totp = { id: 'totp', guessable: true }

  it('is ten where a response can be guessed, and counts that factor alone', () => {
    expect(MOST_OF_A_FACTOR).to.equal(10)
    expect(isFull({ authenticators: authenticators('totp', 9) }, totp)).to.equal(false)
    expect(isFull({ authenticators: authenticators('totp', 10) }, totp)).to.equal(true)
    expect(isFull({ authenticators: authenticators('other', 10) }, totp)).to.equal(false)
  })

  it('has no limit here where nobody can guess a response', () => {
    const key = { id: 'key', guessable: false }
    expect(isFull({ authenticators: authenticators('key', 10) }, key)).to.equal(false)
  })

  it('is what the factor says, which does not raise the limit where a response can be guessed', () => {
    const key = { id: 'key', guessable: false, most: 20 }
    expect(isFull({ authenticators: authenticators('key', 19) }, key)).to.equal(false)
    expect(isFull({ authenticators: authenticators('key', 20) }, key)).to.equal(true)
    const most = (limit: number) => ({ ...totp, most: limit })
    expect(isFull({ authenticators: authenticators('totp', 10) }, most(20))).to.equal(true)
    expect(isFull({ authenticators: authenticators('totp', 3) }, most(3))).to.equal(true)
  })
})
