import { expect } from 'chai'
import { Provider } from 'oidc-provider'
import { createMfa, MfaError, totp } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { HttpClient } from '../support/http-client.ts'
import { parse } from '../support/html.ts'
import {
  authorizeUrl,
  defaultConfiguration,
  showPassword,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { uidOf } from './sign-in.ts'

describe('the answers of the plugin to what goes wrong', () => {
  let host: Host
  const start = async (options: HostOptions = {}): Promise<void> => {
    host = await startHost(options)
  }
  afterEach(async () => host.close())

  it('are 404 with a page for an address below its path that is none of its pages', async () => {
    await start()
    const refused: unknown[] = []
    const application: NodeJS.EventEmitter = host.provider
    application.on('mfa.form_refused', (_ctx, error) => refused.push(error))
    const verify = await showPassword(host, new HttpClient(), 'mira')
    const german = new HttpClient({ headers: { 'accept-language': 'de' } })
    const page = await german.get(`${verify.url.href}/no-such/page`)
    expect([page.status, page.name]).to.deep.equal([404, 'not-found'])
    expect(page.body).to.contain('<html lang="de"')
    expect([host.faults, refused]).to.deep.equal([[], []])
  })

  it('leave style sheets and scripts to GET and HEAD, and let browsers keep them', async () => {
    await start()
    const { body } = await showPassword(host, new HttpClient(), 'mira')
    const [, href = ''] = /href="([^"]*\/assets\/[^"]*\.css)"/.exec(body) ?? []
    const sheet = await new HttpClient().get(new URL(href, host.issuer))
    expect(sheet.status).to.equal(200)
    expect(sheet.headers['cache-control']).to.contain('immutable')
    expect((await new HttpClient().post(sheet.url, {})).status).to.equal(404)
  })

  it('R31 name the request by its id, and nothing of the fault', async () => {
    await start({ mfa: { encryptionKeys: [Buffer.alloc(32, 7)] } })
    const verify = await showPassword(host, new HttpClient(), 'mira')
    const without = new HttpClient({ headers: { cookie: 'a=b' } })
    const asked = new HttpClient({ headers: { 'x-request-id': 'request-of-the-proxy' } })
    const body = { csrf: 'x'.repeat(200_000) }
    const [named, unnamed] = [
      await asked.post(verify.url, body),
      await without.post(verify.url, body),
    ]
    expect([named.status, named.name]).to.deep.equal([413, 'error'])
    expect(named.body).to.contain('request-of-the-proxy')
    expect(unnamed.body).not.to.contain('<code>')
  })

  for (const [form, page] of [
    ['/cancel', ''],
    ['/not-you', ''],
    ['/stay', ''],
    ['/enrol/totp', '/enrol/totp'],
    ['/proof/send', '/proof'],
  ] as const)
    it(`lead on from a refused form at ${form} to the page that has it, and tell the application`, async () => {
      await start()
      const refused: unknown[] = []
      const application: NodeJS.EventEmitter = host.provider
      application.on('mfa.form_refused', (_ctx, error: MfaError) => refused.push(error.code))
      const browser = new HttpClient()
      const uid = uidOf(await showPassword(host, browser, 'mira'))
      const answer = await browser.post(new URL(`/mfa/${uid}${form}`, host.issuer), {
        csrf: 'forged',
      })
      expect([answer.status, answer.name]).to.deep.equal([403, 'forbidden'])
      const hrefs = parse(answer.body)
        .querySelectorAll('main a')
        .map((link) => link.getAttribute('href'))
      expect(hrefs).to.include(`/mfa/${uid}${page}`)
      expect(refused).to.deep.equal(['form-forged'])
    })

  it('R32 are 503 on the host’s own routes while the storage is away, and otherwise as the host has them', async () => {
    let fault: Error | undefined
    const failing = (storage: ServerStorage): ServerStorage => ({
      ...storage,
      hostRecords: (model) => ({
        ...storage.hostRecords(model),
        ...(model === 'Client'
          ? {
              find: async () => {
                if (fault !== undefined) throw fault
                return undefined
              },
            }
          : {}),
      }),
    })
    await start({ storage: (clock) => failing(memoryStorage({ clock })) })
    const ask = async () =>
      new HttpClient().get(authorizeUrl(host, { client_id: 'of-the-storage' }))
    fault = new MfaError('storage-unavailable', 'away', { status: 503 })
    const away = await ask()
    expect([away.status, away.headers['retry-after']]).to.deep.equal([503, '5'])
    fault = new MfaError('record-contended', 'busy')
    expect((await ask()).headers['retry-after']).to.equal('1')
    fault = new MfaError('handle-taken', 'a fault that is no wait')
    expect((await ask()).status).to.equal(500)
    fault = new Error('a fault of the program')
    const broken = await ask()
    expect([broken.status, broken.headers['retry-after']]).to.deep.equal([500, undefined])
    fault = undefined
    expect((await ask()).status).to.equal(400)
  })
})

describe('a fault that nobody listens for', () => {
  it('ends nothing: neither before the plugin is attached nor where the application has no listener', async () => {
    let asked = 0
    const mfa = createMfa({
      issuerName: 'Acme',
      storage: memoryStorage(),
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp()],
      firstEnrolment: 'password',
      notices: true,
      sendMail: () => {
        asked += 1
        return Promise.reject(new Error('no mail today'))
      },
      describe: ({ accountId }) => ({ label: accountId, address: 'mira@example.com' }),
    })
    const configuration = mfa.configure(defaultConfiguration(memoryStorage()))
    await mfa.accounts.reset('mira')
    await mfa.settled()
    expect(asked).to.equal(1)
    mfa.attach(new Provider('http://127.0.0.1:1', configuration))
    await mfa.accounts.reset('mira')
    await mfa.settled()
    expect(asked).to.equal(2)
  })
})
