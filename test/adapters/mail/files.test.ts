import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { mailFiles } from '../../../src/adapters/mail/files.ts'
import { temporaryFolder } from '../sqlite/temporary-folder.ts'

const FROM = { name: 'Acme', address: 'no-reply@acme.example' }

describe('mail to files', () => {
  const folder = temporaryFolder()
  const clock = { time: 1_767_261_600, now: () => clock.time }
  const outbox = (): string => folder.file('outbox')
  const send = (subject: string, more: object = {}) =>
    mailFiles({
      folder: outbox(),
      from: FROM,
      clock,
    }).send({ to: 'mira@example.com', subject, text: 'Hello', html: '<p>Hello</p>', ...more })
  const contents = (): string[] =>
    readdirSync(outbox())
      .sort()
      .map((name) => readFileSync(join(outbox(), name), 'utf8'))
  const subjects = (): string[] =>
    contents().map((content) => /^Subject: (.*)\r$/m.exec(content)?.[1] ?? '')

  it('writes a file for each mail, with names that sort in their order, whatever the clock does', async () => {
    for (const [subject, seconds] of [
      ['one', 0],
      ['two', 0],
      ['three', 61],
      ['four', -3600],
      ['five', 7200],
    ] as const) {
      clock.time += seconds
      await send(subject)
    }
    expect(subjects()).to.deep.equal(['one', 'two', 'three', 'four', 'five'])
    for (const name of readdirSync(outbox()))
      expect(name).to.match(/^2026-01-01T\d\d-\d\d-\d\dZ_\d{6}\.eml$/)
  })

  it('writes each of several mails that come at once', async () => {
    const { send: write } = mailFiles({ folder: outbox(), from: FROM, clock })
    const names = ['one', 'two', 'three']
    const mail = { to: 'mira@example.com', text: 'Hello', html: '<p>Hello</p>' }
    await Promise.all(names.map((subject) => write({ ...mail, subject })))
    expect(subjects()).to.deep.equal(names)
  })

  it('writes whole mails that their owner alone can read', async () => {
    await send('one', { messageId: '<abc@acme.example>' })
    const [content = ''] = contents()
    for (const line of [
      /^From: Acme <no-reply@acme\.example>\r$/m,
      /^To: mira@example\.com\r$/m,
      /^Message-ID: <abc@acme\.example>\r$/m,
      /^Content-Type: text\/plain/m,
      /^Content-Type: text\/html/m,
    ])
      expect(content).to.match(line)
    expect(statSync(outbox()).mode & 0o777).to.equal(0o700)
    const [name = ''] = readdirSync(outbox())
    expect(statSync(join(outbox(), name)).mode & 0o777).to.equal(0o600)
  })

  it('writes to one address, and no header of a name or a subject', async () => {
    await send('one\r\nBcc: eve@example.com', { to: 'mira@example.com\r\nBcc: eve@example.com' })
    expect(contents()[0]).not.to.match(/^Bcc:/im)
  })
})
