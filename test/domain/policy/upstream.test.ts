import { expect } from 'chai'
import fc from 'fast-check'
import { DEFAULT_LEVELS, type Levels } from '../../../src/domain/policy/levels.ts'
import { parseUpstream } from '../../../src/domain/policy/parse-upstream.ts'
import { assertionOf } from '../../../src/domain/policy/proofs.ts'
import { firstProof } from '../../../src/domain/policy/session-proofs.ts'
import {
  upstreamAssurance,
  type UpstreamAsked,
  type UpstreamStatement,
  type UpstreamTrust,
} from '../../../src/domain/policy/upstream.ts'
import { NOW } from './cases.ts'

const ISSUER = 'https://idp.example'
const LEVELS: Levels = [
  ...DEFAULT_LEVELS,
  { name: 'three', acr: 'urn:three', kinds: 3, phishingResistant: true, hardware: true },
]
const WORDS = { '1': 'password', '2': 'multi-factor', '3': 'phr', '4': 'phrh', '5': 'three' }
const SAID = { issuer: ISSUER, acr: '2', amr: ['pwd'], ts: NOW - 5 }
const ASKED: UpstreamAsked = {
  askedAt: NOW - 20,
  isNewAsked: false,
  maxAgeSeconds: Infinity,
  sessionSeconds: 86_400,
  now: NOW,
}

function read(value: unknown): UpstreamTrust {
  const parsed = parseUpstream(value, LEVELS)
  if ('faults' in parsed) throw new Error(parsed.faults.join('\n'))
  return parsed.upstream
}
const TRUST = read({ [ISSUER]: { acr: WORDS, amr: { mfa: 'multi-factor', hwk: 'phr' } } })

const reached = (said: UpstreamStatement = {}, asked: Partial<UpstreamAsked> = {}) =>
  upstreamAssurance(TRUST, LEVELS, { ...SAID, ...said }, { ...ASKED, ...asked })

describe('the assurance of an upstream provider', () => {
  it('is that of the level which the application lists for its acr', () => {
    const upstream = { issuer: ISSUER, isEarlier: false }
    expect(reached()).to.deep.equal({
      kinds: ['knowledge', 'possession'],
      phishingResistant: false,
      upstream,
    })
    expect(reached({ acr: '3' })).to.deep.equal({
      kinds: ['knowledge', 'possession'],
      phishingResistant: true,
      upstream,
    })
    expect(reached({ acr: '4' })).to.deep.include({ phishingResistant: true, hardware: true })
  })

  it('is that of the highest level which one of its words reaches', () => {
    expect(reached({ amr: ['mfa', 'hwk'] })).to.have.property('phishingResistant', true)
    expect(reached({ acr: '1', amr: ['pwd', 'mfa'] })).to.have.property('phishingResistant', false)
    expect(reached({ acr: undefined, amr: ['pwd', 'otp', 'face'] })).to.equal(undefined)
  })

  it('has as many kinds as the level, and assumes none that a factor here could add to', () => {
    const kindsOf = (acr: string, amr?: string[]) => reached({ acr, amr })?.kinds
    expect(kindsOf('2')).to.deep.equal(['possession', 'inherence'])
    expect(kindsOf('2', ['otp'])).to.deep.equal(['possession', 'inherence'])
    expect(kindsOf('2', ['face', 'otp', 'pwd'])).to.deep.equal(['knowledge', 'possession'])
    expect(kindsOf('5', ['pwd'])).to.deep.equal(['knowledge', 'possession', 'inherence'])
  })

  it('is none without a listed issuer, word and time', () => {
    for (const issuer of [undefined, null, 7, [ISSUER], `${ISSUER}/`, 'constructor', ''])
      expect(reached({ issuer }), String(issuer)).to.equal(undefined)
    for (const acr of [undefined, '1', '6', 2, ['2'], 'multi-factor', 'constructor'])
      expect(reached({ acr, amr: undefined }), String(acr)).to.equal(undefined)
    expect(reached({ ts: undefined })).to.equal(undefined)
  })

  it('is none for a level that is not among those of today', () => {
    const [password, multiFactor] = DEFAULT_LEVELS as Levels & [unknown, Levels[0]]
    const asked = { ...SAID, acr: '3' }
    expect(upstreamAssurance(TRUST, [password, multiFactor], asked, ASKED)).to.equal(undefined)
  })

  it('is none of a sign-in as long ago as a session may be, to the second', () => {
    expect(reached({ ts: NOW - 86_400 })).to.equal(undefined)
    expect(reached({ ts: NOW - 86_399 })).to.have.nested.property('upstream.isEarlier', true)
  })

  it('is of an earlier sign-in before the request, but for the difference of two clocks', () => {
    const isEarlier = (ts: number, askedAt?: number) =>
      reached({ ts }, { askedAt })?.upstream.isEarlier
    expect(isEarlier(NOW - 50, NOW - 20)).to.equal(false)
    expect(isEarlier(NOW - 51, NOW - 20)).to.equal(true)
    // Without the time of the request nothing says that it was for it.
    expect(isEarlier(NOW)).to.equal(true)
  })

  it('R25 is none of an earlier sign-in where a new one, or a newer one, is asked for', () => {
    expect(reached({ ts: NOW - 51 }, { isNewAsked: true })).to.equal(undefined)
    expect(reached({ ts: NOW - 50 }, { isNewAsked: true })).to.be.an('object')
    expect(reached({ ts: NOW - 60 }, { maxAgeSeconds: 59 })).to.equal(undefined)
    expect(reached({ ts: NOW - 60 }, { maxAgeSeconds: 60 })).to.be.an('object')
    expect(reached({ ts: NOW - 50 }, { maxAgeSeconds: 0 })).to.be.an('object')
  })

  it('R26 never has more than the level that the application lists', () => {
    const amr = fc.subarray(['pwd', 'pin', 'otp', 'sms', 'hwk', 'face', 'mfa', 'user'])
    const acr = fc.constantFrom('0', '1', '2', '3', '4', '5', undefined)
    fc.assert(
      fc.property(acr, amr, (word, methods) => {
        const assurance = reached({ acr: word, amr: methods })
        const said = assertionOf(LEVELS, [firstProof(methods, NOW - 5, undefined, assurance)])
        const byAcr = Number(word ?? '1') - 1
        const byAmr = methods.includes('hwk') ? 2 : methods.includes('mfa') ? 1 : 0
        expect(said?.rank).to.equal(Math.max(0, byAcr, byAmr))
        expect(said?.amr.includes('mfa')).to.equal(said!.rank > 0)
      }),
    )
  })
})

