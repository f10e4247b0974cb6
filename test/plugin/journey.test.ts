import { expect } from 'chai'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { enrol } from './enrol.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'

describe('a sign-in with a second factor in a host application', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  it('sets up an authenticator app in the first one and says so in the ID token', async () => {
    const client = new HttpClient()
    const setUp = await showPassword(host, client, 'mira')
    expect(setUp.name, setUp.body).to.equal('totp-enrol')
    expect(setUp.name, setUp.body).to.equal('totp-enrol')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await follow(host, client, await client.submit(setUp, { code, name: 'Phone' }))
    expect(shown.name, shown.body).to.equal('backup-codes')
    const ungated = await client.submit(shown)
    expect(ungated.status).to.equal(422)
    const back = await follow(host, client, await client.submit(shown, { saved: 'yes' }))
    const { claims, status } = await redeem(host, callbackOf(back))
    expect(status).to.equal(200)
    expect(claims).to.deep.include({
      sub: 'mira',
      acr: 'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
      amr: ['pwd', 'otp', 'mfa'],
      nonce: 'the-nonce',
    })
    expect(claims.auth_time).to.be.a('number')
  })

  it('asks for a code the next time, and for nothing in a second app', async () => {
    const first = new HttpClient()
    const { secret } = await enrol(host, first, 'mira')
    host.clock.at += 60
    const client = new HttpClient()
    const verify = await showPassword(host, client, 'mira')
    expect(verify.name).to.equal('totp-verify')
    const back = await follow(
      host,
      client,
      await client.submit(verify, { code: totpCode({ secret }, host.clock.at) }),
    )
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    const other = await follow(
      host,
      client,
      await client.get(authorizeUrl(host, { client_id: 'other' })),
    )
    expect(callbackOf(other).get('code')).to.be.a('string')
  })

  it('takes a backup code another way', async () => {
    const { codes } = await enrol(host, new HttpClient(), 'mira')
    expect(codes).to.have.length(10)
    const client = new HttpClient()
    const verify = await showPassword(host, client, 'mira')
    const other = await client.get(verify.link('[data-other-way]'))
    expect(other.name).to.equal('mfa-choose')
    const form = await follow(host, client, await client.submit(other, { factor: 'backup-codes' }))
    expect(form.name, form.body).to.equal('backup-code-verify')
    const back = await follow(
      host,
      client,
      await client.submit(form, { backupCode: codes[3]!.toLowerCase() }),
    )
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims.amr).to.deep.equal(['pwd', 'backup_code', 'mfa'])
  })
})
