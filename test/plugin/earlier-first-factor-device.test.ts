import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { CLIENT, defaultConfiguration, follow, PASSWORD, startHost, type Host } from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { asClient, type Answered } from './relying-party.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

describe('a first factor that was shown before a person began with a device', () => {
  let host: Host
  /** The age of the first factor at the answer of the login page, in seconds. */
  let age: number
  let answers: number
  /** Other values of the login, such as those of another provider. */
  let more: object
  beforeEach(async () => {
    age = 7200
    answers = 0
    more = {}
    host = await startHost({
      mfa: {
        require: false,
        upstream: { 'https://listed.example': { acr: { strong: 'multi-factor' } } },
      },
      configuration: {
        clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, DEVICE_GRANT] }],
        features: {
          ...defaultConfiguration(STORAGES.memory!({ now: () => 0 })).features,
          deviceFlow: { enabled: true },
        },
      },
      answer: async ({ mfa, clock }, request, response, accountId) => {
        answers += 1
        await mfa.interactionFinished(request, response, {
          login: { accountId, ...more, ...(age === 0 ? {} : { ts: clock.at - age }) },
        })
      },
    })
  })
  afterEach(() => host.close())

  /** Confirms the code of a device and answers what the device then gets. */
  async function confirmed(parameters: Record<string, string>): Promise<Answered> {
    const started = await asClient(host, '/device/auth', { scope: 'openid', ...parameters })
    const browser = new HttpClient()
    const device = new URL('/device', host.issuer)
    const entry = await browser.get(device)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(entry.body)?.[1] ?? ''
    const code = { xsrf, user_code: String(started.json.user_code) }
    await browser.post(device.href, code)
    const login = await follow(
      host,
      browser,
      await browser.post(device.href, { ...code, confirm: 'yes' }),
    )
    expect(login.name).to.equal('host-login')
    const fields = { username: 'noor', password: PASSWORD }
    const page = await follow(host, browser, await browser.post(login.url, fields))
    if (page.name === 'host-consent') await follow(host, browser, await browser.submit(page, {}))
    return asClient(host, '/token', {
      grant_type: DEVICE_GRANT,
      device_code: String(started.json.device_code),
    })
  }

  for (const [asked, parameters] of [
    ['prompt=login', { prompt: 'login' }],
    ['max_age=0', { max_age: '0' }],
    ['max_age', { max_age: '300' }],
  ] as const)
    for (const [by, login] of [
      ['the login page', {}],
      ['a provider that has a level here', { issuer: 'https://listed.example', acr: 'strong' }],
    ] as const)
      it(`R17 R25 is no new login for ${asked}, by the word of ${by}`, async () => {
        more = login
        expect((await confirmed(parameters)).json.error).to.equal('login_required')
        expect(answers).to.equal(1)
        expect(signedInSessions(host.writes)).to.deep.equal([])
        age = 0
        expect((await confirmed(parameters)).json).to.have.property('id_token')
      })

  it('signs in a device that asks for no time', async () => {
    expect((await confirmed({})).json).to.have.property('id_token')
  })
})
