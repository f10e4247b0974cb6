import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { MULTI_FACTOR_ACR, type MfaEvent } from '../../src/index.ts'
import { languagesOf, rememberLanguage, withLanguage } from '../../src/server/accounts/language.ts'
import { layFoundation, mailerOf, senderOf } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { letterSenderOf } from '../../src/server/boot/post.ts'
import { passEventsOn } from '../../src/server/notices/notices.ts'
import { press } from '../support/account-forms.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP_CREDENTIALS,
  atTheApp,
  browserWithProof,
  PASSWORD,
  PROOF,
  redeem,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

describe('a server with mail', () => {
  const mails: { to: string; content: string }[] = []
  let smtp: SMTPServer
  /** The answer of the mail server to a recipient. Undefined: it takes the mail. */
  let refusal: Error | undefined
  let server: TestServer

  beforeEach(async () => {
    mails.length = 0
    refusal = undefined
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: (_address, _session, done) => done(refusal),
      onData: (stream, session, done) => {
        let content = ''
        stream.on('data', (chunk: Buffer) => {
          content += chunk.toString()
        })
        stream.on('end', () => {
          mails.push({ to: session.envelope.rcptTo.map(({ address }) => address).join(), content })
          done()
        })
      },
    })
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    const { port } = smtp.server.address() as AddressInfo
    server = await startServer({ environment: { SMTP_URL: `smtp://127.0.0.1:${port}` } })
  })
  afterEach(async () => {
    await stopServers()
    await new Promise<void>((done) => {
      smtp.close(done)
    })
  })

  /** Stores the proof that a used set-up link leaves in an account. */
  async function prove(accountId: string, username = 'alice'): Promise<void> {
    const { storage, clock } = server
    const now = clock.now()
    const stored = await storage.accounts.byId(accountId)
    if (!stored) throw new Error('no account')
    const proof = { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash }
    const account = { ...stored.account, enrolmentProof: proof }
    await storage.accounts.update(account, { username }, stored.version)
  }

  it('R10 R13 lets a first factor be set up after a code mailed to the verified address, and tells of it', async () => {
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize({ scope: 'openid authn' }))
    const proof = await browser.follow(
      await browser.submit(login, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    expect(proof.name).to.equal('owner-proof')
    expect(proof.text).not.to.contain('alice@example.com')
    const sent = await browser.follow(await browser.submit(proof))
    const mail = mails.at(-1)
    expect(mail?.to).to.equal('alice@example.com')
    expect(mail?.content).to.match(/From: localhost <no-reply@localhost>/)
    // The code is searched for in the body only, because the message's id may also contain eight digits.
    const [, ...body] = (mail?.content ?? '').split(/\r?\n\r?\n/)
    const code = /\b\d{8}\b/.exec(body.join('\n'))?.[0] ?? ''
    const proved = await browser.follow(await browser.submit(sent, { code }), atTheApp)
    expect(proved.name).to.equal('mfa-choose')

    const page = await signIn(browser, proved.url, alice, server)
    const { body: tokens, claims } = await redeem(server, page)
    const introspection = await fetch(new URL('/token/introspection', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ token: String(tokens['access_token']) }),
    })
    const about = (await introspection.json()) as typeof claims
    for (const said of [claims, about]) {
      expect(said).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] })
      // The password and the new factor, and nothing of the mailed code.
      const factors = said['authn_factors'] as { amr: string[]; kinds: string[] }[]
      expect(factors.map(({ amr, kinds }) => ({ amr, kinds }))).to.deep.equal([
        { amr: ['otp'], kinds: ['possession'] },
        { amr: ['pwd'], kinds: ['knowledge'] },
      ])
    }
    await server.stop()
    expect(mails.map(({ to }) => to)).to.deep.equal(['alice@example.com', 'alice@example.com'])
    expect(mails.at(-1)?.content).to.match(/Subject: /)
    expect(mails.at(-1)?.content).not.to.contain(alice.secret)
  })

  it('R10 R41 asks for the mailed code in a browser that has not used the set-up link', async () => {
    const alice = await addPerson(server)
    await prove(alice.id)
    for (const [browser, page] of [
      [new HttpClient(), 'owner-proof'],
      [browserWithProof(server), 'mfa-choose'],
    ] as const) {
      const login = await browser.visit(server.authorize())
      const answer = await browser.submit(login, { username: 'alice', password: PASSWORD })
      expect((await browser.follow(answer, atTheApp)).name).to.equal(page)
    }
  })

  it('R11 tells of new backup codes, and where factors are managed', async () => {
    const alice = await addPerson(server)
    await prove(alice.id)
    const browser = browserWithProof(server)
    const page = await signIn(browser, new URL('/account', server.issuer), alice, server)
    expect(page.name).to.equal('account')
    server.clock.ahead += 30
    const renew = await press(browser, page, 'renew:backup-codes')
    const asked = await signIn(browser, renew.location ?? page.url, alice, server)
    await browser.follow(await browser.submit(asked))
    await server.stop()
    const told = mails.filter(({ content }) => content.includes('Subject: New backup codes'))
    expect(told.map(({ to }) => to)).to.deep.equal(['alice@example.com'])
    expect(told[0]?.content).to.include(`${server.issuer}/account`)
  })

  describe('in the language of the person', () => {
    const inGerman = (browser = new HttpClient()): HttpClient =>
      new HttpClient({ jar: browser.jar, headers: { 'accept-language': 'de-AT, en;q=0.5' } })
    /** The service and its mails without a request, as a command has them. */
    const reset = async (accountId: string): Promise<void> => {
      const foundation = await layFoundation(server.config, server)
      const mailer = mailerOf(foundation)!
      const mfa = serverMfa(foundation, { mailer })
      const { letters, storage } = foundation
      passEventsOn({ mfa, ...storage, letters })
      await mfa.accounts.reset(accountId)
      await mfa.settled()
      const post = { send: mailer.send, lanes: 1 }
      await letterSenderOf(foundation, { post, mfa }).sendDue()
      mailer.close()
    }
    const bodies = (): string[] => mails.map(({ content }) => content)

    it('tells of what the person does on the pages, and later of what nobody does on a page', async () => {
      const alice = await addPerson(server)
      await prove(alice.id)
      const browser = inGerman(browserWithProof(server))
      await signIn(browser, server.authorize(), alice, server)
      // It stops after its mails were sent; two nodes at once may send one twice.
      await server.stop()
      await reset(alice.id)
      expect(bodies()).to.have.length(2)
      for (const body of bodies()) expect(body).to.contain('Guten Tag alice')
    })

    it('prefers the claim `locale` to the language of the browser', async () => {
      const alice = await addPerson(server, { claims: { locale: 'de_DE' } })
      await prove(alice.id)
      await signIn(browserWithProof(server), server.authorize(), alice, server)
      await server.stop()
      expect(bodies()).to.have.length(1)
      expect(bodies()[0]).to.contain('Guten Tag alice')
    })

    it('lets nobody else choose the language of a warning', async () => {
      const alice = await addPerson(server)
      const { accounts } = server.storage
      const event = (type: string, detail: object): MfaEvent =>
        ({ id: 'e', type, accountId: alice.id, at: 1, detail }) as MfaEvent
      const account = async () => (await accounts.byId(alice.id))!.account
      for (const type of ['factor-refused', 'password-suspected', 'codes-disabled', 'locked']) {
        const warning = event(type, { locale: 'fr', browser: 'unknown' })
        await rememberLanguage(accounts, warning)
        expect(languagesOf(await account(), warning)).to.equal('')
      }
      const accepted = event('factor-accepted', { locale: 'de', browser: 'unknown' })
      await rememberLanguage(accounts, accepted)
      const { version } = (await accounts.byId(alice.id))!
      await rememberLanguage(accounts, accepted)
      expect((await accounts.byId(alice.id))!.version).to.equal(version)
      const warning = event('password-suspected', { locale: 'fr' })
      expect(languagesOf(await account(), warning)).to.equal('de')
      // A sign-in in a browser that is known counts as well: it is the last one.
      await rememberLanguage(accounts, event('factor-accepted', { locale: 'en', browser: 'known' }))
      expect(languagesOf(await account(), warning)).to.equal('en')
      await rememberLanguage(accounts, event('factor-renamed', { locale: 'it', browser: 'known' }))
      expect(languagesOf(await account(), warning)).to.equal('it')
      await rememberLanguage(accounts, event('factor-accepted', { locale: 'en', browser: 'known' }))
      const chosen = withLanguage(await account(), 'fr')
      expect(languagesOf(chosen, warning)).to.equal('fr en')
      expect(languagesOf(withLanguage(chosen, undefined), warning)).to.equal('en')
    })
  })

  it('has the name of the service as its sender, unless MAIL_FROM has a name', () => {
    const address = 'id@acme.example'
    for (const [from, sender] of [
      [address, { name: 'Acme', address }],
      [`<${address}>`, { name: 'Acme', address }],
      [`Help of Acme <${address}>`, { name: 'Help of Acme', address }],
      [`"Acme, Inc." <${address}>`, { name: 'Acme, Inc.', address }],
    ] as const)
      expect(senderOf(from, 'Acme'), from).to.deep.equal(sender)
  })

  it('is ready while mail fails, and says so until a mail was sent', async () => {
    const ready = async () => {
      const { status, json } = await new HttpClient().get(`${server.issuer}/health/ready`)
      return { status, body: json }
    }
    const until = async (wanted: object): Promise<void> => {
      const fits = async () => JSON.stringify(await ready()) === JSON.stringify(wanted)
      while (!(await fits())) await sleep(20)
    }
    const signInAs = async (username: string): Promise<void> => {
      const person = await addPerson(server, { username })
      await prove(person.id, username)
      await signIn(browserWithProof(server), server.authorize(), person, server)
    }
    expect(await ready()).to.deep.equal({ status: 200, body: { status: 'ok' } })
    refusal = Object.assign(new Error('alice@example.com is busy'), { responseCode: 450 })
    await signInAs('alice')
    await until({ status: 200, body: { status: 'ok', mail: 'failing' } })
    refusal = undefined
    server.clock.ahead += 60
    await signInAs('bea')
    await until({ status: 200, body: { status: 'ok' } })
    expect(mails.map(({ to }) => to)).to.include('alice@example.com')
  })

  it('signs people in while the mail server is away, and keeps what they are told', async () => {
    const alice = await addPerson(server)
    await prove(alice.id)
    const { storage } = server
    await new Promise<void>((done) => {
      smtp.close(done)
    })
    const page = await signIn(browserWithProof(server), server.authorize(), alice, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    await server.stop()
    expect(server.lines.join('\n'))
      .to.contain('a mail was not sent yet')
      .and.not.to.contain('alice@')
    const types = (await storage.audit.list({ accountId: alice.id, limit: 99 })).map(
      ({ type }) => type,
    )
    expect(types).to.include('factor-enrolled')
    expect(await storage.outbox.list({ limit: 9 })).to.have.length(1)
  })
})
