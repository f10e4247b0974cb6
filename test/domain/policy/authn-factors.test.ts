import { expect } from 'chai'
import { authnFactors } from '../../../src/domain/policy/authn-factors.ts'
import { schemaFaults } from '../../support/authn-factors-schema.ts'

const PASSWORD = {
  amr: ['pwd'],
  kinds: ['knowledge'],
  phishingResistant: false,
  time: 1000,
} as const
const CODE = {
  amr: ['otp'],
  kinds: ['possession'],
  phishingResistant: false,
  time: 1300,
  factor: 'totp',
} as const

describe('the claim authn_factors', () => {
  it('has one entry for each proof, the newest first, and no name of a factor', () => {
    expect(authnFactors([PASSWORD, CODE])).to.deep.equal([
      { amr: ['otp'], kinds: ['possession'], phishing_resistant: false, time: 1300 },
      { amr: ['pwd'], kinds: ['knowledge'], phishing_resistant: false, time: 1000 },
    ])
  })

  it('R9 carries the mark of a recovery', () => {
    const [entry] = authnFactors([{ ...CODE, recoveredAt: 900 }])
    expect(entry).to.include({ recovered_at: 900 })
  })

  it('R14 says that a trusted browser stood in, and that it proves nothing', () => {
    expect(authnFactors([CODE, PASSWORD], 1100).map(({ time }) => time)).to.deep.equal([
      1300, 1100, 1000,
    ])
    expect(authnFactors([PASSWORD], 500)[1]).to.deep.equal({
      amr: [],
      kinds: [],
      phishing_resistant: false,
      time: 500,
      trusted_browser: true,
    })
  })

  it('fits the JSON Schema that the package ships, which refuses other entries', () => {
    expect(schemaFaults(authnFactors([CODE, { ...PASSWORD, recoveredAt: 1 }], 1100))).to.deep.equal(
      [],
    )
    const [entry] = authnFactors([CODE])
    for (const wrong of [
      { ...entry, more: 1 },
      { ...entry, time: 'now' },
      { ...entry, kinds: ['luck'] },
      { ...entry, trusted_browser: false },
      { ...entry, amr: undefined },
    ])
      expect(schemaFaults([wrong]), JSON.stringify(wrong)).not.to.deep.equal([])
  })
})
