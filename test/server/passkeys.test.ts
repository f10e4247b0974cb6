import { expect } from 'chai'
import { ConfigError } from '../../config/environment.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { deedsOf, press } from '../support/account-forms.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { backupCodesOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { freePort } from '../support/mongodb.ts'
import { totpCode } from '../support/totp.ts'
import {
  addPerson,
  atTheApp,
  PASSWORD,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const UNFIT = 'passkeys are not offered'

async function afterPassword(server: TestServer, browser = new HttpClient()): Promise<Page> {
  const login = await browser.visit(server.authorize())
  const answer = await browser.submit(login, { username: 'alice', password: PASSWORD })
  return browser.follow(answer, atTheApp)
}

function factorsOn(page: Page): (string | undefined)[] {
  return page.tags('[data-factor]').map((tag) => tag['data-factor'])
}

/** The ids of the passkeys of which a page tells the browser. */
function signalledOn(page: Page): readonly string[] {
  const [script] = page.tags('script[data-page-data]')
  const data = JSON.parse(script?.['data-page-data'] ?? '{"users":[]}') as {
    readonly users: readonly { readonly ids: readonly string[] }[]
  }
  return data.users.flatMap(({ ids }) => ids)
}

function unfitLines({ lines }: TestServer): readonly string[] {
  return lines.filter((line) => line.includes(UNFIT))
}

describe('passkeys of the server', () => {
  afterEach(stopServers)

  it('stand first at a first set-up, and sign their person in', async () => {
    const server = await startServer()
    await addPerson(server)
    const browser = new HttpClient()
    const choose = await afterPassword(server, browser)
    expect(choose.name).to.equal('mfa-choose')
    expect(factorsOn(choose)).to.deep.equal(['passkey', 'totp'])
    const setUp = await browser.follow(await browser.submit(choose, { factor: 'passkey' }))
    expect(setUp.name).to.equal('passkey-enrol')
    const key = new SoftAuthenticator({ origin: server.issuer })
    const credential = key.create(optionsOf(setUp))
    const codes = await browser.follow(await browser.submit(setUp, { credential }))
    expect(codes.name).to.equal('backup-codes')
    expect(backupCodesOf(codes)).to.have.length(10)
    const later = new HttpClient()
    const verify = await afterPassword(server, later)
    expect(verify.name).to.equal('passkey-verify')
    const proved = await later.submit(verify, { credential: key.get(optionsOf(verify)) })
    expect((await later.follow(proved, atTheApp)).name).to.equal('consent')
    expect(unfitLines(server)).to.deep.equal([])
  })

  it('R11 R20 are renamed at the account page, and one that is removed there ends the sign-in of every other browser', async () => {
    const server = await startServer()
    const { id } = await addPerson(server)
    const mfa = serverMfa(await layFoundation(server.config, { storage: server.storage }))
    const [one, other] = [new SoftAuthenticator(), new SoftAuthenticator()]
    const list = await Promise.all([one, other].map(async (each) => registered(each)))
    const passkeys = list.map((state, nth) => ({ ...exported(state), name: `Key ${nth + 1}` }))
    expect(await mfa.accounts.import(id, { passkeys })).to.include({ outcome: 'imported' })
    const account = new URL('/account', server.issuer)
    const prove = async (browser: HttpClient, page: Page): Promise<Page> => {
      expect(page.name).to.equal('passkey-verify')
      const credential = other.get(optionsOf(page), { origin: server.issuer })
      return browser.follow(await browser.submit(page, { credential }), atTheApp)
    }
    const arrive = async (browser: HttpClient): Promise<Page> => {
      const login = await browser.visit(account)
      const answer = await browser.submit(login, { username: 'alice', password: PASSWORD })
      return prove(browser, await browser.follow(answer))
    }
    const [browser, elsewhere] = [new HttpClient(), new HttpClient()]
    await arrive(elsewhere)
    const page = await arrive(browser)
    const [rename = ''] = deedsOf(page).filter((deed) => deed.startsWith('rename:'))
    const asked = await browser.follow(await press(browser, page, rename))
    const named = await browser.follow(await browser.submit(asked, { name: 'Blue key' }))
    expect(named.text).to.include('Blue key').and.not.include('Key 1')
    expect((await elsewhere.visit(account)).name).to.equal('account')
    const [remove = ''] = deedsOf(named).filter((deed) => deed.startsWith('remove:'))
    const verify = await browser.follow(await press(browser, named, remove))
    const removal = verify.name === 'factor-remove' ? verify : await prove(browser, verify)
    expect(removal.name).to.equal('factor-remove')
    const left = await browser.follow(await browser.submit(removal))
    expect(left.text).to.include('Key 2').and.not.include('Blue key')
    expect(signalledOn(named)).to.have.members(list.map(({ id }) => id))
    expect(signalledOn(left)).to.deep.equal([list[1]?.id])
    expect((await elsewhere.visit(account)).name).to.equal('login')
  })

  it('have the options of CONFIG_FILE', async () => {
    const passkeys = { rp_name: 'The Acme Company', userVerification: 'required' }
    const server = await startServer({ settings: { passkeys } })
    await addPerson(server)
    const browser = new HttpClient()
    const choose = await afterPassword(server, browser)
    const setUp = await browser.follow(await browser.submit(choose, { factor: 'passkey' }))
    const options = JSON.parse(optionsOf(setUp)) as Record<string, object>
    expect(options['rp']).to.deep.equal({ id: 'localhost', name: 'The Acme Company' })
    expect(options['authenticatorSelection']).to.include({ userVerification: 'required' })
  })

  it('are offered after a sign-in with a code, except where the settings say no', async () => {
    for (const offer of [true, false]) {
      const server = await startServer({ settings: { passkeys: { offer } } })
      await addPerson(server)
      const alice: Person = { username: 'alice', password: PASSWORD }
      await signIn(new HttpClient(), server.authorize(), alice, server)
      server.clock.ahead += 60
      const browser = new HttpClient()
      const verify = await afterPassword(server, browser)
      expect(verify.name).to.equal('totp-verify')
      const code = totpCode({ secret: alice.secret ?? '' }, server.clock.now())
      const answer = await browser.submit(verify, { code, offer: 'passkey' })
      const page = await browser.follow(answer, atTheApp)
      expect(page.name, `offer: ${offer}`).to.equal(offer ? 'passkey-offer' : undefined)
      if (!offer) expect(page.location?.searchParams.get('code')).to.be.a('string')
    }
  })

  it('are off where the settings say so: the other factor is set up without a choice', async () => {
    const server = await startServer({ settings: { passkeys: { enabled: false } } })
    await addPerson(server)
    expect((await afterPassword(server)).name).to.equal('totp-enrol')
    expect(unfitLines(server)).to.deep.equal([])
  })

  it('are not offered at an address where browsers know none, and the log says so once', async () => {
    const port = String(await freePort())
    const environment = { PORT: port, ISSUER: `http://127.0.0.1:${port}` }
    const server = await startServer({ environment })
    await addPerson(server)
    expect((await afterPassword(server)).name).to.equal('totp-enrol')
    expect(unfitLines(server)).to.have.length(1)
    expect(unfitLines(server)[0]).to.match(/^\["warn"/)
  })

  describe('have addresses for browsers and password managers', () => {
    const look = (server: TestServer, name: string, method = 'GET') =>
      fetch(`${server.issuer}/.well-known/${name}`, { method, redirect: 'manual' })

    it('that name the account page, and the origins whose pages may ask for a passkey', async () => {
      const origins = ['https://login.example', 'https://www.example']
      const server = await startServer({ settings: { passkeys: { origins } } })
      const { issuer } = server
      for (const [name, content] of [
        ['webauthn', { origins: [issuer, ...origins] }],
        ['passkey-endpoints', { enroll: `${issuer}/account`, manage: `${issuer}/account` }],
      ] as const) {
        const answer = await look(server, name)
        expect(answer.status, name).to.equal(200)
        expect(answer.headers.get('content-type')).to.match(/^application\/json\b/)
        expect(answer.headers.get('cache-control')).to.equal('public, max-age=3600')
        expect(answer.headers.get('set-cookie')).to.equal(null)
        expect(await answer.json()).to.deep.equal(content)
        expect((await look(server, name, 'HEAD')).status).to.equal(200)
      }
    })

    it('whose list of origins has the issuer without a setting, and is not there where passkeys are off', async () => {
      const server = await startServer()
      expect(await (await look(server, 'webauthn')).json()).to.deep.equal({
        origins: [server.issuer],
      })
      const off = await startServer({ settings: { passkeys: { enabled: false } } })
      for (const name of ['webauthn', 'passkey-endpoints', 'not-there'])
        expect((await look(off, name)).status, name).to.equal(404)
    })

    it('of which the one for a new password stays where passkeys are off', async () => {
      for (const settings of [{}, { passkeys: { enabled: false } }]) {
        const server = await startServer({ settings })
        const answer = await look(server, 'change-password')
        expect(answer.status).to.equal(302)
        const location = answer.headers.get('location') ?? ''
        expect(new URL(location, server.issuer).href).to.equal(`${server.issuer}/account/password`)
        expect(answer.headers.get('cache-control')).to.equal('no-store')
        expect(answer.headers.get('set-cookie')).to.equal(null)
      }
    })
  })

  it('let no server start whose rpId does not fit its issuer', async () => {
    const passkeys = { rpId: 'example.com' }
    const fault: unknown = await startServer({ settings: { passkeys } }).catch(
      (error: unknown) => error,
    )
    expect(fault).to.be.instanceOf(ConfigError)
    expect((fault as ConfigError).message).to.include('CONFIG_FILE passkeys.rpId')
  })
})
