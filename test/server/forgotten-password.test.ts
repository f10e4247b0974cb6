import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import type { Account } from '../../src/ports/accounts.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { PostOffice } from '../journeys/post-office.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  browserWithProof,
  PASSWORD,
  PROOF,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const NEW = 'a password that is new and long'

describe('a forgotten password', () => {
  let post: PostOffice
  let server: TestServer
  let browser: HttpClient

  const start = async (settings: object = {}, storage?: ServerStorage): Promise<void> => {
    post = new PostOffice()
    await post.open()
    server = await startServer({
      environment: { SMTP_URL: post.url },
      settings,
      ...(storage === undefined ? {} : { storage }),
    })
    browser = new HttpClient()
  }
  afterEach(async () => {
    await stopServers()
    await post.close()
  })

  const at = (path: string): string => server.issuer + path
  const ask = async (username: string, visitor = browser): Promise<Page> =>
    visitor.submit(await visitor.get(at('/password/forgotten')), { username })
  const linkIn = ({ text }: { readonly text: string }): string =>
    /^https?:\S+\/password\/reset\/\S+$/m.exec(text)?.[0] ?? ''
  const mailedLink = async (username = 'alice'): Promise<string> => {
    await ask(username)
    for (;;) {
      const link = linkIn(await post.next('alice@example.com'))
      if (link !== '') return link
    }
  }
  const reset = async (link: string, password = NEW, visitor = browser): Promise<Page> =>
    visitor.submit(await visitor.get(link), { password })
  const asked = async (): Promise<(string | undefined)[]> =>
    (await server.storage.audit.list({ type: 'password-reset-asked', limit: 50 })).map(
      ({ detail }) => detail.reason,
    )
  /** Locks an account as its owner does. */
  const freeze = async (accountId: string): Promise<void> => {
    const foundation = await layFoundation(server.config, server)
    await serverMfa(foundation).accounts.freeze(accountId)
  }
  const trustProof = async (accountId: string): Promise<HttpClient> => {
    const now = server.clock.now()
    await changeAccount(server.storage.accounts, accountId, (account) => ({
      ...account,
      enrolmentProof: { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash },
    }))
    return browserWithProof(server)
  }

  it('is replaced by a mailed link, from the login page to the sign-in, and the person is told', async () => {
    await start()
    await addPerson(server)
    const login = await browser.visit(server.authorize())
    const page = await browser.get(login.link('[data-forgotten]'))
    expect([page.status, page.name]).to.deep.equal([200, 'password-forgotten'])
    const sent = await browser.follow(await browser.submit(page, { username: 'ALICE' }))
    expect([sent.status, sent.name]).to.deep.equal([200, 'password-forgotten-sent'])

    const mail = await post.next('alice@example.com')
    expect(mail.subject).to.equal('A new password for your localhost account')
    const form = await browser.get(linkIn(mail))
    expect([form.status, form.name]).to.deep.equal([200, 'password-reset'])
    const done = await browser.submit(form, { password: NEW })
    expect([done.status, done.name]).to.deep.equal([200, 'password-reset-done'])
    expect((await post.next('alice@example.com')).subject).to.equal(
      'The password of your localhost account was changed',
    )

    const again = await browser.visit(server.authorize())
    expect(
      (await browser.submit(again, { username: 'alice', password: PASSWORD })).status,
    ).to.equal(422)
    expect((await browser.submit(again, { username: 'alice', password: NEW })).status).to.equal(303)
    const types = (await server.storage.audit.list({ limit: 50 })).map(({ type }) => type)
    expect(types).to.include.members([
      'password-reset-asked',
      'password-reset-used',
      'password-changed',
    ])
  })

  it('R12 signs nobody in, ends every session, and leaves the second factor as it was', async () => {
    await start()
    const alice = await addPerson(server)
    const owner = await trustProof(alice.id)
    await signIn(owner, server.authorize(), alice, server)
    server.clock.ahead += 30
    const done = await reset(await mailedLink(), NEW, owner)
    expect(done.name).to.equal('password-reset-done')
    const silent = await owner.get(server.authorize({ prompt: 'none' }))
    expect(silent.location?.searchParams.get('error')).to.equal('login_required')
    const entered = await owner.submit(await owner.visit(server.authorize()), {
      username: 'alice',
      password: NEW,
    })
    expect((await owner.follow(entered, atTheApp)).name).to.equal('totp-verify')
  })

  it('R10 is no proof for a first factor: the same mailbox has set the password', async () => {
    await start()
    await addPerson(server)
    await reset(await mailedLink())
    const login = await browser.visit(server.authorize())
    const entered = await browser.submit(login, { username: 'alice', password: NEW })
    const next = await browser.follow(entered, atTheApp)
    expect([next.status, next.name]).to.deep.equal([403, 'enrolment-refused'])
  })

  it('R10 a new address is no proof for a first factor in its first week, and never after a password by mail', async () => {
    await start()
    const { id } = await addPerson(server)
    const afterPassword = async (about: Partial<Account>): Promise<string | undefined> => {
      await changeAccount(server.storage.accounts, id, (account) => ({ ...account, ...about }))
      const visitor = new HttpClient()
      const login = await visitor.visit(server.authorize())
      const entered = await visitor.submit(login, { username: 'alice', password: PASSWORD })
      return (await visitor.follow(entered, atTheApp)).name
    }
    server.clock.ahead = 30 * 86_400
    const week = 7 * 86_400
    const now = server.clock.now()
    expect(await afterPassword({})).to.equal('owner-proof')
    expect(await afterPassword({ emailVerifiedAt: now - week + 60 })).to.equal('enrolment-refused')
    expect(await afterPassword({ emailVerifiedAt: now - week })).to.equal('owner-proof')
    const mailed = { passwordOrigin: 'mail', passwordMailedTo: 'old@example.com' } as const
    expect(await afterPassword(mailed)).to.equal('enrolment-refused')
  })

  it('R12 has links of the issuer, whatever host a request names', async () => {
    await start()
    await addPerson(server)
    const page = await browser.get(at('/password/forgotten'))
    const { fields, action } = page.form()
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const answer = await browser.post(
      new URL(action, server.issuer),
      { ...fields, username: 'alice' },
      { headers },
    )
    expect(answer.status).to.equal(303)
    const mail = await post.next('alice@example.com')
    expect(new URL(linkIn(mail)).origin).to.equal(server.issuer)
    expect(mail.text).not.to.contain('evil.example')
  })

  it('is not replaced by looking at the link: mail scanners do', async () => {
    await start()
    await addPerson(server)
    const link = await mailedLink()
    for (let i = 0; i < 3; i += 1) await new HttpClient().get(link)
    await fetch(link, { method: 'HEAD' })
    expect((await reset(link)).name).to.equal('password-reset-done')
  })

  it('asks for another link where one was used, is late or was made up, in one and the same way', async () => {
    await start()
    await addPerson(server)
    const [used, late] = [await mailedLink(), await mailedLink()]
    const form = await browser.get(used)
    await reset(used)
    server.clock.ahead += 601
    const forged = used.replace(/.{43}$/, 'x'.repeat(43))
    const pages = [
      await browser.get(used),
      await browser.get(late),
      await browser.get(forged),
      await browser.submit(form, { password: `${NEW} again` }),
    ]
    for (const page of pages) {
      expect([page.status, page.name]).to.deep.equal([410, 'password-forgotten'])
      expect(page.alert).to.contain('no longer good')
    }
    expect((await browser.submit(pages[0]!, { username: 'alice' })).status).to.equal(303)
  })

  it('R16 is not replaced by a password that guessers try first, and the link stays good', async () => {
    await start()
    await addPerson(server)
    const link = await mailedLink()
    for (const password of ['', 'short', 'Password123', 'alice2026!']) {
      const page = await reset(link, password)
      expect([page.status, page.name], password).to.deep.equal([422, 'password-reset'])
      expect(page.alert).to.be.a('string')
    }
    expect((await reset(link)).name).to.equal('password-reset-done')
  })

  it('R31 leaves neither names nor tokens in the log or the audit trail', async () => {
    await start()
    await addPerson(server)
    await ask('what I typed by mistake')
    const link = await mailedLink()
    await reset(link)
    await server.stop()
    const entries = JSON.stringify(await server.storage.audit.list({ limit: 100 }))
    for (const text of [server.lines.join('\n'), entries]) {
      expect(text).not.to.contain(link.slice(-43))
      expect(text).not.to.contain('what I typed')
    }
    expect(server.lines.join('\n')).to.contain('/password/reset/…')
  })

  it('R43 sends five mails an hour to an account, and five more to a browser that it knows', async () => {
    await start({ limits: { resetsPerMinute: 1000 } })
    const alice = await addPerson(server)
    const owner = await trustProof(alice.id)
    await signIn(owner, server.authorize(), alice, server)
    for (let i = 0; i < 7; i += 1)
      expect((await ask('alice', new HttpClient())).status).to.equal(303)
    expect((await ask('alice', owner)).status).to.equal(303)
    await server.stop()
    expect((await asked()).filter((reason) => reason === 'mailed')).to.have.length(6)
    expect((await asked()).filter((reason) => reason === 'limit')).to.have.length(2)
  })

  it('R44 is answered as ever after the owner has locked the account, and nothing is mailed', async () => {
    await start()
    const { id } = await addPerson(server)
    const link = await mailedLink()
    await freeze(id)
    expect((await browser.follow(await ask('alice'))).name).to.equal('password-forgotten-sent')
    expect((await browser.get(link)).status).to.equal(410)
    await server.stop()
    expect(await asked()).to.have.members(['mailed', 'locked'])
    expect(post.waiting('alice@example.com')).to.equal(0)
  })

  it('R43 may be asked for so many times a minute from one network, whatever the names', async () => {
    await start({ limits: { resetsPerMinute: 2 } })
    const answers = []
    for (const name of ['alice', 'nobody', 'someone']) answers.push(await ask(name))
    expect(answers.map(({ status }) => status)).to.deep.equal([303, 303, 429])
    const [, , refused] = answers
    expect(refused?.name).to.equal('busy')
    expect(Number(refused?.headers['retry-after'])).to.be.within(1, 60)
  })

  it('R43 is mailed to a browser that the account knows, although strangers have used up their requests', async () => {
    await start({ limits: { resetsPerMinute: 2 } })
    const alice = await addPerson(server)
    await addPerson(server, { username: 'bob' })
    const owner = await trustProof(alice.id)
    await signIn(owner, server.authorize(), alice, server)
    for (const name of ['nobody', 'someone']) await ask(name)
    for (const name of ['alice', 'bob', 'nobody']) expect((await ask(name)).status).to.equal(429)
    // A browser is known to its own account alone.
    for (const name of ['bob', 'nobody']) expect((await ask(name, owner)).status).to.equal(429)
    // Nobody uses up the places beside strangers with an account of their own.
    const answers = []
    for (let i = 0; i < 7; i += 1) answers.push((await ask('alice', owner)).status)
    expect(answers).to.deep.equal([303, 303, 303, 303, 303, 429, 429])
    await server.stop()
    expect((await asked()).filter((reason) => reason === 'mailed')).to.have.length(5)
  })

  it('keeps the name when none is given, and takes any length and any signs', async () => {
    await start()
    const page = await ask('   ')
    expect([page.status, page.name]).to.deep.equal([400, 'password-forgotten'])
    for (const name of [
      'a'.repeat(5000),
      '<b>{{7*7}}</b>',
      'x\r\nBcc: eve@example.com',
      "' OR 1=1 --",
    ])
      expect((await ask(name)).status, name).to.equal(303)
    await server.stop()
    expect(await asked()).to.deep.equal(['unknown', 'unknown', 'unknown', 'unknown'])
  })

  it('is mailed to a file where there is no mail server, as each mail is', async () => {
    await start()
    await stopServers()
    server = await startServer()
    await addPerson(server)
    const login = await browser.visit(server.authorize())
    expect(login.all('[data-forgotten]')).to.have.length(1)
    await ask('alice')
    const outbox = join(server.folder, 'outbox')
    while (!existsSync(outbox) || !readdirSync(outbox).some((name) => name.endsWith('.eml')))
      await sleep(20)
    const [name = ''] = readdirSync(outbox)
    expect(name).to.match(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ_000001\.eml$/)
    const content = readFileSync(join(outbox, name), 'utf8').replaceAll('=\r\n', '')
    expect(content).to.match(/^To: alice@example\.com\r$/m)
    expect(content).to.match(/^Message-ID: <m[\w-]{43}@localhost>\r$/m)
    expect(content).to.contain(`${server.issuer}/password/reset/`)
  })
})

