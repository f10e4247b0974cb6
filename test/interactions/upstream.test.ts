import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { upstreamOf } from '../../interactions/login/upstream.ts'
import { DEFAULT_LEVELS } from '../../src/domain/policy/levels.ts'
import { parseUpstream } from '../../src/domain/policy/parse-upstream.ts'
import type { Interaction } from '../../src/host/interaction.ts'
import { corePolicy } from './core-policy.ts'

const NOW = 1_800_000_000
const ISSUER = 'https://idp.example'
const parsed = parseUpstream({ [ISSUER]: { acr: { strong: 'multi-factor' } } }, DEFAULT_LEVELS)
const core = { ...corePolicy, ...parsed } as unknown as Core

describe('R17 the level of another provider in a request', () => {
  /** Whether a sign-in there, of so many seconds before the question, counts. */
  const counts = (age: number, request: object) =>
    upstreamOf(
      core,
      { iat: NOW - 10, params: {}, ...request } as Interaction,
      { issuer: ISSUER, acr: 'strong', ts: NOW - 10 - age },
      NOW,
    ) !== undefined

  it('counts where the request asks for no new sign-in', () => {
    for (const params of [{}, { max_age: null }, { max_age: 110 }, { prompt: 'consent' }])
      expect(counts(100, { params }), JSON.stringify(params)).to.equal(true)
  })

  for (const [kind, request] of [
    ['prompt=login', { params: { prompt: 'consent login' } }],
    ['the code of a device', { deviceCode: 'the-code' }],
    ['a max_age that it does not meet', { params: { max_age: '60' } }],
  ] as const)
    it(`counts with ${kind} only if it was made for the request`, () => {
      expect(counts(100, request)).to.equal(false)
      expect(counts(-5, request)).to.equal(true)
    })
})
