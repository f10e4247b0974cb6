import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { HttpClient } from '../support/http-client.ts'
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

describe('a server with mail', () => {
  const mails: { to: string; content: string }[] = []
  let smtp: SMTPServer
  let server: TestServer

  beforeEach(async () => {
    mails.length = 0
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
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
  async function prove(accountId: string): Promise<void> {
    const { storage, clock } = server
    const now = clock.now()
    const stored = await storage.accounts.byId(accountId)
    if (!stored) throw new Error('no account')
    const proof = { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash }
    const account = { ...stored.account, enrolmentProof: proof }
    await storage.accounts.update(account, { username: 'alice' }, stored.version)
  }

  it('R10 lets a first factor be set up after a code mailed to the verified address, and tells of it', async () => {
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    const proof = await browser.follow(
      await browser.submit(login, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    expect(proof.name).to.equal('owner-proof')
    expect(proof.text).not.to.contain('alice@example.com')
    const sent = await browser.follow(await browser.submit(proof))
    const mail = mails.at(-1)
    expect(mail?.to).to.equal('alice@example.com')
    expect(mail?.content).to.match(/From: no-reply@localhost/)
    // The code is searched for in the body only, because the message's id may also contain eight digits.
    const [, ...body] = (mail?.content ?? '').split(/\r?\n\r?\n/)
    const code = /\b\d{8}\b/.exec(body.join('\n'))?.[0] ?? ''
    const proved = await browser.follow(await browser.submit(sent, { code }), atTheApp)
    expect(proved.name).to.equal('mfa-choose')

    const page = await signIn(browser, proved.url, alice, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    await server.stop()
    expect(mails.map(({ to }) => to)).to.deep.equal(['alice@example.com', 'alice@example.com'])
    expect(mails.at(-1)?.content).to.match(/Subject: /)
    expect(mails.at(-1)?.content).not.to.contain(alice.secret)
  })

  it('R10 asks for the mailed code in a browser that has not used the set-up link', async () => {
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
    const renew = await browser.submit(page, {}, { button: 'renew:backup-codes' })
    const asked = await signIn(browser, renew.location ?? page.url, alice, server)
    await browser.follow(await browser.submit(asked))
    await server.stop()
    const told = mails.filter(({ content }) => content.includes('Subject: New backup codes'))
    expect(told.map(({ to }) => to)).to.deep.equal(['alice@example.com'])
    expect(told[0]?.content).to.include(`${server.issuer}/account`)
  })

  it('signs people in while the mail server is away, and logs that they were not told', async () => {
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
      .to.contain('a notice was not mailed')
      .and.not.to.contain('alice@')
    const types = (await storage.audit.list({ accountId: alice.id, limit: 99 })).map(
      ({ type }) => type,
    )
    expect(types).to.include('factor-enrolled')
  })
})
