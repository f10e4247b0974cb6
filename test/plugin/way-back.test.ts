import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { showPassword, startHost, type Host } from './host.ts'

describe('the page of an expired sign-in', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  it('is 410 and leads back to the app', async () => {
    const client = new HttpClient()
    const choose = await showPassword(host, client, 'mira')
    host.clock.at += 601
    const expired = await client.get(choose.url)
    expect(expired.status).to.equal(410)
    expect(expired.name).to.equal('expired')
    expect(expired.body).to.contain('href="http://127.0.0.1:1/"')
  })

  it('says nothing of an app for an interaction that never was', async () => {
    const expired = await new HttpClient().get(new URL('/mfa/never-was', host.issuer))
    expect(expired.status).to.equal(410)
    expect(expired.body).not.to.contain('http://127.0.0.1:1/')
  })
})
