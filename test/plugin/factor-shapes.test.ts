import { expect } from 'chai'
import { mkdirSync, writeFileSync } from 'node:fs'
import { backupCodes, type OutgoingMail } from '../../src/index.ts'
import {
  challengeFactor,
  deliveredCodeFactor,
  softKey,
  type SoftKey,
} from '../../src/testing/factors.ts'
import { temporaryFolder } from '../adapters/sqlite/temporary-folder.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { modelOf, renderModels } from './rendered-models.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'

const choose = async (host: Host, browser: HttpClient, page: Page, factor: string) =>
  follow(host, browser, await browser.submit(page, { factor }))

describe('a factor that answers a challenge', () => {
  let host: Host
  let browser: HttpClient
  let key: SoftKey
  beforeEach(async () => {
    host = await startHost({ mfa: { factors: [challengeFactor()], render: renderModels } })
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
    const page = await showPassword(host, by, 'mira')
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
    let shown = page
    for (let nth = 0; nth < 12; nth += 1) {
      shown = await by.submit(shown, { credential: key.answer('another') })
      expect(shown.status).to.equal(422)
    }
    const answer = await by.submit(shown, { credential: key.answer(challengeOn(shown)) })
    expect(answer.status).to.equal(303)
  })

  it('R28 a response spends its challenge, right or wrong: the page comes with a fresh one', async () => {
    await enrol()
    const { by, page } = await ask()
    const wrong = await by.submit(page, { credential: key.answer('another') })
    expect(challengeOn(wrong)).not.to.equal(challengeOn(page))
    const toSpent = await by.submit(wrong, { credential: key.answer(challengeOn(page)) })
    expect(toSpent.status).to.equal(422)
  })

  it('has its challenge open when the page is first shown, and keeps it when it is shown again', async () => {
    await enrol()
    const by = new HttpClient()
    const page = await showPassword(host, by, 'mira')
    expect(page.name, page.body).to.equal('test-key-verify')
    const again = await by.get(page.url)
    expect(challengeOn(again)).to.equal(challengeOn(page))
    const answer = await by.submit(again, { credential: key.answer(challengeOn(page)) })
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
  let refuses: boolean
  beforeEach(async () => {
    mkdirSync(views.file('mail'))
    writeFileSync(views.file('mail/test-mailed-code.njk'), 'Your code is {{ code }}.')
    mails = []
    refuses = false
    host = await startHost({
      mfa: {
        factors: [deliveredCodeFactor(), backupCodes()],
        render: renderModels,
        views: views.path,
        messages: {
          en: { 'mail.test-mailed-code.subject': 'Your code' },
          de: { 'mail.test-mailed-code.subject': 'Ihr Code' },
        },
        sendMail: async (mail) => {
          if (refuses) throw new Error('550 no such mailbox')
          mails.push(mail)
        },
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
  const press = (by: HttpClient, page: Page): Promise<Page> =>
    by.submit(page, {}, { form: '[action$="/send"]' })
  const ask = async (by = browser): Promise<Page> => press(by, await showPassword(host, by, 'mira'))
  const noticeOn = (page: Page) =>
    (modelOf(page) as unknown as { delivery: Record<string, unknown> }).delivery

  it('is mailed when the person asks for it, not when a page is looked at', async () => {
    expect(mails).to.have.length(1)
    const shown = await showPassword(host, browser, 'mira')
    expect(shown.name, shown.body).to.equal('test-mailed-code-verify')
    await follow(host, browser, await browser.get(shown.url))
    expect(mails).to.have.length(1)
    const page = await press(browser, shown)
    expect([page.status, page.name]).to.deep.equal([200, 'test-mailed-code-verify'])
    expect(noticeOn(page)).to.include({
      sentTo: 'm•••@example.com',
      waitSeconds: 60,
      notice: 'sent',
    })
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

  it('R3 is mailed once a minute: the page says how long, with every control still there', async () => {
    const page = await ask()
    host.clock.at += 18
    const early = await press(browser, page)
    expect(early.status).to.equal(429)
    expect(early.headers['retry-after']).to.equal('42')
    expect(noticeOn(early)).to.include({ waitSeconds: 42, notice: 'wait' })
    await ask(new HttpClient())
    expect(mails).to.have.length(2)
    // The page that refused to send another code still accepts the code that was sent before.
    const back = await follow(host, browser, await browser.submit(early, { code: mailed() }))
    expect((await redeem(host, callbackOf(back))).claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    host.clock.at += 42
    await ask(new HttpClient())
    expect(mails).to.have.length(3)
  })

  it('R3 says that nothing was sent when it could not be handed over, and may be asked for at once', async () => {
    refuses = true
    const failed = await ask()
    expect([failed.status, failed.name]).to.deep.equal([503, 'test-mailed-code-verify'])
    expect(noticeOn(failed)).to.have.all.keys(['sendAction', 'notice'])
    expect(noticeOn(failed)).to.include({ notice: 'failed' })
    expect(failed.body).not.to.contain('550')
    refuses = false
    const sent = await press(browser, failed)
    expect(sent.status).to.equal(200)
    expect((await browser.submit(sent, { code: mailed() })).status).to.equal(303)
  })

  it('speaks the language of the page in its mail', async () => {
    const german = new HttpClient({ headers: { 'accept-language': 'de' } })
    await ask(german)
    expect(mails.at(-1)?.subject).to.equal('Ihr Code')
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
