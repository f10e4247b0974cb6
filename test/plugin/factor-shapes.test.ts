import { expect } from 'chai'
import { mkdirSync, writeFileSync } from 'node:fs'
import { backupCodes, type OutgoingMail, type Render } from '../../src/index.ts'
import {
  challengeFactor,
  deliveredCodeFactor,
  softKey,
  type SoftKey,
} from '../../src/testing/factors.ts'
import { temporaryFolder } from '../adapters/sqlite/temporary-folder.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'

/** Pages of an application's own: each model as it is, and a form for its action. */
const render: Render = (page, model) => {
  const { action = '', csrf = '' } = model as { action?: string; csrf?: string }
  const shown = JSON.stringify(model).replaceAll('<', '\\u003c')
  return (
    `<body data-page="${page}"><form method="post" action="${action}">` +
    `<input type="hidden" name="csrf" value="${csrf}"><button>Go on</button></form>` +
    `<script type="application/json">${shown}</script></body>`
  )
}
const modelOf = (page: Page): Record<string, never> =>
  JSON.parse(/<script type="application\/json">(.*)<\/script>/s.exec(page.body)![1]!) as never
const choose = async (host: Host, browser: HttpClient, page: Page, factor: string) =>
  follow(host, browser, await browser.submit(page, { factor }))

describe('a factor that answers a challenge', () => {
  let host: Host
  let browser: HttpClient
  let key: SoftKey
  beforeEach(async () => {
    host = await startHost({ mfa: { factors: [challengeFactor()], render } })
    browser = new HttpClient()
    key = softKey()
  })
  afterEach(async () => host.close())

  const challengeOn = (page: Page): string => {
    const { enrolment, verification } = modelOf(page) as unknown as Record<
      string,
      { challenge?: string } | undefined
    >
    return (enrolment ?? verification)!.challenge!
  }
  const enrol = async (by = browser): Promise<Page> => {
    const ways = await showPassword(host, by, 'mira')
    const page = await choose(host, by, ways, 'test-key')
    expect(page.name, page.body).to.equal('test-key-enrol')
    return follow(host, by, await by.submit(page, { credential: key.answer(challengeOn(page)) }))
  }
  const ask = async (by = new HttpClient()): Promise<{ by: HttpClient; page: Page }> => {
    const page = await choose(host, by, await showPassword(host, by, 'mira'), 'test-key')
    expect(page.name, page.body).to.equal('test-key-verify')
    return { by, page }
  }

  it('sets up and signs in, and says what the key proved', async () => {
    await enrol()
    for (const [verified, amr] of [
      [false, ['pwd', 'swk', 'mfa']],
      [true, ['pwd', 'swk', 'user', 'mfa']],
    ] as const) {
      const { by, page } = await ask()
      const answer = await by.submit(page, { credential: key.answer(challengeOn(page), verified) })
      const { claims } = await redeem(host, callbackOf(await follow(host, by, answer)))
      expect(claims.amr).to.deep.equal(amr)
    }
  })

  it('R28 does not take the answer to the challenge of another sign-in', async () => {
    await enrol()
    const mine = await ask()
    const theirs = await ask()
    const credential = key.answer(challengeOn(theirs.page))
    expect((await mine.by.submit(mine.page, { credential })).status).to.equal(422)
  })

  it('R28 does not take an answer twice', async () => {
    await enrol()
    const { by, page } = await ask()
    const credential = key.answer(challengeOn(page))
    expect((await by.submit(page, { credential })).status).to.equal(303)
    const again = await ask()
    expect((await again.by.submit(again.page, { credential })).status).to.equal(422)
  })

  it('R2 what cannot be guessed is not made to wait', async () => {
    await enrol()
    const { by, page } = await ask()
    for (let nth = 0; nth < 12; nth += 1)
      expect((await by.submit(page, { credential: key.answer('another') })).status).to.equal(422)
    const answer = await by.submit(page, { credential: key.answer(challengeOn(page)) })
    expect(answer.status).to.equal(303)
  })

  it('R28 a challenge is good for ten minutes and one sign-in', async () => {
    await enrol()
    const { by, page } = await ask()
    host.clock.at += 600
    const late = await by.submit(page, { credential: key.answer(challengeOn(page)) })
    expect(late.status).to.equal(410)
  })
})

describe('a factor that is delivered', () => {
  const views = temporaryFolder()
  let host: Host
  let browser: HttpClient
  let mails: OutgoingMail[]
  beforeEach(async () => {
    mkdirSync(views.file('mail'))
    writeFileSync(views.file('mail/code.njk'), 'Your code is {{ code }}.')
    mails = []
    host = await startHost({
      mfa: {
        factors: [deliveredCodeFactor(), backupCodes()],
        render,
        views: views.path,
        messages: { en: { 'mail.code.subject': 'Your code' } },
        sendMail: async (mail) => mails.push(mail),
      },
    })
    browser = new HttpClient()
    const ways = await showPassword(host, browser, 'mira')
    const page = await choose(host, browser, ways, 'test-mailed-code')
    expect(page.name, page.body).to.equal('test-mailed-code-enrol')
    const shown = await follow(host, browser, await browser.submit(page, { code: mailed() }))
    await browser.submit(shown, { saved: 'yes' })
    host.clock.at += 120
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  const mailed = (): string => /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
  const ask = async (by = browser): Promise<Page> =>
    choose(host, by, await showPassword(host, by, 'mira'), 'test-mailed-code')

  it('is mailed when the person asks for it, not when a page is looked at', async () => {
    expect(mails).to.have.length(1)
    const ways = await showPassword(host, browser, 'mira')
    await follow(host, browser, await browser.get(ways.url))
    expect(mails).to.have.length(1)
    const page = await choose(host, browser, ways, 'test-mailed-code')
    expect(page.name, page.body).to.equal('test-mailed-code-verify')
    expect(mails).to.have.length(2)
    const back = await follow(host, browser, await browser.submit(page, { code: mailed() }))
    expect((await redeem(host, callbackOf(back))).claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('R3 is good in its own sign-in alone, and counted elsewhere', async () => {
    await ask()
    const stolen = mailed()
    host.clock.at += 60
    const thief = new HttpClient()
    const theirs = await ask(thief)
    expect((await thief.submit(theirs, { code: stolen })).status).to.equal(422)
    await host.mfa.settled()
    expect(host.events.filter(({ type }) => type === 'factor-refused')).to.have.length(1)
  })

  it('R3 is mailed once a minute', async () => {
    await ask()
    await ask(new HttpClient())
    expect(mails).to.have.length(2)
    host.clock.at += 60
    await ask(new HttpClient())
    expect(mails).to.have.length(3)
  })

  it('R5 is good once', async () => {
    const page = await ask()
    const code = mailed()
    expect((await browser.submit(page, { code })).status).to.equal(303)
    const thief = new HttpClient()
    host.clock.at += 60
    expect((await thief.submit(await ask(thief), { code })).status).to.equal(422)
  })
})
