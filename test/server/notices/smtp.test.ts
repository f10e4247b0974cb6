import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect } from 'chai'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import { smtpMailer, type SmtpMailer } from '../../../src/adapters/mail/index.ts'
import { createViews } from '../../../src/http/views.ts'
import type { Letter } from '../../../src/server/notices/letters.ts'
import { letterSender, type LetterSender } from '../../../src/server/notices/sender.ts'
import { temporaryFolder } from '../../adapters/sqlite/temporary-folder.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { world, type World } from '../accounts/support.ts'

interface Received {
  readonly to: readonly string[]
  readonly messageId: string
  readonly overTls: boolean
}

type Taken = (content: string, session: SMTPServerSession) => Error | 'drop' | undefined

describe('the outbox and a real mail server', () => {
  const folder = temporaryFolder()
  let here: World
  let server: SMTPServer
  let mailer: SmtpMailer
  let sender: LetterSender
  let received: Received[]
  /** Answers a whole message: an error refuses it, `drop` ends the connection. */
  let onMessage: Taken
  let onRecipient: (address: string) => Error | undefined | Promise<undefined>

  beforeEach(() => {
    here = world()
    received = []
    onMessage = () => undefined
    onRecipient = () => undefined
  })
  afterEach(async () => {
    mailer.close()
    await new Promise<void>((done) => {
      server.close(done)
    })
  })

  async function open(options: SMTPServerOptions = {}, scheme = 'smtp'): Promise<void> {
    server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onRcptTo: ({ address }, _session, done) =>
        void Promise.resolve(onRecipient(address)).then((refusal) => done(refusal)),
      onData(stream, session, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const content = Buffer.concat(chunks).toString()
          const answer = onMessage(content, session)
          if (answer === 'drop') return void dropAll(server)
          if (answer !== undefined) return void done(answer)
          received.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            messageId: /^Message-ID: (.*)\r$/im.exec(content)?.[1] ?? '',
            overTls: session.secure,
          })
          done()
        })
      },
      ...options,
    })
    server.on('error', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    const { port } = server.server.address() as AddressInfo
    mailer = smtpMailer({
      url: `${scheme}://localhost:${port}`,
      from: { name: 'Acme', address: 'no-reply@id.example.com' },
    })
    sender = letterSender({
      outbox: here.storage.outbox,
      letters: here.letters,
      post: { send: mailer.send, lanes: 4 },
      mfa: {
        views: createViews(),
        notMeUrl: () => 'https://id.example.com/not-me/token',
        cancelRecoveryUrl: () => 'https://id.example.com/cancel-recovery/token',
      },
      clock: here.clock,
      record: here.record,
      issuer: 'https://id.example.com',
      values: { issuer: 'Acme' },
    })
  }

  const put = (about: string, more: Partial<Letter> = {}): Promise<void> =>
    here.letters.put([
      {
        about,
        accountId: 'mira',
        to: `${about}@example.com`,
        template: 'password-changed',
        values: { account: 'mira', at: '1767261600' },
        languages: 'en',
        ...more,
      },
    ])
  const waiting = async (): Promise<number> =>
    (await here.storage.outbox.list({ limit: 99 })).length
  const givenUp = async () =>
    (await here.storage.audit.list({ type: 'mail-not-delivered', limit: 9 })).map(
      ({ detail }) => detail.reason,
    )
  /** Sends what is due, and goes on with the next attempt. */
  const attempt = async (): Promise<void> => {
    await sender.sendDue()
    here.clock.time += 60
  }
  const smtpError = (responseCode: number): Error =>
    Object.assign(new Error('not today'), { responseCode })

  it('get along: each letter arrives once, at its address alone', async () => {
    await open()
    for (const about of ['a', 'b', 'c', 'd', 'e', 'f']) await put(about)
    await attempt()
    await attempt()
    const to = received.map((mail) => mail.to.join())
    expect(to).to.have.members(['a', 'b', 'c', 'd', 'e', 'f'].map((a) => `${a}@example.com`))
    expect(await waiting()).to.equal(0)
  })

  it('speak TLS with a certificate that is trusted, and with no other', async () => {
    const [key, certificate] = [folder.file('key.pem'), folder.file('cert.pem')]
    makeCertificate({ key, certificate })
    const pem = readFileSync(certificate, 'utf8')
    await open({ secure: true, key: readFileSync(key), cert: pem }, 'smtps')
    await put('a')
    await attempt()
    expect(received).to.deep.equal([])
    expect(await waiting()).to.equal(1)

    const trusted = getCACertificates('default')
    setDefaultCACertificates([...trusted, pem])
    try {
      await attempt()
    } finally {
      setDefaultCACertificates(trusted)
    }
    expect(received.map(({ overTls }) => overTls)).to.deep.equal([true])
    expect(await waiting()).to.equal(0)
  })

  it('part where the recipient is refused for good, and the others get theirs', async () => {
    await open()
    onRecipient = (address) => (address === 'b@example.com' ? smtpError(550) : undefined)
    for (const about of ['a', 'b', 'c']) await put(about)
    await attempt()
    expect(received.flatMap(({ to }) => to)).to.have.members(['a@example.com', 'c@example.com'])
    expect(await givenUp()).to.deep.equal(['refused'])
    expect(await waiting()).to.equal(0)
  })

  it('try again what is refused for now, at the recipient or after the message', async () => {
    await open()
    onRecipient = () => smtpError(450)
    await put('a')
    await attempt()
    onRecipient = () => undefined
    onMessage = () => smtpError(451)
    await attempt()
    expect(received).to.deep.equal([])
    onMessage = () => undefined
    await attempt()
    expect(received.map(({ to }) => to)).to.deep.equal([['a@example.com']])
    expect(await givenUp()).to.deep.equal([])
  })

  it('try again where the sender is refused, which an operator mends', async () => {
    let isRefused = true
    await open({
      onMailFrom: (_address, _session, done) => done(isRefused ? smtpError(550) : undefined),
    })
    await put('a')
    await attempt()
    expect([received.length, await waiting(), (await givenUp()).length]).to.deep.equal([0, 1, 0])
    isRefused = false
    await attempt()
    expect(received).to.have.length(1)
  })

  it('lose nothing when the connection drops in DATA; what the server has taken comes again under the same Message-ID', async () => {
    await open()
    const seen: string[] = []
    let drops = 2
    onMessage = (content) => {
      seen.push(/^Message-ID: (.*)\r$/im.exec(content)?.[1] ?? '')
      return (drops -= 1) >= 0 ? 'drop' : undefined
    }
    await put('a')
    for (let time = 0; time < 3; time += 1) await attempt()
    expect(seen).to.have.length(3)
    expect(new Set(seen).size).to.equal(1)
    expect(received.map(({ messageId }) => messageId)).to.deep.equal([seen[0]])
    expect(await waiting()).to.equal(0)
  })

  it('R3 part with a link that ends while a slow server keeps it waiting', async () => {
    let finish: (() => void) | undefined
    await open({
      onMailFrom: (_address, _session, done) => {
        finish = () => done()
      },
    })
    await put('a', { until: here.clock.time + 1 })
    await sender.sendDue()
    finish?.()
    await sleep(50)
    expect(received).to.deep.equal([])
    expect(await givenUp()).to.deep.equal(['not-accepted'])
  })

  it('do not wait for one slow mail before they send the next', async () => {
    await open()
    const { promise: slow, resolve: release } = Promise.withResolvers<undefined>()
    onRecipient = (address) => (address === 'a@example.com' ? slow : undefined)
    await put('a')
    await put('b')
    const sending = sender.sendDue()
    while (received.length === 0) await sleep(10)
    expect(received.map(({ to }) => to)).to.deep.equal([['b@example.com']])
    release(undefined)
    await sending
    expect(await waiting()).to.equal(0)
  })
})

/** Ends every connection without an answer, as a crash of the mail server does. */
function dropAll(server: SMTPServer): void {
  const { connections } = server as unknown as {
    connections: Set<{ _socket: { destroy(): void } }>
  }
  for (const connection of connections) connection._socket.destroy()
}
