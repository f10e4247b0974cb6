import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  APP_CREDENTIALS,
  atTheApp,
  CALLBACK,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const TRUSTED = { TRUSTED_PROXIES: '127.0.0.1/8,::1' }

describe('R43 the requests of a network without a session', () => {
  let server: TestServer
  const start = async (limits: object): Promise<void> => {
    server = await startServer({
      settings: { limits, features: { deviceFlow: true }, mfa: { required: 'optional' } },
      clients: [{ ...APP, first_party: true, grant_types: ['authorization_code', GRANT] }],
      environment: TRUSTED,
    })
  }
  afterEach(stopServers)

  const from = (ip: string): HttpClient => new HttpClient({ headers: { 'x-forwarded-for': ip } })
  const begin = (browser: HttpClient): Promise<Page> => browser.get(server.authorize())
  const post = (path: string, fields: Record<string, string>, ip = '192.0.2.1') =>
    fetch(new URL(path, server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS, 'x-forwarded-for': ip },
      body: new URLSearchParams(fields),
    })
  const pushed = (ip?: string) =>
    post(
      '/request',
      { ...Object.fromEntries(server.authorize().searchParams), redirect_uri: CALLBACK },
      ip,
    )
  const interactions = async (): Promise<number> => {
    let count = 0
    for (let n = 0; n < 40; n += 1) if ((await begin(from('192.0.2.1'))).status === 303) count += 1
    return count
  }

  it('begin as many sign-ins as two minutes allow, then get a page that says when to come back', async () => {
    await start({ interactionsPerMinute: 10 })
    expect(await interactions()).to.equal(20)
    const busy = await begin(from('192.0.2.1'))
    expect([busy.status, busy.name]).to.deep.equal([429, 'busy'])
    expect(Number(busy.headers['retry-after'])).to.be.within(1, 120)
    expect((await begin(from('192.0.2.2'))).status).to.equal(303)
    server.clock.ahead += 120
    expect((await begin(from('192.0.2.1'))).status).to.equal(303)
  })

  it('count IPv6 by its /64', async () => {
    await start({ interactionsPerMinute: 1 })
    for (const n of [1, 2]) expect((await begin(from(`2001:db8::${n}`))).status).to.equal(303)
    expect((await begin(from('2001:db8::3'))).status).to.equal(429)
    expect((await begin(from('2001:db8:0:1::1'))).status).to.equal(303)
  })

  it('count in every spelling of the path, and on each page that stores something', async () => {
    await start({ interactionsPerMinute: 1 })
    await interactions()
    const { search } = server.authorize()
    for (const path of [`/AUTH${search}`, `/auth/${search}`, '/device', '/session/end', '/auth/x'])
      expect((await from('192.0.2.1').get(server.issuer + path)).status, path).to.equal(429)
    expect(
      (await from('192.0.2.1').get(`${server.issuer}/.well-known/openid-configuration`)).status,
    ).to.equal(200)
  })

  it('count a resume that no page has answered: it would make one interaction after another', async () => {
    await start({ interactionsPerMinute: 2 })
    const browser = from('192.0.2.1')
    const login = await browser.visit(server.authorize())
    const resume = login.url.href.replace('/interaction/', '/auth/')
    let answers = [await browser.get(resume)]
    for (let n = 0; n < 6 && answers.at(-1)?.location !== undefined; n += 1) {
      const uid = answers.at(-1)!.location!.pathname.split('/').at(-1)
      answers = [...answers, await browser.get(`${server.issuer}/auth/${uid}`)]
    }
    expect(answers.at(-1)?.status).to.equal(429)
    expect(answers.length).to.be.below(6)
  })

  it('never stop a person who has begun, nor a browser with a live session', async () => {
    await start({ interactionsPerMinute: 1 })
    const alice = await addPerson(server)
    const browser = from('192.0.2.1')
    const login = await browser.visit(server.authorize())
    await interactions()
    const answered = await browser.submit(login, {
      username: alice.username,
      password: alice.password,
    })
    const back = await browser.follow(answered, atTheApp)
    expect(back.location?.searchParams.has('code'), back.body).to.equal(true)
    for (let n = 0; n < 5; n += 1) {
      const again = await browser.visit(server.authorize(), atTheApp)
      expect(again.location?.searchParams.has('code')).to.equal(true)
    }
    expect((await begin(from('192.0.2.1'))).status).to.equal(429)
    const forged = from('192.0.2.1')
    forged.jar.store(new URL(server.issuer), ['session=forged; Path=/'])
    expect((await begin(forged)).status).to.equal(429)
    await server.stop()
  })

  it('push as many requests as a minute allows; a program gets JSON', async () => {
    await start({ pushedPerMinute: 2 })
    for (let n = 0; n < 2; n += 1) expect((await pushed()).status).to.equal(201)
    const refused = await pushed()
    expect(refused.status).to.equal(429)
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60)
    expect(await refused.json()).to.have.property('error', 'temporarily_unavailable')
    expect((await pushed('192.0.2.2')).status).to.equal(201)
    server.clock.ahead += 60
    expect((await pushed()).status).to.equal(201)
  })

  it('ask for as many device codes as a minute allows', async () => {
    await start({ devicePerMinute: 2 })
    const ask = () => post('/device/auth', { scope: 'openid' })
    for (let n = 0; n < 2; n += 1) expect((await ask()).status).to.equal(200)
    const refused = await ask()
    expect([refused.status, refused.headers.get('cache-control')]).to.deep.equal([429, 'no-store'])
    expect(await refused.json()).to.have.property('error', 'temporarily_unavailable')
  })

  it('leave the others of a busy server alone by default: a hundred sign-ins of one network work', async () => {
    await start({})
    const alice = await addPerson(server)
    for (let n = 0; n < 100; n += 1) await begin(from('192.0.2.1'))
    const back = await signIn(from('192.0.2.1'), server.authorize(), alice, server)
    expect(back.location?.searchParams.has('code')).to.equal(true)
  })

  it('send as many forms of mailed links as a minute allows, and look at the pages as often as they want', async () => {
    await start({ linksPerMinute: 2 })
    const paths = [
      '/mfa/not-me',
      '/mfa/cancel-recovery',
      '/password/reset',
      '/email/confirm',
      '/set-up',
      '/MFA/NOT-ME',
    ]
    for (const path of paths) {
      const ip = `192.0.2.${10 + paths.indexOf(path)}`
      const answers = []
      for (let n = 0; n < 3; n += 1) answers.push((await post(`${path}/x`, {}, ip)).status)
      expect(answers[2], path).to.equal(429)
      expect(answers.slice(0, 2), path).not.to.include(429)
      const page = await from(ip).get(new URL(`${path}/x`, server.issuer))
      expect(page.status, path).to.be.oneOf([404, 410])
    }
    expect((await post('/mfa/not-me/x', {}, '192.0.2.9')).status).not.to.equal(429)
  })
})
