import { expect } from 'chai'
import fc from 'fast-check'
import {
  assertAssurance,
  AssuranceError,
  type AssuranceCode,
  type Requirement,
} from '../../src/resource-server/index.ts'

const NOW = 1_800_000_000
const OTP = { amr: ['otp'], time: NOW - 60, phishing_resistant: false, kinds: ['possession'] }
const PASSWORD = { amr: ['pwd'], time: NOW - 7200, phishing_resistant: false, kinds: ['knowledge'] }
const CLAIMS = {
  acr: 'gold',
  amr: ['pwd', 'otp', 'mfa'],
  auth_time: NOW - 7200,
  authn_factors: [PASSWORD, OTP],
}

function codeOf(claims: unknown, requirement: Requirement): AssuranceCode | 'passed' {
  try {
    assertAssurance(claims, requirement, { now: NOW })
    return 'passed'
  } catch (error) {
    if (error instanceof AssuranceError) return error.code
    throw error
  }
}

describe('assertAssurance', () => {
  const CASES: readonly (readonly [string, unknown, Requirement, AssuranceCode | 'passed'])[] = [
    ['passes without a requirement', {}, {}, 'passed'],
    ['passes with the required acr', CLAIMS, { acr: 'gold' }, 'passed'],
    ['passes with one acr of the list', CLAIMS, { acr: ['phr', 'gold'] }, 'passed'],
    ['refuses another acr', CLAIMS, { acr: 'phr' }, 'acr-too-low'],
    ['refuses an acr that only begins so', { acr: 'golden' }, { acr: 'gold' }, 'acr-too-low'],
    ['refuses a token without an acr', {}, { acr: 'gold' }, 'acr-too-low'],
    ['refuses an acr that is no string', { acr: ['gold'] }, { acr: 'gold' }, 'claims-malformed'],
    ['passes at the very age', { auth_time: NOW - 300 }, { maxAgeSeconds: 300 }, 'passed'],
    ['refuses a second more', { auth_time: NOW - 301 }, { maxAgeSeconds: 300 }, 'too-old'],
    ['refuses an unknown age', {}, { maxAgeSeconds: 300 }, 'too-old'],
    ['passes a time half a minute ahead', { auth_time: NOW + 30 }, { maxAgeSeconds: 0 }, 'passed'],
    [
      'refuses a time in the future',
      { auth_time: NOW + 31 },
      { maxAgeSeconds: 300 },
      'claims-malformed',
    ],
    [
      'refuses a time that is a string',
      { auth_time: String(NOW) },
      { maxAgeSeconds: 300 },
      'claims-malformed',
    ],
    [
      'refuses a time before all times',
      { auth_time: -1 },
      { maxAgeSeconds: 300 },
      'claims-malformed',
    ],
    [
      'refuses a time that is null',
      { auth_time: null },
      { maxAgeSeconds: 300 },
      'claims-malformed',
    ],
    ['passes with every factor', CLAIMS, { factors: ['otp', 'pwd'] }, 'passed'],
    ['refuses a factor that was not used', CLAIMS, { factors: ['otp', 'hwk'] }, 'factor-missing'],
    [
      'judges the age of the factor and not that of the password',
      CLAIMS,
      { factors: ['otp'], maxAgeSeconds: 60 },
      'passed',
    ],
    [
      'refuses a factor that is too old',
      CLAIMS,
      { factors: ['otp'], maxAgeSeconds: 59 },
      'too-old',
    ],
    [
      'refuses the older one of two factors',
      CLAIMS,
      { factors: ['otp', 'pwd'], maxAgeSeconds: 60 },
      'too-old',
    ],
    [
      'takes the newest use of a factor',
      { authn_factors: [{ ...OTP, time: 1 }, OTP] },
      { factors: ['otp'], maxAgeSeconds: 60 },
      'passed',
    ],
    [
      'counts no trusted browser',
      { authn_factors: [{ ...OTP, trusted_browser: true }] },
      { factors: ['otp'] },
      'factor-missing',
    ],
    [
      'refuses a mark of a trusted browser that is no boolean',
      { authn_factors: [{ ...OTP, trusted_browser: 'true' }] },
      { factors: ['otp'] },
      'claims-malformed',
    ],
    [
      'counts no amr beside authn_factors',
      { ...CLAIMS, authn_factors: [PASSWORD] },
      { factors: ['otp'] },
      'factor-missing',
    ],
    [
      'takes amr where there is no authn_factors and no age is required',
      { amr: ['pwd', 'otp'] },
      { factors: ['otp'] },
      'passed',
    ],
    [
      'knows no age of a factor from amr',
      { amr: ['pwd', 'otp'], auth_time: NOW },
      { factors: ['otp'], maxAgeSeconds: 300 },
      'too-old',
    ],
    [
      'refuses a factor where the token names none',
      { auth_time: NOW },
      { factors: ['otp'], maxAgeSeconds: 300 },
      'factor-missing',
    ],
    [
      'refuses an entry without a time',
      { authn_factors: [{ amr: ['otp'] }] },
      { factors: ['otp'] },
      'claims-malformed',
    ],
    [
      'refuses an entry in the future',
      { authn_factors: [{ ...OTP, time: NOW + 31 }] },
      { factors: ['otp'] },
      'claims-malformed',
    ],
    ['refuses an amr with a number', { amr: ['otp', 1] }, { factors: ['otp'] }, 'claims-malformed'],
    [
      'refuses a time that is no number',
      { auth_time: NaN },
      { maxAgeSeconds: 300 },
      'claims-malformed',
    ],
    ['refuses an amr that is a string', { amr: 'otp' }, { factors: ['otp'] }, 'claims-malformed'],
    [
      'refuses factors that are no list',
      { authn_factors: { 0: OTP } },
      { factors: ['otp'] },
      'claims-malformed',
    ],
    [
      'refuses an entry that is no object',
      { authn_factors: [['otp']] },
      { factors: ['otp'] },
      'claims-malformed',
    ],
    ['refuses claims that are no object', undefined, {}, 'claims-malformed'],
  ]
  for (const [what, claims, requirement, code] of CASES)
    it(what, () => expect(codeOf(claims, requirement)).to.equal(code))

  it('takes the time of this machine where none is given', () => {
    const now = Math.floor(Date.now() / 1000)
    assertAssurance({ auth_time: now }, { maxAgeSeconds: 3600 })
    expect(() => assertAssurance({ auth_time: 1 }, { maxAgeSeconds: 3600 })).to.throw(
      AssuranceError,
    )
  })

  it('throws for a requirement with a fault, whatever the claims are', () => {
    for (const requirement of [
      { acr: '' },
      { acr: [] },
      { acr: 'a b' },
      { acr: 'a\r\nSet-Cookie: x' },
      { acr: ['ü'] },
      { acr: null },
      { acr: undefined, maxAge: 1 },
      { maxAgeSeconds: -1 },
      { maxAgeSeconds: 1.5 },
      { maxAgeSeconds: '300' },
      { maxAgeSeconds: Number.NaN },
      { factors: 'otp' },
      { factors: [] },
      [],
      null,
      'gold',
    ])
      expect(
        () => assertAssurance(CLAIMS, requirement as Requirement, { now: NOW }),
        JSON.stringify(requirement),
      )
        .to.throw()
        .with.property('code', 'options-invalid')
  })

  it('never passes with a requirement more where it refuses without it', () => {
    const time = fc.integer({ min: NOW - 400, max: NOW })
    const amr = fc.subarray(['pwd', 'otp', 'hwk'])
    const claims = fc.record(
      {
        acr: fc.constantFrom('silver', 'gold'),
        auth_time: time,
        amr,
        authn_factors: fc.array(fc.record({ amr, time, trusted_browser: fc.boolean() }), {
          maxLength: 3,
        }),
      },
      { requiredKeys: [] },
    )
    const factors = fc.subarray(['pwd', 'otp', 'hwk'], { minLength: 1 })
    fc.assert(
      fc.property(claims, factors, time, (given, list, at) => {
        const maxAgeSeconds = NOW - at
        const all = codeOf(given, { acr: 'gold', factors: list, maxAgeSeconds }) === 'passed'
        const each = [
          codeOf(given, { acr: 'gold' }),
          codeOf(given, { factors: list }),
          ...list.map((factor) => codeOf(given, { factors: [factor], maxAgeSeconds })),
        ].every((code) => code === 'passed')
        expect(all).to.equal(each)
      }),
    )
  })
})
