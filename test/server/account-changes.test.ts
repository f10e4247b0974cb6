import { expect } from 'chai'
import type { Account } from '../../src/ports/accounts.ts'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { PostOffice, type Letter } from '../journeys/post-office.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  addPerson,
  atTheApp,
  browserWithProof,
  PASSWORD,
  PROOF,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const NEW = 'a password that is new and long'
const OWN = 'alice@example.com'
const OTHER = 'alice@backup.example'

describe('the account pages of the server', () => {
  let post: PostOffice
  let server: TestServer
  let alice: Person & { id: string }
  let browser: HttpClient

  beforeEach(async () => {
    post = new PostOffice()
    await post.open()
    server = await startServer({ environment: { SMTP_URL: post.url } })
    alice = await addPerson(server)
    browser = await enrolled(alice)
  })
  afterEach(async () => {
    await stopServers()
    await post.close()
  })

  /** Signs a person in for the first time, on the proof of a set-up link. */
  async function enrolled(person: Person & { id: string }): Promise<HttpClient> {
    const now = server.clock.now()
    await changeAccount(server.storage.accounts, person.id, (account) => ({
      ...account,
      enrolmentProof: { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash },
    }))
    const visitor = browserWithProof(server)
    await signIn(visitor, server.authorize(), person, server)
    // A factor that was bound a moment ago opens fewer doors.
    server.clock.ahead += 73 * 3600
    return visitor
  }
  const at = (path: string): URL => new URL(path, server.issuer)
  /** Opens a page, and shows a factor where one is asked for; each code is good once. */
  const open = async (path: string, visitor = browser, person: Person = alice): Promise<Page> => {
    const page = await visitor.visit(at(path), atTheApp)
    return goOn(page, visitor, person)
  }
  const goOn = async (start: Page, visitor = browser, person: Person = alice): Promise<Page> => {
    let page = await visitor.follow(start, atTheApp)
    for (let steps = 0; steps < 4; steps += 1) {
      if (page.name === 'login')
        page = await visitor.submit(page, {
          username: person.username,
          password: person.password,
        })
      else if (page.name === 'totp-verify') {
        server.clock.ahead += 30
        const code = totpCode({ secret: person.secret ?? '' }, server.clock.now())
        page = await visitor.submit(page, { code })
      } else return page
      page = await visitor.follow(page, atTheApp)
    }
    return page
  }
  const press = async (page: Page, deed: string, fields = {}, visitor = browser): Promise<Page> =>
    goOn(
      await visitor.submit(page, fields, { form: `form:has([data-do=${deed}])`, button: deed }),
      visitor,
    )
  const account = async (): Promise<Account> =>
    (await server.storage.accounts.byId(alice.id))?.account as Account
  /** The oldest letter to an address with this subject. */
  const letter = async (address: string, subject: RegExp): Promise<Letter> => {
    for (;;) {
      const next = await post.next(address)
      if (subject.test(next.subject)) return next
    }
  }
  const linkIn = ({ text }: Letter): string =>
    /^https?:\S+\/email\/confirm\/\S+$/m.exec(text)?.[0] ?? ''
  const codeIn = ({ text }: Letter): string => /^ +(\d{8})\s*$/m.exec(text)?.[1] ?? ''
  const entries = async (type: string): Promise<number> =>
    (await server.storage.audit.list({ type, limit: 50 })).length

  describe('the password', () => {
    it('R11 R20 is changed after a fresh factor; this session goes on, every other one ends', async () => {
      const other = new HttpClient()
      await goOn(await other.visit(server.authorize(), atTheApp), other)
      const page = await open('/account/password')
      expect(page.name).to.equal('account-password')
      const before = new HttpClient({ jar: browser.jar.copy() })
      const done = await press(page, 'change-password', {
        currentPassword: PASSWORD,
        password: NEW,
      })
      expect(done.name).to.equal('account')
      expect(done.texts('[role=status]')).to.have.length(1)
      expect((await browser.visit(at('/account'), atTheApp)).name).to.equal('account')
      const silently = async (visitor: HttpClient): Promise<string | null | undefined> =>
        (
          await visitor.visit(server.authorize({ prompt: 'none' }), atTheApp)
        ).location?.searchParams.get('error')
      // A copy of the cookies from before the change is of no use: the session has a new id (R19).
      for (const ended of [other, before]) expect(await silently(ended)).to.equal('login_required')
      expect(await silently(browser)).to.equal('consent_required')
      const login = await other.visit(server.authorize(), atTheApp)
      const entered = await other.submit(login, { username: 'alice', password: NEW })
      expect(entered.status).to.equal(303)
      expect((await letter(OWN, /password of your/)).to).to.equal(OWN)
      expect(await entries('password-changed')).to.equal(1)
    })

    it('R16 is refused with the reason, and the proof stays for the next try', async () => {
      const page = await open('/account/password')
      for (const [currentPassword, password] of [
        ['wrong', NEW],
        [PASSWORD, 'short'],
        [PASSWORD, 'Password123'],
      ] as const) {
        const refused = await press(page, 'change-password', { currentPassword, password })
        expect([refused.status, refused.name]).to.deep.equal([422, 'account-password'])
        expect(refused.alert).to.be.a('string')
        expect(refused.body).not.to.contain(password)
      }
      const done = await press(page, 'change-password', {
        currentPassword: PASSWORD,
        password: NEW,
      })
      expect(done.name).to.equal('account')
    })

    it('R11 is not changed by a session alone: a form without a proof leads to the factor', async () => {
      const { csrf } = (await open('/account')).form().fields
      const fields = {
        csrf: csrf ?? '',
        do: 'change-password',
        currentPassword: PASSWORD,
        password: NEW,
      }
      const answer = await browser.visit(
        (await browser.post(at('/account/password'), fields)).location ?? at('/nowhere'),
        atTheApp,
      )
      expect(answer.name).to.equal('totp-verify')
      expect((await account()).passwordHash).to.be.a('string')
      expect(await entries('password-changed')).to.equal(0)
    })

    it('R11 a proof in another browser, of another account or of another page is worth nothing', async () => {
      const bob = await addPerson(server, { username: 'bob' })
      const thief = await enrolled(bob)
      await open('/account/email')
      const { csrf } = (await open('/account')).form().fields
      const form = { csrf: csrf ?? '', do: 'change-password', currentPassword: PASSWORD }
      await browser.post(at('/account/password'), { ...form, password: NEW })
      const foreign = await open('/account/password', thief, bob)
      const sent = { ...form, csrf: foreign.form().fields['csrf'] ?? '', password: NEW }
      expect((await browser.post(at('/account/password'), sent)).status).to.equal(403)
      expect(await entries('password-changed')).to.equal(0)
    })

    it('R9 R44 is shut for three days after it came by mail, like the addresses, and every address is told', async () => {
      await changeAccount(server.storage.accounts, alice.id, (before) => ({
        ...before,
        addresses: [{ address: OTHER, verifiedAt: 1 }],
      }))
      const visitor = new HttpClient()
      const asked = await visitor.get(at('/password/forgotten'))
      await visitor.submit(asked, { username: 'alice' })
      const { text } = await letter(OWN, /A new password/)
      const link = /^https?:\S+\/password\/reset\/\S+$/m.exec(text)?.[0] ?? ''
      await visitor.submit(await visitor.get(link), { password: NEW })
      alice = { ...alice, password: NEW }
      for (const [path, name] of [
        ['/account/password', 'account-password'],
        ['/account/email', 'account-email'],
        ['/account/addresses', 'account-addresses'],
      ] as const) {
        const page = await open(path)
        expect([page.status, page.name]).to.deep.equal([403, name])
        expect(page.all('main form')).to.have.length(0)
        expect(page.alert).to.contain('set by mail')
      }
      for (const to of [OWN, OTHER]) await letter(to, /password of your/)
      // The second factor was proved meanwhile, and shortens nothing.
      server.clock.ahead += 72 * 3600
      expect((await open('/account/email')).status).to.equal(200)
    })

    it('has the address that browsers and password managers know', async () => {
      const { location, status } = await browser.get(at('/.well-known/change-password'))
      expect([status, location?.href]).to.deep.equal([302, at('/account/password').href])
    })
  })

  describe('the own address', () => {
    const ask = async (email: string): Promise<Page> =>
      press(await open('/account/email'), 'change-email', { email })

    it('is changed by a link to the new one, and both are told', async () => {
      const page = await open('/account/email')
      expect(page.text).to.contain(OWN)
      const asked = await press(page, 'change-email', { email: OTHER })
      expect(asked.texts('[role=status]')).to.have.length(1)
      expect((await account()).email).to.equal(OWN)
      const mail = await letter(OTHER, /A new address/)
      expect(mail.text).not.to.contain('alice,')
      const visitor = new HttpClient()
      for (const method of ['GET', 'HEAD']) await fetch(linkIn(mail), { method })
      const form = await visitor.get(linkIn(mail))
      expect(form.name).to.equal('email-confirm')
      expect((await account()).email).to.equal(OWN)
      expect((await visitor.submit(form)).name).to.equal('email-confirm-done')
      expect(await account()).to.include({ email: OTHER, emailVerified: true })
      await letter(OWN, /address of your/)
      await letter(OTHER, /address of your/)
      expect((await visitor.submit(form)).status).to.equal(410)
      const login = await new HttpClient().visit(server.authorize())
      expect(login.name).to.equal('login')
    })

    it('R33 has the same answer for an address that is somebody’s, and no link', async () => {
      await addPerson(server, { username: 'bob' })
      const answers = []
      for (const email of ['free@example.com', 'bob@example.com']) {
        const page = await ask(email)
        answers.push([page.status, page.name, page.texts('[role=status]')])
      }
      expect(answers[0]).to.deep.equal(answers[1])
      await letter('free@example.com', /A new address/)
      await server.stop()
      expect(post.waiting('bob@example.com')).to.equal(0)
    })

    it('R41 is not changed by a proof that the owner was lured to give on another device', async () => {
      await open('/account')
      const thief = new HttpClient({ jar: browser.jar.copy() })
      const request = (await thief.get(at('/account/email'))).location ?? at('/nowhere')
      const phone = new HttpClient()
      await goOn(await phone.visit(request, atTheApp), phone)
      request.searchParams.delete('mfa_action')
      const form = await thief.visit(request, atTheApp)
      expect(form.name).to.equal('account-email')
      const fields = { email: 'eve@evil.example' }
      const button = { form: 'form:has([data-do=change-email])', button: 'change-email' }
      const answer = await thief.follow(await thief.submit(form, fields, button), atTheApp)
      expect(answer.name).to.equal('totp-verify')
    })

    it('R20 is not changed by a link from before a sign-out everywhere', async () => {
      await ask(OTHER)
      const link = linkIn(await letter(OTHER, /A new address/))
      const page = await open('/account/password')
      await press(page, 'change-password', { currentPassword: PASSWORD, password: NEW })
      expect((await browser.get(link)).status).to.equal(410)
      expect((await account()).email).to.equal(OWN)
    })

    it('R12 has links of the issuer, and none for hostile addresses', async () => {
      for (const email of ['', 'x', 'a@b\r\nBcc: eve@example.com', '<b>{{7*7}}</b>@example.com']) {
        const page = await ask(email)
        expect([page.status, page.name], email).to.deep.equal([422, 'account-email'])
        expect(page.body).not.to.contain('<b>{{')
      }
      await ask(OTHER)
      expect(new URL(linkIn(await letter(OTHER, /A new address/))).origin).to.equal(server.issuer)
    })
  })

  describe('more addresses', () => {
    const begin = async (email = OTHER): Promise<Page> =>
      press(await open('/account/addresses'), 'add-address', { email })

    it('R44 is added after a factor and a mailed code, told of at every address, and removed again', async () => {
      const page = await begin()
      expect(page.name).to.equal('account-addresses')
      const code = codeIn(await letter(OTHER, /code for a new address/))
      const wrong = await press(page, 'confirm-address', { code: '00000000' })
      expect(wrong.status).to.equal(422)
      const added = await press(wrong, 'confirm-address', { code })
      expect(added.texts('[role=status]')).to.have.length(1)
      expect((await account()).addresses?.map(({ address }) => address)).to.deep.equal([OTHER])
      for (const to of [OWN, OTHER]) await letter(to, /was added to/)
      const removed = await press(added, 'remove-address')
      expect(removed.texts('[role=status]')).to.have.length(1)
      expect((await account()).addresses).to.equal(undefined)
      for (const to of [OWN, OTHER]) await letter(to, /was removed from/)
    })

    it('R44 gets the notices of the account too', async () => {
      const code = codeIn(await begin().then(() => letter(OTHER, /code for a new address/)))
      await press(await open('/account/addresses'), 'confirm-address', { code })
      const page = await open('/account/password')
      await press(page, 'change-password', { currentPassword: PASSWORD, password: NEW })
      for (const to of [OWN, OTHER]) await letter(to, /password of your/)
    })

    it('R44 are two at most, and a third is refused before anything is mailed', async () => {
      await changeAccount(server.storage.accounts, alice.id, (before) => ({
        ...before,
        addresses: ['one@example.com', 'two@example.com'].map((address) => ({
          address,
          verifiedAt: 1,
        })),
      }))
      const page = await open('/account/addresses')
      expect(page.all('[data-do=add-address]')).to.have.length(0)
      const { csrf = '' } = page.form().fields
      const form = { csrf, do: 'add-address', email: OTHER }
      const asked = await browser.follow(
        await browser.post(at('/account/addresses'), form),
        atTheApp,
      )
      const refused = await goOn(asked)
      expect([refused.status, refused.name]).to.deep.equal([422, 'account-addresses'])
      await server.stop()
      expect(post.waiting(OTHER)).to.equal(0)
      expect((await account()).addresses).to.have.length(2)
    })

    it('R41 takes no code in another session', async () => {
      await begin()
      const code = codeIn(await letter(OTHER, /code for a new address/))
      const elsewhere = new HttpClient()
      const page = await open('/account/addresses', elsewhere)
      expect(page.all('input[name=code]')).to.have.length(0)
      const { csrf = '' } = page.form().fields
      await elsewhere.post(at('/account/addresses'), { csrf, do: 'confirm-address', code })
      expect((await account()).addresses).to.equal(undefined)
    })

    it('R11 is not added or removed by a session alone', async () => {
      await changeAccount(server.storage.accounts, alice.id, (before) => ({
        ...before,
        addresses: [{ address: OTHER, verifiedAt: 1 }],
      }))
      const { csrf = '' } = (await open('/account/addresses')).form().fields
      for (const [deed, email] of [
        ['add-address', 'third@example.com'],
        ['remove-address', OTHER],
      ] as const) {
        const answer = await browser.post(at('/account/addresses'), { csrf, do: deed, email })
        expect((await browser.follow(answer, atTheApp)).name).to.equal('totp-verify')
      }
      expect((await account()).addresses).to.have.length(1)
    })
  })

  it('R30 takes no form without its token, with one made up, or with that of somebody else', async () => {
    const bob = await addPerson(server, { username: 'bob' })
    const thief = await enrolled(bob)
    const { csrf: foreign = '' } = (await open('/account', thief, bob)).form().fields
    await open('/account/addresses')
    for (const path of ['/account/password', '/account/email', '/account/addresses'])
      for (const csrf of ['', 'x'.repeat(43), foreign]) {
        const deed = { csrf, do: 'add-address', email: OTHER }
        expect((await browser.post(at(path), deed)).status, path).to.equal(403)
      }
  })
})