describe('the reading of upstream providers', () => {
  const faultsOf = (value: unknown): readonly string[] => {
    const parsed = parseUpstream(value, LEVELS)
    return 'faults' in parsed ? parsed.faults : []
  }

  it('takes an issuer over https, or on this machine', () => {
    for (const issuer of ['https://a.example/tenant', 'http://localhost:8080', 'http://[::1]'])
      expect(faultsOf({ [issuer]: { acr: WORDS } }), issuer).to.deep.equal([])
    for (const issuer of ['http://a.example', 'a.example', 'https://a.example#x', 'urn:a', ''])
      expect(faultsOf({ [issuer]: { acr: WORDS } }), issuer).to.have.length(1)
  })

  it('takes words of one sort alone, and an empty list of providers', () => {
    expect(read({ [ISSUER]: { amr: { otp: 'password' } } }).get(ISSUER)?.acr.size).to.equal(0)
    expect(read({}).size).to.equal(0)
  })

  it('refuses values of another type, each by its place', () => {
    for (const value of [null, 7, 'x', []])
      expect(faultsOf(value)).to.deep.equal([
        'must be an object: { "https://issuer": { acr: { value: level } } }',
      ])
    expect(faultsOf({ [ISSUER]: null })).to.deep.equal([
      `"${ISSUER}": must be an object: { acr: { value: level }, amr: { value: level } }`,
    ])
    expect(faultsOf({ [ISSUER]: { acr: [], amr: { x: null, y: 'tree' } } })).to.deep.equal([
      `"${ISSUER}": acr must be an object: { value: level }`,
      `"${ISSUER}": amr "x": must be the name or the acr of a level`,
      `"${ISSUER}": amr "y": no configured factor reaches a level "tree" (did you mean "three"?)`,
    ])
    expect(faultsOf({ [ISSUER]: { acr: {} } })).to.deep.equal([
      `"${ISSUER}": names no value of acr or amr, so nothing of it counts`,
    ])
  })
})
