import { expect } from 'chai'
import type { MfaOptions } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

describe('a form that is refused', () => {
  it('leads to its page, for another try', async () => {
    const host = await startHost()
    const client = new HttpClient()
    const choose = await showPassword(host, client, 'mira')
    const refused = await client.submit(choose, { csrf: 'forged' })
    expect([refused.status, refused.name]).to.deep.equal([403, 'forbidden'])
    const again = await client.visit(refused.link('main a.button'))
    expect([again.status, again.name]).to.deep.equal([200, choose.name])
    await host.close()
  })
})

describe('the page of an expired sign-in', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  it('is 410 and leads back to the app', async () => {
    const person = await enrolledPerson(host)
    const client = new HttpClient()
    const verify = await showPassword(host, client, person.username)
    host.clock.at += 601
    const expired = await client.get(verify.url)
    expect(expired.status).to.equal(410)
    expect(expired.name).to.equal('expired')
    expect(expired.body).to.contain('href="http://127.0.0.1:1/"')
  })

  it('is found by the back button after the sign-in too, and what is left of it can be resumed by nobody', async () => {
    const person = await enrolledPerson(host)
    const client = new HttpClient()
    const verify = await showPassword(host, client, person.username)
    const answered = await client.submit(verify, { code: nextCode(host, person) })
    const jar = client.jar.copy()
    await follow(host, client, answered)

    const back = await client.get(verify.url)
    expect([back.status, back.name]).to.deep.equal([200, 'answered'])
    expect(back.body).to.contain('href="http://127.0.0.1:1/"')
    expect(back.alert).to.equal(undefined)
    const form = await client.submit(verify, { code: nextCode(host, person) })
    expect([form.status, form.name]).to.deep.equal([410, 'expired'])

    const again = await new HttpClient({ jar }).get(answered.location!)
    expect(again.status).to.equal(400)
  })

  it('says nothing of an app for an interaction that never was', async () => {
    const expired = await new HttpClient().get(new URL('/mfa/never-was', host.issuer))
    expect(expired.status).to.equal(410)
    expect(expired.body).not.to.contain('http://127.0.0.1:1/')
    expect(expired.link('main a.button').href).to.equal(new URL('/', host.issuer).href)
  })

  it('leads to the application’s own page where it names one', async () => {
    const hrefOf = async (mfa: Partial<MfaOptions>): Promise<string> => {
      await host.close()
      host = await startHost({ mfa })
      const expired = await new HttpClient().get(new URL('/mfa/never-was', host.issuer))
      return expired.link('main a.button').href
    }
    const url = 'https://app.example/security'
    const manage = { clients: [], url }
    expect(await hrefOf({ manage })).to.equal(url)
    const home = 'https://app.example/'
    expect(await hrefOf({ manage, links: { home } })).to.equal(home)
  })
})
