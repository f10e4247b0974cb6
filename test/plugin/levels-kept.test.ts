import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { DEFAULT_LEVELS } from '../../src/domain/policy/levels.ts'
import { extraClientMetadata } from '../../src/server/clients/metadata.ts'
import { demandIn } from '../../src/server/clients/mfa-metadata.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, CLIENT, follow, redeem, startHost, type Host } from './host.ts'
import { PASSWORD } from './host-pages.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'
import { refresh } from './relying-party.ts'

describe('a session with a level', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient
  afterEach(() => host.close())
  beforeEach(async () => {
    const strict = { ...CLIENT, client_id: 'strict', mfa: { maxAgeSeconds: 300 } }
    host = await startHost({
      // As the server reads the client's own metadata (src/server/boot/mfa.ts).
      mfa: {
        manage: { clients: ['app'] },
        require: ({ client }) => {
          const own = demandIn(client['mfa'])
          return [{ name: 'mfa.required' }, ...(own ? [{ name: 'mfa of the client', ...own }] : [])]
        },
      },
      configuration: {
        extraClientMetadata: extraClientMetadata(DEFAULT_LEVELS),
        clients: [CLIENT, { ...CLIENT, client_id: 'other' }, strict],
        issueRefreshToken: async () => true,
      },
    })
    mira = await enrolledPerson(host)
    browser = mira.browser
  })

  const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const showCode = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('totp-verify')
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    return follow(host, browser, answered)
  }
  const typePassword = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('host-login')
    const typed = { username: 'mira', password: PASSWORD }
    return follow(host, browser, await browser.submit(page, typed))
  }
  const claimsOf = async (back: Page, clientId = 'app') =>
    (await redeem(host, callbackOf(back), clientId)).claims

  it('R26 is not lowered by a new login, neither after its password nor after its factor', async () => {
    const login = await visit({ prompt: 'login', acr_values: PASSWORD_ACR })
    const verify = await typePassword(login)
    expect(await claimsOf(await visit({ prompt: 'none' }))).to.include({ acr: MULTI_FACTOR_ACR })
    await showCode(verify)
    expect(await claimsOf(await visit({ prompt: 'none' }))).to.deep.include({
      acr: MULTI_FACTOR_ACR,
      amr: ['pwd', 'otp', 'mfa'],
    })
  })

  it('keeps the grants and refresh tokens of other clients in a step-up', async () => {
    const first = await redeem(host, callbackOf(await visit({ client_id: 'other' })), 'other')
    host.clock.at += 400
    const back = await showCode(await visit({ prompt: 'mfa' }))
    expect(callbackOf(back).get('code')).to.be.a('string')
    const silent = await visit({ client_id: 'other', prompt: 'none' })
    expect(callbackOf(silent).get('code')).to.be.a('string')
    const { status } = await refresh(host, first.tokens.refresh_token!, 'other')
    expect(status).to.equal(200)
  })

  it('R15 is asked for again by a client once its proof is older than mfa.maxAgeSeconds', async () => {
    await showCode(await visit({ prompt: 'mfa' }))
    const at = host.clock.at
    const strict = { client_id: 'strict' }
    host.clock.at = at + 300
    expect(callbackOf(await visit({ ...strict, prompt: 'none' })).get('code')).to.be.a('string')
    host.clock.at = at + 301
    const silent = callbackOf(await visit({ ...strict, prompt: 'none' }))
    expect(silent.get('error')).to.equal('interaction_required')
    // Another client asks for nothing, and the strict one for the factor alone.
    expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
    const claims = await claimsOf(await showCode(await visit(strict)), 'strict')
    expect(claims).to.include({ acr: MULTI_FACTOR_ACR })
    expect(callbackOf(await visit({ ...strict, prompt: 'none' })).get('code')).to.be.a('string')
  })

  it('R20 R45 counts the proof of a factor that the person has removed in it, until it ends', async () => {
    const other = new HttpClient()
    await signIn(host, other, mira)
    const { factors } = await host.mfa.accounts.status('mira')
    const codes = factors.find(({ factor }) => factor === 'backup-codes')!
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
    const verify = await visit({ mfa_action: `remove:${codes.id}` }).then(typePassword)
    const { csrf = '' } = verify.form().fields
    const byCode = verify.url.href.replace(/\/mfa\/([^/]+).*/, '/mfa/$1/verify/backup-codes')
    const shown = await browser.post(byCode, { csrf, backupCode: mira.codes[0]! })
    const page = await follow(host, browser, shown)
    expect(page.name).to.equal('factor-remove')
    await follow(host, browser, await browser.submit(page))
    expect(await claimsOf(await visit({ prompt: 'none' }))).to.include({ acr: MULTI_FACTOR_ACR })
    const silent = await other.get(authorizeUrl(host, { prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('login_required')
  })
})
