import { expect } from 'chai'
import type { Mail } from '../../../src/adapters/mail/index.ts'
import { createViews } from '../../../src/http/views.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import type { Letter } from '../../../src/server/notices/letters.ts'
import {
  letterSender,
  retrySeconds,
  type LetterSender,
} from '../../../src/server/notices/sender.ts'
import { world, type World } from '../accounts/support.ts'

const mfa = {
  views: createViews(),
  notMeUrl: (accountId: string, { language = '', issuer = '' } = {}) =>
    `${issuer}/not-me/${accountId}-${language}`,
  cancelRecoveryUrl: (accountId: string, { since = 0, language = '', issuer = '' } = {}) =>
    `${issuer}/cancel-recovery/${accountId}-${since}-${language}`,
}

describe('the sender of mails', () => {
  let here: World
  let sent: Mail[]
  let fault: Error | undefined
  let sender: LetterSender
  let logged: string[]
  let outcomes: string[]

  const make = (): LetterSender => {
    const log = (_about: object, message: string): void => void logged.push(message)
    return letterSender({
      outbox: here.storage.outbox,
      letters: here.letters,
      post: {
        lanes: 1,
        async send(mail) {
          if (fault !== undefined) throw fault
          sent.push(mail)
        },
      },
      mfa,
      clock: here.clock,
      record: here.record,
      tried: ({ outcome }) => void outcomes.push(outcome),
      log: { warn: log, error: log } as never,
      issuer: 'https://id.example.com',
      values: { issuer: 'Acme', manageUrl: 'https://id.example.com/account' },
    })
  }
  const letter = (about: string, more: Partial<Letter> = {}): Letter => ({
    about,
    accountId: 'mira',
    to: 'mira@example.com',
    template: 'password-changed',
    values: { account: 'mira', at: '1767261600' },
    languages: 'en',
    ...more,
  })
  const put = (...given: Letter[]) => here.letters.put(given)
  const trail = async () =>
    (await here.storage.audit.list({ limit: 9 })).map(({ type, detail }) => [type, detail.reason])

  beforeEach(() => {
    here = world()
    sent = []
    fault = undefined
    logged = []
    outcomes = []
    sender = make()
  })

  it('sends what waits, in its order and in the language of the person, and once', async () => {
    await put(letter('e1'), letter('e2', { languages: 'de' }))
    await put(letter('e1'))
    await sender.sendDue()
    await put(letter('e1'))
    await sender.sendDue()
    expect(sent.map(({ to, subject }) => [to, subject])).to.deep.equal([
      ['mira@example.com', 'The password of your Acme account was changed'],
      ['mira@example.com', 'Das Passwort Ihres Kontos bei Acme wurde geändert'],
    ])
    for (const address of ['/account', '/not-me/mira-en'])
      expect(sent[0]?.text).to.contain(`https://id.example.com${address}\n`)
  })

  it('sends an event once that is told again days later, after a sweep', async () => {
    await put(letter('e1'))
    await sender.sendDue()
    here.clock.time += 6 * 86_400
    await here.storage.sweep(100)
    await put(letter('e1'))
    await sender.sendDue()
    expect(sent).to.have.length(1)
  })

  it('R18 sends each letter once where two nodes send at the same time', async () => {
    await put(...['e1', 'e2', 'e3', 'e4', 'e5'].map((about) => letter(about)))
    await Promise.all([make().sendDue(), make().sendDue(), sender.sendDue()])
    expect(sent).to.have.length(5)
    expect(new Set(sent.map(({ messageId }) => messageId)).size).to.equal(5)
  })

  it('sends what a clock that was ahead has put or postponed', async () => {
    const year = 365 * 86_400
    here.clock.time += year
    await put(letter('put ahead'))
    here.clock.time -= year
    await sender.sendDue()
    expect(sent).to.have.length(1)
  })

  it('keeps why the last attempt failed, until the next one', async () => {
    await put(letter('e1'))
    const cause = Object.assign(new Error('busy'), { response: '450 busy', responseCode: 450 })
    fault = new MfaError('mail-failed', 'busy', { status: 503, cause })
    await sender.sendDue()
    const [row] = await here.storage.outbox.list({ limit: 9 })
    expect(row).to.include({ claims: 1, dueAt: here.clock.time + 15, fault: '450 busy' })
  })

  it('counts each attempt by its outcome', async () => {
    await put(letter('e1'))
    fault = new Error('421 try later')
    await sender.sendDue()
    fault = undefined
    here.clock.time += 15
    await sender.sendDue()
    await put(letter('e2'))
    fault = Object.assign(new Error('550 no such mailbox'), {
      responseCode: 550,
      command: 'RCPT TO',
    })
    await sender.sendDue()
    expect(outcomes).to.deep.equal(['postponed', 'sent', 'given-up'])
  })

  it('gives an event at an address one Message-ID, which names neither', async () => {
    await put(letter('e1'), letter('e1', { to: 'other@example.com' }), letter('e2'))
    await sender.sendDue()
    const ids = sent.map(({ messageId }) => messageId)
    expect(new Set(ids).size).to.equal(3)
    for (const id of ids) expect(id).to.match(/^<m[\w-]{43}@id\.example\.com>$/)
  })

  it('sends again, with the same Message-ID, what a sender that died may have sent', async () => {
    await put(letter('e1'))
    const { outbox } = here.storage
    // The first sender dies after the mail has left and before the row is finished.
    const dying = { ...outbox, finish: () => Promise.reject(new Error('killed')) }
    here = { ...here, storage: { ...here.storage, outbox: dying } }
    await make()
      .sendDue()
      .catch(() => undefined)
    here = { ...here, storage: { ...here.storage, outbox } }
    sender = make()
    here.clock.time += 29
    await sender.sendDue()
    expect(sent).to.have.length(1)
    here.clock.time += 1
    await sender.sendDue()
    expect(sent).to.have.length(2)
    expect(sent[0]?.messageId).to.equal(sent[1]?.messageId)
  })

  it('tries again within 30 s, doubling to an hour', () => {
    expect([1, 2, 3, 4].map(retrySeconds)).to.deep.equal([15, 30, 60, 120])
    expect(retrySeconds(12)).to.equal(3600)
    expect(retrySeconds(500)).to.equal(3600)
  })

  it('tries for a day, then gives up, and the trail says so', async () => {
    fault = new MfaError('mail-failed', 'away', { status: 503 })
    await put(letter('e1'))
    const start = here.clock.time
    let attempts = 0
    while ((await trail()).length === 0 && here.clock.time < start + 3 * 86_400) {
      const before = logged.length
      await sender.sendDue()
      attempts += logged.length - before
      here.clock.time += 15
    }
    expect(await trail()).to.deep.equal([['mail-not-delivered', 'not-accepted']])
    expect(here.clock.time - start).to.be.within(82_000, 86_415)
    expect(attempts).to.be.within(28, 36)
    fault = undefined
    here.clock.time += 86_400
    await sender.sendDue()
    expect(sent).to.deep.equal([])
  })

  it('does not try again where the recipient is refused for good, and the trail says so', async () => {
    const cause = Object.assign(new Error('no such user'), {
      responseCode: 550,
      command: 'RCPT TO',
    })
    fault = new MfaError('mail-failed', 'refused', { status: 503, cause })
    await put(letter('e1'))
    await sender.sendDue()
    fault = undefined
    here.clock.time += 86_400
    await sender.sendDue()
    expect(sent).to.deep.equal([])
    expect(await trail()).to.deep.equal([['mail-not-delivered', 'refused']])
    expect(logged.join()).not.to.contain('@')
  })

  it('R3 sends no code or link that has ended, and takes back those of an account', async () => {
    const until = here.clock.time + 600
    fault = new MfaError('mail-failed', 'away', { status: 503 })
    await put(letter('link', { until }), letter('notice'))
    await sender.sendDue()
    fault = undefined
    here.clock.time = until
    await sender.sendDue()
    expect(sent).to.have.length(1)
    await put(letter('second', { until: until + 600 }), letter('another'))
    await here.letters.withdraw('mira')
    await sender.sendDue()
    expect(sent).to.have.length(2)
  })

  it('R3 ends the attempt to send a link with the link', async () => {
    const until = here.clock.time + 1
    let signal: AbortSignal | undefined
    await put(letter('link', { until }))
    sender = letterSender({
      outbox: here.storage.outbox,
      letters: here.letters,
      post: {
        lanes: 1,
        send: (_mail, given) =>
          new Promise((_resolve, reject) => {
            signal = given
            given?.addEventListener('abort', () => reject(new Error('aborted')))
          }),
      },
      mfa,
      clock: here.clock,
      record: here.record,
      issuer: 'https://id.example.com',
      values: { issuer: 'Acme' },
    })
    // The timer of the signal does not keep the process alive.
    const alive = setInterval(() => undefined, 1000)
    await sender.sendDue().finally(() => clearInterval(alive))
    expect(signal?.aborted).to.equal(true)
    expect(await trail()).to.deep.equal([['mail-not-delivered', 'not-accepted']])
  })

  it('R35 keeps letters sealed, and each opens in its own row alone', async () => {
    await put(letter('e1'), letter('e2', { values: { account: 'mira', at: '5' } }))
    const rows = await here.storage.outbox.list({ limit: 9 })
    expect(JSON.stringify(rows)).not.to.match(/example\.com|password/)
    const [first, second] = rows
    const swapped = { ...first!, value: second!.value, claims: 1, firstClaimedAt: 1 }
    expect(() => here.letters.open(swapped)).to.throw(MfaError)
  })
})
