import { expect } from 'chai'
import { backupCodes, totp } from '../../src/index.ts'
import { challengeFactor } from '../../src/testing/factors.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { redeem, callbackOf } from './host.ts'
import {
  begin,
  end,
  eventsOf,
  factors,
  host,
  ids,
  isSignedIn,
  mira,
  press,
  prove,
} from './managed-host.ts'
import { signIn, uidOf } from './sign-in.ts'

const KEY = {
  ...challengeFactor('browser-key'),
  pages: { views: new URL('browser-key/', import.meta.url) },
}

describe('replacing an authenticator', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R11 R20 removes the old one with the first right code of the new one, and not before', async () => {
    const [phone] = await ids('totp')
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const setUp = await prove(`replace:${phone}`)
    expect(setUp.name).to.equal('totp-enrol')
    expect(setUp.text).to.include('keeps working until the new one does')
    expect(setUp.form().fields).to.include({ name: 'Phone' })
    expect((await mira.browser.submit(setUp, { code: '000000' })).status).to.equal(422)
    expect(await ids('totp')).to.deep.equal([phone])
    expect(callbackOf(await signIn(host, new HttpClient(), mira)).get('code')).to.be.a('string')

    const secret = secretOf(setUp)
    const back = await press(setUp, { code: totpCode({ secret }, host.clock.at) })
    expect((await redeem(host, callbackOf(back))).claims.amr).to.include('otp')
    const kept = await factors()
    expect(kept.map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['backup-codes', ''],
      ['totp', 'Phone'],
    ])
    expect(kept.map(({ id }) => id)).not.to.include(phone)
    expect(await isSignedIn(elsewhere)).to.equal(false)
    const old = await signIn(host, new HttpClient(), mira)
    expect([old.status, old.name]).to.deep.equal([422, 'totp-verify'])
    const told = await eventsOf('factor-enrolled', 'factor-removed', 'factor-replaced')
    expect(told.slice(-1).map(({ type }) => type)).to.deep.equal(['factor-replaced'])
    expect(told.at(-1)?.detail).to.include({
      authenticatorId: kept.at(-1)?.id,
      authenticatorName: 'Phone',
      replacedId: phone,
      replacedName: 'Phone',
    })
  })

  it('leaves everything as it was where the person gives up', async () => {
    const [phone] = await ids('totp')
    const setUp = await prove(`replace:${phone}`)
    await mira.browser.submit(setUp, {}, { form: '[action$="/cancel"]' })
    expect(await ids('totp')).to.deep.equal([phone])
  })

  it('R11 replaces nothing in a sign-in that asked to add one', async () => {
    const [phone] = await ids('totp')
    const setUp = await prove('add')
    const { csrf = '' } = setUp.form().fields
    const fields = { csrf, code: totpCode({ secret: secretOf(setUp) }, host.clock.at) }
    const hostile = { ...fields, replaces: phone!, authenticatorId: phone! }
    const address = `${host.issuer}/mfa/${uidOf(setUp)}/enrol/totp`
    expect((await mira.browser.post(address, hostile)).status).to.equal(303)
    expect(await ids('totp')).to.have.length(2)
  })

  it('lets the person choose another kind', async () => {
    await end()
    await begin({ mfa: { factors: [totp(), KEY, backupCodes()] } })
    const [phone] = await ids('totp')
    const choice = await prove(`replace:${phone}`)
    expect(choice.name).to.equal('mfa-choose')
    expect(choice.text).to.include('Set up the new one')
    expect((await press(choice, { factor: 'browser-key' })).name).to.equal('browser-key-enrol')
  })
})
