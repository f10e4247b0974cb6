import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { smtpMailer, type SmtpMailer } from '../../../src/adapters/mail/index.ts'

interface Received {
  readonly to: readonly string[]
  readonly content: string
}

describe('mail by SMTP', () => {
  const received: Received[] = []
  let server: SMTPServer
  let mailer: SmtpMailer
  let url: string

  before(async () => {
    server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onAuth: ({ username, password }, _session, done) => {
        if (username === 'user' && password === 'right') done(null, { user: 'user' })
        else done(new Error('wrong credentials of user@example.com'))
      },
      onData: (stream, session, done) => {
        let content = ''
        stream.on('data', (chunk: Buffer) => {
          content += chunk.toString()
        })
        stream.on('end', () => {
          received.push({ to: session.envelope.rcptTo.map(({ address }) => address), content })
          done()
        })
      },
    })
    server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    url = `127.0.0.1:${(server.server.address() as AddressInfo).port}`
    mailer = open(`smtp://${url}`)
  })
  after(async () => {
    mailer.close()
    await new Promise<void>((done) => {
      server.close(done)
    })
  })

  const open = (address: string): SmtpMailer =>
    smtpMailer({
      url: address,
      from: { name: 'Acme', address: 'no-reply@acme.example' },
    })
  const send = (to: string, from = mailer) =>
    from.send({ to, subject: 'About it', text: 'code 123', html: '<p>code 123</p>' })
  const failure = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('brings a message, as text and as HTML, from the configured sender', async () => {
    await send('alice@example.com')
    const mail = received.at(-1)
    expect(mail?.to).to.deep.equal(['alice@example.com'])
    for (const part of [
      'From: Acme <no-reply@acme.example>',
      'Subject: About it',
      'code 123',
      '<p>',
    ])
      expect(mail?.content).to.contain(part)
  })

  it('goes to one address, whatever the address looks like', async () => {
    const count = received.length
    await failure(send('alice@example.com, eve@example.com'))
    await failure(send('alice@example.com\r\nBcc: eve@example.com'))
    expect(received.slice(count).flatMap(({ to }) => to)).not.to.include('eve@example.com')
  })

  it('R31 fails with a message that repeats neither address nor code', async () => {
    const error = await failure(send('alice@example.com', open('smtp://127.0.0.1:1')))
    expect(error).to.have.property('code', 'mail-failed')
    expect(String(error)).not.to.match(/alice|123/)
  })

  it('can be checked before it is needed', async () => {
    await open(`smtp://user:right@${url}`).check()
    expect(await failure(open(`smtp://user:wrong@${url}`).check())).to.have.property(
      'code',
      'mail-failed',
    )
  })
})
