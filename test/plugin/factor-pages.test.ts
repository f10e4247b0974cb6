import { expect } from 'chai'
import { backupCodes, type AnyFactor, type OutgoingMail, type Render } from '../../src/index.ts'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { describeFactor, type Seen } from '../../src/testing/index.ts'
import { seededRandom } from '../factors/seeded-random.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'

const FOLDER = new URL('./browser-key/', import.meta.url)
const NAMES = { enrol: 'own-key-enrol', verify: 'own-key-verify' } as const

function browserKey(pages: Partial<AnyFactor['pages']> = {}): AnyFactor {
  return { ...challengeFactor(), id: 'browser-key', pages: { views: FOLDER, ...pages } }
}

describe('the pages of a factor in a sign-in', () => {
  let host: Host
  let browser: HttpClient
  afterEach(async () => host.close())

  async function setUpPage(mfa: NonNullable<HostOptions['mfa']>): Promise<Page> {
    host = await startHost({ mfa })
    browser = new HttpClient()
    return showPassword(host, browser, 'mira', { ui_locales: 'de' })
  }

  it('have the names that the factor gives them', async () => {
    const page = await setUpPage({ factors: [browserKey({ names: NAMES })] })
    expect([page.status, page.name]).to.deep.equal([200, 'own-key-enrol'])
  })

  it('say in the factor’s own words, and the person’s language, that a response was refused', async () => {
    const page = await setUpPage({ factors: [browserKey()] })
    const refused = await browser.submit(page, { credential: 'nothing that can be read' })
    expect([refused.status, refused.name]).to.deep.equal([400, 'browser-key-enrol'])
    expect(refused.alert).to.include('Dieser Browser wurde nicht akzeptiert')
  })

  it('come to the application’s own `render`, with their name and model', async () => {
    const rendered: [page: string, model: object][] = []
    const render: Render = (page, model) => {
      rendered.push([page, model])
      const { action = '', csrf = '' } = model as { action?: string; csrf?: string }
      return (
        `<body data-page="${page}"><form method="post" action="${action}">` +
        `<input type="hidden" name="csrf" value="${csrf}"></form></body>`
      )
    }
    const page = await setUpPage({ factors: [browserKey({ names: NAMES })], render })
    expect(page.name).to.equal('own-key-enrol')
    const [name, model] = rendered.at(-1)!
    expect(name).to.equal('own-key-enrol')
    expect(model).to.have.nested.property('enrolment.challenge')
    expect(model).to.include.keys('csrf', 'action', 'cancelAction', 'name')
  })
})

function mailedCode() {
  return {
    ...deliveredCodeFactor(),
    pages: { views: new URL('./mailed-code/', import.meta.url) },
  }
}

describeFactor('a factor that mails a code and brings its pages', {
  factor: mailedCode(),
  random: seededRandom('mailed-code'),
  hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
  holder() {
    const type = ({ delivery }: Seen) => ({ code: delivery?.values.code ?? '' })
    return { confirm: type, respond: type }
  },
  variations: () => [],
  wrong: { code: '00000000' },
  unreadable: [{ code: '1234567' }],
})

