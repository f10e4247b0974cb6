import { expect } from 'chai'
import { MULTI_FACTOR_ACR, type MfaOptions } from '../../src/index.ts'
import { enrolFrom } from '../plugin/enrol.ts'
import { defaultConfiguration, PASSWORD, startHost, type Host } from '../plugin/host.ts'
import { STORAGES } from '../plugin/recorded-storage.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { freePort } from '../support/mongodb.ts'
import { totpCode } from '../support/totp.ts'
import { startProgram, type Program } from './program.ts'

const AUDIENCE = 'https://api.example'
const CLIENT = { client_id: 'teller', client_secret: 'a secret of this test that is long enough' }
const FOLDER = 'examples/resource-server'

/** A provider with the plugin that issues JWT access tokens for the API. */
function startProvider(clientUrl: string, mfa: Partial<MfaOptions>): Promise<Host> {
  const { features } = defaultConfiguration(STORAGES.memory!({ now: () => 0 }))
  return startHost({
    mfa,
    configuration: {
      clients: [{ ...CLIENT, redirect_uris: [`${clientUrl}/callback`] }],
      features: {
        ...features,
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: '',
            audience: AUDIENCE,
            accessTokenFormat: 'jwt',
          }),
        },
      },
    },
  })
}

describe('examples/resource-server', function () {
  this.timeout(30_000)
  let host: Host | undefined
  let programs: Program[]
  let url: string
  let browser: HttpClient

  async function start(mfa: Partial<MfaOptions> = {}): Promise<Host> {
    const [apiPort, port] = [await freePort(), await freePort()]
    url = `http://localhost:${port}`
    const started = await startProvider(url, mfa)
    host = started
    const env = { ISSUER: started.issuer, AUDIENCE }
    programs = await Promise.all([
      startProgram(`${FOLDER}/api.ts`, {
        ready: 'The API is at',
        env: { ...env, PORT: String(apiPort) },
      }),
      startProgram(`${FOLDER}/client.ts`, {
        ready: 'The app is at',
        env: {
          ...env,
          PORT: String(port),
          API: `http://localhost:${apiPort}`,
          CLIENT_ID: CLIENT.client_id,
          CLIENT_SECRET: CLIENT.client_secret,
        },
      }),
    ])
    browser = new HttpClient()
    return started
  }
  beforeEach(() => {
    programs = []
  })
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.stop()))
    await host?.close()
    host = undefined
  })

  const press = async (name: string): Promise<Page> =>
    browser.submit(await browser.get(url), {}, { form: `form[action="/${name}"]` })
  const typePassword = async (page: Page): Promise<Page> => {
    expect(page.name, page.body).to.equal('host-login')
    return browser.follow(await browser.submit(page, { username: 'mira', password: PASSWORD }))
  }
  const resultOf = (page: Page): unknown => {
    expect(page.name, page.body).to.equal('teller-done')
    return JSON.parse(page.texts('#result')[0] ?? '')
  }

  it('R27 asks the person again for what a transfer needs, and then makes it', async () => {
    const started = await start()
    // The person signs in ten minutes ago. The API and the app have the real time.
    started.clock.at -= 600
    const first = await typePassword(await browser.follow(await press('balance')))
    const { secret, callback } = await enrolFrom(started, browser, first)
    expect(resultOf(await browser.follow(callback))).to.deep.equal({ balance: 100 })

    const asked = await press('transfer')
    const { searchParams } = asked.location ?? new URL(url)
    expect(searchParams.get('acr_values')).to.equal(`${MULTI_FACTOR_ACR} phr`)
    expect(searchParams.get('max_age')).to.equal('300')
    expect(programs[0]?.printed()).to.contain('POST /transfer was refused: too-old')

    started.clock.at += 600
    const verify = await typePassword(await browser.follow(asked))
    expect(verify.name).to.equal('totp-verify')
    const code = totpCode({ secret }, started.clock.at)
    const done = await browser.follow(await browser.submit(verify, { code }))
    expect(resultOf(done)).to.deep.equal({ transferred: 10, balance: 90 })
    expect(resultOf(await press('transfer'))).to.deep.equal({ transferred: 10, balance: 80 })
  })

  it('says so, and asks no second time, if the person has no second factor', async () => {
    await start({ require: () => false })
    const balance = await typePassword(await browser.follow(await press('balance')))
    expect(resultOf(balance)).to.deep.equal({ balance: 100 })

    const offer = await browser.follow(await press('transfer'))
    expect(offer.name).to.equal('mfa-offer')
    const refused = await browser.follow(await browser.submit(offer, { answer: 'not-now' }))
    expect([refused.status, refused.name]).to.deep.equal([403, 'teller-refused'])
    expect(resultOf(await press('balance'))).to.deep.equal({ balance: 100 })
  })

  it('passes nothing while the provider is away before the keys are known', async () => {
    await start()
    await host?.close()
    host = undefined
    const address = /http:\S+/.exec(programs[0]?.printed() ?? '')?.[0]
    const answer = await fetch(`${address}/balance`, {
      headers: { authorization: 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA' },
    })
    expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([503, '5'])
  })
})
