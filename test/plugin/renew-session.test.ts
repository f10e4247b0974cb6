import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, startHost, type Host } from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson, signIn, type Person } from './sign-in.ts'

for (const [name, storage] of Object.entries(STORAGES))
  describe(`the session in which a password was changed (${name})`, () => {
    let host: Host
    let mira: Person
    let browser: HttpClient

    beforeEach(async () => {
      host = await startHost({ storage, ownPage: '/settings' })
      mira = await enrolledPerson(host)
      browser = new HttpClient()
      await signIn(host, browser, mira)
    })
    afterEach(async () => host.close())

    const change = async (visitor = browser, account = 'mira'): Promise<unknown> =>
      (await visitor.post(`${host.issuer}/settings`, {}, { headers: { account } })).json
    const cookieOf = ({ jar }: HttpClient): string | undefined =>
      jar.all().find(({ key }) => key === '_session')?.value
    const silent = async (visitor: HttpClient): Promise<URLSearchParams> =>
      callbackOf(
        await follow(
          host,
          visitor,
          await visitor.get(authorizeUrl(host, { prompt: 'none', acr_values: '' })),
        ),
      )
    const seen = async (visitor: HttpClient): Promise<Page> =>
      visitor.get(`${host.issuer}/settings`)

    it('R19 R20 goes on under a new id, with its level and time, and every other one ends', async () => {
      const other = new HttpClient()
      host.clock.at += 30
      await signIn(host, other, mira)
      const [before, id] = [(await seen(browser)).json, cookieOf(browser)]
      expect(await change()).to.deep.equal({ renewed: true })
      expect(cookieOf(browser)).to.be.a('string').and.not.to.equal(id)
      expect((await seen(browser)).json).to.deep.equal(before)
      expect((await silent(browser)).get('code')).to.be.a('string')
      expect((await silent(other)).get('error')).to.equal('login_required')
    })

    it('R19 is nothing under its old id, also for a thief who has copied the cookie', async () => {
      const thief = new HttpClient()
      for (const { key, value } of browser.jar.all())
        thief.jar.store(new URL(host.issuer), [`${key}=${value}; Path=/`])
      expect((await silent(thief)).get('code')).to.be.a('string')
      await change()
      expect((await silent(thief)).get('error')).to.equal('login_required')
      expect((await seen(thief)).json).to.deep.equal({})
      expect((await silent(browser)).get('code')).to.be.a('string')
    })

    it('does not go on for another account, without a session, or once it has ended', async () => {
      expect(await change(browser, 'ole')).to.deep.equal({ renewed: false })
      expect(await change(new HttpClient())).to.deep.equal({ renewed: false })
      expect(await change()).to.deep.equal({ renewed: false })
      expect((await seen(browser)).json).to.deep.equal({})
    })

    it('R20 ends with the next change all the same', async () => {
      await change()
      await host.mfa.accounts.endEverything('mira', 'this was not me')
      expect((await silent(browser)).get('error')).to.equal('login_required')
    })
  })
