import { expect } from 'chai'
import { passkeys } from '../../../src/factors/passkey/index.ts'
import { makerOf } from '../../../src/factors/passkey/makers.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { creation, NOW } from './person.ts'

const YUBIKEY = 'ee882879-721c-4913-9775-3dfcce97072a'
const UNKNOWN = '01020304-0506-0708-0102-030405060708'

describe('the name of a new passkey', () => {
  const nameOf = async (aaguid: string, browser?: { browser: string; system?: string }) => {
    const { pending, challenge, text } = creation()
    const factor = passkeys()
    const response = factor.parseResponse({
      credential: new SoftAuthenticator({ aaguid }).create(text),
    })
    const given = { challenge, existing: [], ...(browser === undefined ? {} : { browser }) }
    const confirmed = await factor.confirmEnrolment?.(pending, response!, NOW, given)
    expect(confirmed).not.to.equal(undefined)
    return confirmed?.name
  }

  it('is that of its maker, whatever the browser is', async () => {
    expect(await nameOf(YUBIKEY, { browser: 'Chrome', system: 'Linux' })).to.equal('YubiKey 5')
    expect(await nameOf('fbfc3007-154e-4ecc-8c0b-6e020557d7bd')).to.equal('iCloud Keychain')
  })

  it('is that of the browser where the maker is not known', async () => {
    expect(await nameOf(UNKNOWN, { browser: 'Chrome', system: 'Linux' })).to.equal('Chrome (Linux)')
    expect(await nameOf(UNKNOWN, { browser: 'Firefox' })).to.equal('Firefox')
    expect(await nameOf(UNKNOWN)).to.equal(undefined)
  })

  it('is none of an authenticator that does not say its model', () => {
    expect(makerOf('00000000-0000-0000-0000-000000000000')).to.equal(undefined)
  })
})
