import { expect } from 'chai'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { setUpLinksOf } from '../../src/server/pages/links.ts'
import { PostOffice } from '../journeys/post-office.ts'
import { HttpClient } from '../support/http-client.ts'
import { addPerson, startServer, stopServers, type TestServer } from './support.ts'

describe('"this was not me" in the server', () => {
  let post: PostOffice
  let server: TestServer
  let link: string
  let setUpLink: string

  beforeEach(async () => {
    post = new PostOffice()
    await post.open()
    server = await startServer({ environment: { SMTP_URL: post.url } })
    const { id } = await addPerson(server)
    const foundation = await layFoundation(server.config, server)
    const mfa = serverMfa(foundation)
    link = mfa.notMeUrl(id, { issuer: server.issuer })
    const { account } = (await server.storage.accounts.byId(id))!
    setUpLink = (await setUpLinksOf(foundation, mfa).make(account, 'invitation')).url
  })
  afterEach(async () => {
    await stopServers()
    await post.close()
  })

  const lock = async (): Promise<void> => {
    const browser = new HttpClient()
    const done = await browser.follow(await browser.submit(await browser.get(link)))
    expect([done.status, done.name]).to.deep.equal([200, 'not-me-done'])
  }

  it('R44 makes links void that were given out before', async () => {
    const browser = new HttpClient()
    const page = await browser.get(new URL('/password/forgotten', server.issuer))
    await browser.submit(page, { username: 'alice' })
    const { text } = await post.next('alice@example.com')
    const resetLink = /^https?:\S+\/password\/reset\/\S+$/m.exec(text)?.[0] ?? ''
    for (const each of [resetLink, setUpLink])
      expect((await browser.get(each)).status, each).to.equal(200)
    await lock()
    for (const each of [resetLink, setUpLink])
      expect((await browser.get(each)).status, each).to.equal(410)
  })

  it('R31 R47 is in the audit trail, and its link is in no log', async () => {
    await lock()
    const trail = await server.storage.audit.list({ type: 'account-locked-by-owner', limit: 9 })
    expect(trail).to.have.length(1)
    expect(trail[0]?.detail).to.include.keys('ip')
    const token = link.slice(link.lastIndexOf('/') + 1)
    const logged = server.lines.join('\n')
    expect(logged).to.contain('/mfa/not-me/')
    for (const part of [token, token.split('.').at(-1) ?? '']) expect(logged).not.to.contain(part)
  })

  it('leads on to the sign-in of the account page', async () => {
    const page = await new HttpClient().get(new URL('/mfa/not-me/done', server.issuer))
    expect(page.link('.actions a').href).to.equal(`${server.issuer}/account`)
  })
})
