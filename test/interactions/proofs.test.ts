import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { countingProofsOf } from '../../interactions/proofs.ts'
import { firstProof } from '../../src/domain/policy/session-proofs.ts'
import { corePolicy } from './core-policy.ts'

const NOW = 1_800_000_000
const core = { ...corePolicy, deps: { clock: { now: () => NOW } } } as unknown as Core
const key = { amr: ['swk'], kinds: ['possession'], phishingResistant: true, factor: 'key' }

describe('the proofs of a session that count in a request', () => {
  const proofs = [
    { ...key, factor: 'totp', time: NOW - 5 },
    { ...key, time: NOW - 3600 },
    firstProof(['pwd'], NOW - 3600),
  ]
  const session = {
    accountId: 'mira',
    loginTs: NOW - 3600,
    mfaProofs: { accountId: 'mira', proofs },
  }
  const factorsOn = (route: string, begunAt?: number) =>
    countingProofsOf(
      core,
      { route, session } as never,
      begunAt === undefined ? {} : { begunAt },
    ).map(({ factor }) => factor)

  it('are all of them in a browser', () => {
    expect(factorsOn('authorization')).to.deep.equal(['totp', 'key', undefined])
  })

  it('R17 are in the device flow, of second factors, those that were shown for the device', () => {
    for (const route of ['code_verification', 'device_resume']) {
      expect(factorsOn(route)).to.deep.equal([undefined])
      expect(factorsOn(route, NOW - 5)).to.deep.equal(['totp', undefined])
    }
  })

  it('R17 have in the device flow no level of an upstream provider from before it', () => {
    const time = NOW - 3600
    const strong = firstProof(['pwd', 'otp'], time, undefined, {
      kinds: ['knowledge', 'possession'],
      phishingResistant: false,
      upstream: { issuer: 'https://idp.example', isEarlier: false },
    })
    const mfaProofs = { accountId: 'mira', proofs: [strong] }
    const on = (route: string, begunAt?: number) =>
      countingProofsOf(core, { route, session: { ...session, mfaProofs } } as never, {
        ...(begunAt === undefined ? {} : { begunAt }),
      })
    expect(on('device_resume')).to.deep.equal([firstProof(['pwd', 'otp'], time)])
    for (const all of [on('device_resume', time), on('resume')]) expect(all).to.deep.equal([strong])
  })
})
