import { expect } from 'chai'
import { contrastRatio, SHEETS } from '../../src/http/theme.ts'
import { mailedCode, type OutgoingMail } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { parse } from '../support/html.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { CLIENT, defaultConfiguration, follow, showPassword, startHost, type Host } from './host.ts'
import { STORAGES } from './recorded-storage.ts'

const LOGO = 'https://acme.example/logo.svg'
const theme = { accent: '#ffe066', logo: LOGO, name: 'Acme Bank' }

describe('the theme of createMfa', () => {
  let host: Host
  afterEach(async () => host.close())

  const sheetOf = async (page: Page): Promise<string> => {
    const [, href = ''] = /href="([^"]*theme-[^"]*)"/.exec(page.body) ?? []
    return (await new HttpClient().get(new URL(href, host.issuer))).body
  }

  it('is on the pages of an app that has no look of its own, with a readable accent', async () => {
    host = await startHost({ mfa: { theme } })
    const page = await showPassword(host, new HttpClient(), 'mira')
    expect(parse(page.body).querySelector('.app img')?.getAttribute('src')).to.equal(LOGO)
    expect(page.body).to.include('- Acme Bank</title>')
    const [, link = ''] = /--link: (#[0-9a-f]{6})/.exec(await sheetOf(page)) ?? []
    expect(contrastRatio(link, SHEETS.light)).to.be.at.least(4.5)
  })

  it("gives way to a client's own accent and logo", async () => {
    const logo = 'https://ledger.example/logo.svg'
    const client = { ...CLIENT, accent: '#0f766e', logo_uri: logo }
    host = await startHost({
      mfa: { theme },
      configuration: {
        ...defaultConfiguration(STORAGES.memory!({ now: () => 0 })),
        clients: [client],
        extraClientMetadata: { properties: ['accent'] },
      },
    })
    const page = await showPassword(host, new HttpClient(), 'mira')
    expect(page.body).to.include('theme-0f766e').and.not.include('theme-ffe066')
    expect(parse(page.body).querySelector('.app img')?.getAttribute('src')).to.equal(logo)
  })

  it('names the service in mails, and leaves issuerName to the authenticator app', async () => {
    const mails: OutgoingMail[] = []
    const firstEnrolment = mailedCode(async (mail) => mails.push(mail))
    host = await startHost({ mfa: { theme, firstEnrolment } })
    const browser = new HttpClient()
    const proof = await showPassword(host, browser, 'mira')
    const sent = await follow(host, browser, await browser.submit(proof))
    expect(mails.map(({ subject, text }) => subject + text).join()).to.include('Acme Bank')
    const [code = ''] = /\b\d{6,8}\b/.exec(mails[0]?.text ?? '') ?? []
    const ways = await follow(host, browser, await browser.submit(sent, { code }))
    const setUp = await follow(host, browser, await browser.submit(ways, { factor: 'totp' }))
    expect(secretOf(setUp)).to.match(/^[A-Z2-7]{32}$/)
    const uri = parse(setUp.body).querySelector('a[href^="otpauth:"]')?.getAttribute('href')
    expect(uri).to.match(/issuer=Acme$/)
  })

  it('R32 an error page that the application cannot show is ours, and the application learns why', async () => {
    const render = (): never => {
      throw new Error('no engine')
    }
    host = await startHost({ mfa: { render } })
    const page = await new HttpClient().get(new URL('/mfa/never-was', host.issuer))
    expect([page.status, page.name]).to.deep.equal([410, 'expired'])
    expect(host.faults.map(({ message }) => message)).to.include('no engine')
  })
})