describe('a factor that mails a code, with pages and a mail of its own', () => {
  let host: Host
  let browser: HttpClient
  let mails: OutgoingMail[]
  let refuses: boolean
  beforeEach(async () => {
    mails = []
    refuses = false
    host = await startHost({
      mfa: {
        factors: [mailedCode(), backupCodes()],
        sendMail: async (mail) => {
          if (refuses) throw new Error('550 no such mailbox')
          mails.push(mail)
        },
      },
    })
    browser = new HttpClient({ headers: { 'accept-language': 'de' } })
    const ways = await showPassword(host, browser, 'mira')
    const chosen = await browser.submit(ways, { factor: 'test-mailed-code' })
    const page = await follow(host, browser, chosen)
    expect(page.name, page.body).to.equal('test-mailed-code-enrol')
    const codes = await follow(host, browser, await browser.submit(page, { code: mailed() }))
    await browser.submit(codes, { saved: 'yes' })
    host.clock.at += 120
    browser = new HttpClient({ headers: { 'accept-language': 'de' } })
  })
  afterEach(async () => host.close())

  const mailed = (): string => /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
  const press = (page: Page): Promise<Page> =>
    browser.submit(page, {}, { form: '[action$="/send"]' })

  it('signs in: a German page sends a German mail, both in words of the factor', async () => {
    const page = await showPassword(host, browser, 'mira')
    expect([page.name, page.alert]).to.deep.equal(['test-mailed-code-verify', undefined])
    expect(page.text).to.include('Den Code aus der E-Mail eingeben').and.include('Code senden')
    const sent = await press(page)
    expect(sent.status).to.equal(200)
    expect(sent.text).to.include('Er ging an m•••@example.com')
    expect(mails.at(-1)).to.include({ to: 'mira@example.com', subject: 'Ihr Code für Acme' })
    expect(mails.at(-1)!.text).to.include('Dieser Code gilt einmal:')
    const back = await follow(host, browser, await browser.submit(sent, { code: mailed() }))
    expect((await redeem(host, callbackOf(back))).claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('R3 says on the page itself that it is too early, and takes the code that was sent', async () => {
    const sent = await press(await showPassword(host, browser, 'mira'))
    host.clock.at += 18
    const early = await press(sent)
    expect([early.status, early.name]).to.deep.equal([429, 'test-mailed-code-verify'])
    expect(early.alert).to.include('42 Sekunden')
    expect(mails).to.have.length(2)
    expect((await browser.submit(early, { code: mailed() })).status).to.equal(303)
  })

  it('R3 a second sign-in that is too early keeps a field and a button, and says how long', async () => {
    await press(await showPassword(host, browser, 'mira'))
    host.clock.at += 18
    const other = new HttpClient()
    const theirs = await showPassword(host, other, 'mira')
    const ways = await other.get(theirs.link('[data-other-way]'))
    expect(ways.all('button[data-send]')).to.have.length(1)
    const early = await other.submit(ways, { factor: 'test-mailed-code' })
    for (const page of [theirs, early]) {
      expect(page.name).to.equal('test-mailed-code-verify')
      expect(page.all('input[name=code]')).to.have.length(1)
      expect(page.all('button[data-send]')).to.have.length(1)
      expect(page.text).to.include('42 seconds')
    }
    expect([early.status, early.headers['retry-after']]).to.deep.equal([429, '42'])
    host.clock.at += 42
    const sent = await other.submit(early, {}, { form: '[action$="/send"]' })
    expect((await other.submit(sent, { code: mailed() })).status).to.equal(303)
  })

  it('R3 a set-up that is too early says so on its page, and sends when the time has come', async () => {
    const first = new HttpClient()
    const choose = async (by: HttpClient): Promise<Page> =>
      follow(
        host,
        by,
        await by.submit(await showPassword(host, by, 'theo'), { factor: 'test-mailed-code' }),
      )
    expect((await choose(first)).status).to.equal(200)
    const sentBefore = mails.length
    host.clock.at += 18
    const second = new HttpClient()
    const early = await choose(second)
    expect([early.status, early.name]).to.deep.equal([429, 'test-mailed-code-enrol'])
    expect(early.alert).to.include('42 seconds')
    expect(early.text).not.to.include('m•••@')
    expect(early.all('button[data-send]')).to.have.length(1)
    expect(mails).to.have.length(sentBefore)
    host.clock.at += 42
    const sent = await second.submit(early, {}, { form: '[action$="/send"]' })
    expect([sent.status, mails.length]).to.deep.equal([200, sentBefore + 1])
    // Another code that the mail server refuses leaves this one good.
    refuses = true
    host.clock.at += 60
    const failed = await second.submit(sent, {}, { form: '[action$="/send"]' })
    expect(failed.status).to.equal(503)
    const shown = await follow(host, second, await second.submit(failed, { code: mailed() }))
    expect(shown.name).to.equal('backup-codes')
  })

  it('says that nothing was sent, and sends at once when it is asked again', async () => {
    const page = await showPassword(host, browser, 'mira')
    refuses = true
    const failed = await press(page)
    expect([failed.status, failed.name]).to.deep.equal([503, 'test-mailed-code-verify'])
    expect(failed.alert).to.include('kein Code')
    refuses = false
    const sent = await press(failed)
    expect((await browser.submit(sent, { code: mailed() })).status).to.equal(303)
  })
})
