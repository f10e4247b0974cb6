import { expect } from 'chai'
import type { AcrRequest } from '../../../src/domain/policy/input.ts'
import { isMeetable, namedBy } from '../../../src/domain/policy/target.ts'
import {
  DEFAULT_LEVELS,
  highestReached,
  isFirstLevel,
  MULTI_FACTOR_ACR,
  PASSWORD,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
  rankOf,
  rankOfAcr,
  reachableLevels,
  secondRank,
  type Levels,
} from '../../../src/domain/policy/levels.ts'
import { AUTHENTICATORS } from './cases.ts'

const { totp, passkey, key, hardware, token } = AUTHENTICATORS as Record<
  string,
  (typeof AUTHENTICATORS)['totp'] & {}
>
const namesOf = (levels: readonly { name: string }[]) => levels.map(({ name }) => name)

describe('the levels', () => {
  it('are a password, two kinds of factor, a phishing-resistant one, and one in hardware by default', () => {
    expect(DEFAULT_LEVELS.map(({ acr }) => acr)).to.deep.equal([
      'urn:oidc-provider-mfa:password',
      'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
      'phr',
      'phrh',
    ])
  })

  it('can be reached as far as the factors of the configuration go', () => {
    expect(namesOf(reachableLevels(DEFAULT_LEVELS, []))).to.deep.equal(['password'])
    expect(namesOf(reachableLevels(DEFAULT_LEVELS, [totp!]))).to.deep.equal([
      'password',
      'multi-factor',
    ])
    for (const factor of [passkey!, key!])
      expect(reachableLevels(DEFAULT_LEVELS, [factor])).to.deep.equal(DEFAULT_LEVELS.slice(0, 3))
    expect(reachableLevels(DEFAULT_LEVELS, [hardware!])).to.deep.equal(DEFAULT_LEVELS)
  })

  it('need one and the same factor that is phishing-resistant and in hardware', () => {
    expect(namesOf(reachableLevels(DEFAULT_LEVELS, [token!, passkey!]))).not.to.include(
      'phishing-resistant-hardware',
    )
    expect(highestReached(DEFAULT_LEVELS, [PASSWORD, token!, passkey!])).to.equal(2)
    expect(highestReached(DEFAULT_LEVELS, [hardware!])).to.equal(3)
    const any: Levels = [DEFAULT_LEVELS[0], { name: 'h', acr: 'urn:h', kinds: 1, hardware: true }]
    expect(highestReached(any, [PASSWORD, passkey!])).to.equal(0)
    expect(highestReached(any, [PASSWORD, token!])).to.equal(1)
    expect(isFirstLevel(any[1]!)).to.equal(false)
  })

  it('are reached by different kinds of factor, and not by two of one kind', () => {
    expect(highestReached(DEFAULT_LEVELS, [])).to.equal(0)
    expect(highestReached(DEFAULT_LEVELS, [totp!, key!])).to.equal(0)
    expect(highestReached(DEFAULT_LEVELS, [PASSWORD, totp!])).to.equal(1)
    expect(highestReached(DEFAULT_LEVELS, [PASSWORD, key!])).to.equal(2)
    expect(highestReached(DEFAULT_LEVELS, [passkey!])).to.equal(2)
  })

  it('that a first factor alone reaches are reached by one whose methods name no kind', () => {
    const [password, ...higher] = DEFAULT_LEVELS
    const levels: Levels = [password, { name: 'staff', acr: 'urn:staff', kinds: 1 }, ...higher]
    const upstream = { kinds: [], phishingResistant: false }
    expect(highestReached(levels, [upstream])).to.equal(1)
    expect(highestReached(levels, [])).to.equal(0)
  })

  it('are found by name and acr in rules, and by acr alone in requests', () => {
    expect(rankOf(DEFAULT_LEVELS, 'multi-factor')).to.equal(1)
    expect(rankOf(DEFAULT_LEVELS, MULTI_FACTOR_ACR)).to.equal(1)
    expect(rankOf(DEFAULT_LEVELS, 'urn:of:nobody')).to.equal(undefined)
    expect(rankOfAcr(DEFAULT_LEVELS, PASSWORD_ACR)).to.equal(0)
    expect(rankOfAcr(DEFAULT_LEVELS, 'multi-factor')).to.equal(undefined)
  })

  it('ask for a second factor from the first one that a password does not reach', () => {
    const [password, multiFactor, phishingResistant] = DEFAULT_LEVELS
    const staff = { name: 'staff', acr: 'urn:staff', kinds: 1 }
    const of = (...levels: (typeof password | undefined)[]) =>
      secondRank(levels as unknown as Levels)
    expect(of(password, multiFactor)).to.equal(1)
    expect(of(password, staff, multiFactor)).to.equal(2)
    expect(of(password)).to.equal(0)
    expect(of(password, staff)).to.equal(1)
    expect(isFirstLevel({ ...staff, phishingResistant: true })).to.equal(false)
    expect(isFirstLevel(phishingResistant!)).to.equal(false)
  })
})

describe('a request for an acr', () => {
  const asking = (essential: boolean, ...values: string[]): AcrRequest => ({ essential, values })
  const isPossible = (acr: AcrRequest | undefined) => isMeetable(DEFAULT_LEVELS, [totp!], acr)

  it('R24 is refused before the password if it is essential and names no level that can be reached', () => {
    expect(isPossible(asking(true, 'urn:of:nobody'))).to.equal(false)
    expect(isPossible(asking(true, PHISHING_RESISTANT_ACR))).to.equal(false)
    expect(isPossible(asking(true))).to.equal(false)
    expect(isPossible(asking(true, 'multi-factor'))).to.equal(false)
  })

  it('R24 is not refused if it names one that can, or is voluntary', () => {
    expect(isPossible(asking(true, 'urn:of:nobody', MULTI_FACTOR_ACR))).to.equal(true)
    expect(isPossible(asking(true, PASSWORD_ACR))).to.equal(true)
    expect(isPossible(asking(false, 'urn:of:nobody'))).to.equal(true)
    expect(isPossible(undefined)).to.equal(true)
  })

  it('names the level of the answer, but for the first level in a voluntary request', () => {
    const named = (acr: AcrRequest | undefined) => namedBy(DEFAULT_LEVELS, acr)
    expect(named(undefined)).to.deep.equal([])
    expect(named(asking(true, PASSWORD_ACR))).to.deep.equal([PASSWORD_ACR])
    expect(named(asking(false, PASSWORD_ACR, MULTI_FACTOR_ACR, 'urn:x'))).to.deep.equal([
      MULTI_FACTOR_ACR,
    ])
  })
})