describe('the answer to a forgotten password', () => {
  /** The names have one length. */
  const NAMES = ['known1', 'nobody', 'absent', 'banned', 'limits', 'mailno'] as const
  const BY_CHANCE = ['x-request-id', 'date', 'connection', 'keep-alive', 'set-cookie']
  afterEach(stopServers)

  it('R33 is the same for every name', async () => {
    const server = await startServer({
      environment: { SMTP_URL: 'smtp://127.0.0.1:9' },
      settings: { limits: { resetsPerMinute: 1000 } },
    })
    const change = async (username: string, more: object): Promise<void> => {
      const { id } = await addPerson(server, { username })
      await changeAccount(server.storage.accounts, id, (account) => ({ ...account, ...more }))
    }
    await addPerson(server, { username: 'known1' })
    await addPerson(server, { username: 'limits' })
    await change('banned', { disabledAt: 1 })
    await change('mailno', { emailVerified: false })
    const browser = new HttpClient()
    const page = await browser.get(`${server.issuer}/password/forgotten`)
    for (let i = 0; i < 6; i += 1) await browser.submit(page, { username: 'limits' })

    const answers: string[] = []
    for (const username of NAMES) {
      const { status, headers, body } = await browser.submit(page, { username })
      const rest = Object.entries(headers).filter(([name]) => !BY_CHANCE.includes(name))
      const sent = await browser.get(`${server.issuer}/password/forgotten/sent`)
      answers.push(JSON.stringify([status, rest, body, sent.body]))
    }
    expect(new Set(answers).size).to.equal(1)
  })

  it('R33 is given before anything is looked up', async () => {
    const memory = memoryStorage({ clock: systemClock })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const accounts = {
      ...memory.accounts,
      byName: async (name: string) => {
        await held
        return memory.accounts.byName(name)
      },
    }
    const server = await startServer({
      storage: { ...memory, accounts },
      environment: { SMTP_URL: 'smtp://127.0.0.1:9' },
    })
    await addPerson(server, { username: 'known1' })
    const browser = new HttpClient()
    const page = await browser.get(`${server.issuer}/password/forgotten`)
    for (const username of ['known1', 'nobody'])
      expect((await browser.submit(page, { username })).status).to.equal(303)
    release()
    await server.stop()
    const entries = await memory.audit.list({ type: 'password-reset-asked', limit: 5 })
    expect(entries.map(({ detail }) => detail.reason)).to.have.members(['mailed', 'unknown'])
  })
})
