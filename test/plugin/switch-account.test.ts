import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'
import { enrol } from './enrol.ts'

describe('another person signing in within the same browser', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  it('R19 is asked first, and then is the only one signed in', async () => {
    const { secret } = await enrol(host, new HttpClient(), 'noor')
    const browser = new HttpClient()
    await enrol(host, browser, 'mira')
    host.clock.at += 60
    const verify = await showPassword(host, browser, 'noor', { prompt: 'login' })
    const code = totpCode({ secret }, host.clock.at)
    const asked = await follow(host, browser, await browser.submit(verify, { code }))
    expect(asked.name, asked.body).to.equal('switch-account')
    expect(asked.text).to.contain('mira@example.com').and.to.contain('noor@example.com')
    const back = await follow(host, browser, await browser.submit(asked))
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims.sub).to.equal('noor')
  })
})
