import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { setInstallation } from './installation.ts'

interface Listed {
  readonly id: string
  readonly kind: string | null
  readonly account: string
  readonly address: string | null
  readonly tries: number
  readonly fault: string | null
  readonly due_at: number
  readonly ends_at: number | null
}

describe('mails that wait, and the command line', () => {
  const here = setInstallation()
  let smtp: SMTPServer
  let taken: string[]
  /** The answer of the mail server to a recipient. Undefined: it takes the mail. */
  let refusal: Error | undefined

  const refused = (responseCode: number, text: string): Error =>
    Object.assign(new Error(text), { responseCode })
  const out = async <T>(...argv: string[]): Promise<T> => {
    const { code, out: printed, err } = await here.cli(...argv, '--json')
    expect(code, err).to.equal(0)
    return JSON.parse(printed) as T
  }
  const listed = async (...options: string[]): Promise<readonly Listed[]> =>
    (await out<{ mails: Listed[] }>('mail', 'list', ...options)).mails
  const faultOf = async (...argv: string[]): Promise<string> => {
    const { code, err } = await here.cli(...argv, '--json')
    expect(code).to.equal(1)
    return (JSON.parse(err) as { error: { code: string } }).error.code
  }
  const onStorage = async <T>(work: (storage: ServerStorage) => Promise<T>): Promise<T> => {
    const storage = openSqliteStorage({ path: here.path })
    try {
      return await work(storage)
    } finally {
      await storage.close()
    }
  }
  const trail = (type: string) => onStorage((storage) => storage.audit.list({ type, limit: 99 }))
  const withSmtp = (): void => {
    const { port } = smtp.server.address() as AddressInfo
    here.environment = { ...here.environment, SMTP_URL: `smtp://127.0.0.1:${port}` }
  }

  beforeEach(async () => {
    taken = []
    refusal = undefined
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onRcptTo: (_address, _session, done) => done(refusal),
      onData(stream, session, done) {
        stream.resume()
        stream.on('end', () => {
          taken.push(...session.envelope.rcptTo.map(({ address }) => address))
          done()
        })
      },
    })
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    for (const name of ['anna', 'mira'])
      await here.cli('user', 'add', name, '--email', `${name}@example.com`)
  })
  afterEach(
    () =>
      new Promise<void>((done) => {
        smtp.close(done)
      }),
  )

  /** Puts the notice of a reset into the outbox; answers what the command said of it on standard error. */
  const reset = async (name: string, ...options: string[]): Promise<string> => {
    const { code, err } = await here.cli('user', 'reset-mfa', name, ...options)
    expect(code, err).to.equal(0)
    return err
  }

  describe('mail list', () => {
    it('tells what waits, for whom, how often it was tried, why it was not sent and when it is due', async () => {
      expect(await listed()).to.deep.equal([])
      await reset('mira')
      const [before] = await listed()
      expect(before).to.deep.include({
        kind: 'mfa-reset',
        account: 'mira',
        address: 'm•••@example.com',
        tries: 0,
        fault: null,
        ends_at: null,
      })
      withSmtp()
      refusal = refused(450, '4.2.0 <mira@example.com> is busy, code 123456')
      await out('mail', 'retry', '--all')
      const [after] = await listed()
      expect(after).to.deep.include({ id: before?.id, tries: 1 })
      expect(after?.fault).to.match(/^450 4\.2\.0 <…> is busy, code …$/)
      expect(after?.due_at).to.be.greaterThan(before?.due_at ?? Infinity)
      const { out: text } = await here.cli('mail', 'list')
      expect(text).to.match(/mfa-reset +mira +m•••@example\.com +1 +\S+ +450 4\.2\.0/)
    })

    it('R31 shows no text, no code, no link and no address', async () => {
      await reset('mira')
      const { out: text } = await here.cli('mail', 'list')
      const { out: json } = await here.cli('mail', 'list', '--json')
      const rows = await onStorage((storage) => storage.outbox.list({ limit: 9 }))
      for (const shown of [text, json]) {
        expect(shown).to.contain('mfa-reset')
        expect(shown).not.to.match(/mira@|https?:|Hello/)
        expect(shown).not.to.contain(rows[0]?.value)
      }
    })

    it('goes on page by page', async () => {
      for (const name of ['anna', 'mira']) await reset(name)
      type Page = { mails: Listed[]; next: string | null }
      const first = await out<Page>('mail', 'list', '--limit', '1')
      const second = await out<Page>('mail', 'list', '--limit', '1', '--cursor', String(first.next))
      expect([...first.mails, ...second.mails].map(({ account }) => account)).to.have.members([
        'anna',
        'mira',
      ])
      expect(second.next).to.equal(null)
      for (const limit of ['0', '10001', 'x'])
        expect(await faultOf('mail', 'list', '--limit', limit)).to.equal('limit')
    })

    it('lists a mail that does not open with our keys', async () => {
      const row = { id: 'broken', accountId: 'gone', value: 'no seal' }
      await onStorage((storage) => storage.outbox.add([row], 1))
      const [mail] = await listed()
      expect(mail).to.deep.include({ id: 'broken', kind: null, address: null, account: 'gone' })
      expect((await here.cli('mail', 'list')).out).to.contain('(does not open)')
    })
  })

  describe('mail retry', () => {
    type Retried = {
      due: number
      held: string[]
      sends: boolean
      mails: { id: string; outcome: string; fault: string | null }[]
    }

    it('sends a mail now that would wait, and says what became of it', async () => {
      withSmtp()
      refusal = refused(451, 'not today')
      await reset('mira')
      await reset('anna')
      const [id] = (await listed()).filter(({ account }) => account === 'mira').map((one) => one.id)
      refusal = undefined
      const retried = await out<Retried>('mail', 'retry', String(id))
      expect(retried).to.deep.equal({
        due: 1,
        held: [],
        sends: true,
        mails: [{ id, outcome: 'sent', fault: null }],
      })
      expect(taken).to.deep.equal(['mira@example.com'])
      expect((await listed()).map(({ account }) => account)).to.deep.equal(['anna'])
    })

    it('says which mails the mail server does not take now, and which it never takes', async () => {
      withSmtp()
      for (const name of ['anna', 'mira']) {
        refusal = refused(451, 'not today')
        await reset(name)
      }
      const outcomes = async () =>
        (await out<Retried>('mail', 'retry', '--all')).mails.map(({ outcome, fault }) => [
          outcome,
          fault,
        ])
      const postponed = ['postponed', '451 not today']
      expect(await outcomes()).to.deep.equal([postponed, postponed])
      refusal = refused(550, 'no such mailbox')
      const given = ['given-up', '550 no such mailbox']
      expect(await outcomes()).to.deep.equal([given, given])
      expect(await listed()).to.deep.equal([])
      const entries = await trail('mail-not-delivered')
      expect(entries.map(({ detail }) => detail.reason)).to.deep.equal(['refused', 'refused'])
    })

    it('leaves the sending to the server where the command has no mail server', async () => {
      await reset('mira')
      const retried = await out<Retried>('mail', 'retry', '--all')
      expect(retried).to.deep.include({ due: 1, sends: false })
      expect(retried.mails.map(({ outcome }) => outcome)).to.deep.equal(['waiting'])
      expect((await here.cli('mail', 'retry', '--all')).out).to.contain('the server sends them')
    })

    it('R18 leaves a mail alone that a node is sending', async () => {
      await reset('mira')
      withSmtp()
      await onStorage((storage) => storage.outbox.claim(4e9, 4e9 + 30))
      const [held] = await listed()
      const retried = await out<Retried>('mail', 'retry', '--all')
      expect(retried).to.deep.include({ due: 0, held: [held?.id] })
      expect(taken).to.deep.equal([])
    })

    it('takes the id of one mail that waits, or all', async () => {
      expect(await faultOf('mail', 'retry')).to.equal('mail-chosen')
      expect(await faultOf('mail', 'retry', 'x', '--all')).to.equal('mail-chosen')
      expect(await faultOf('mail', 'retry', 'x')).to.equal('mail-unknown')
    })
  })

  describe('mail drop', () => {
    it('removes one mail or all for good, and the trail says so', async () => {
      for (const name of ['anna', 'mira']) await reset(name)
      const rows = await onStorage((storage) => storage.outbox.list({ limit: 9 }))
      expect(await faultOf('mail', 'drop', String(rows[0]?.id))).to.equal('confirm')
      expect(await listed()).to.have.length(2)
      expect(await out('mail', 'drop', String(rows[0]?.id), '--confirm')).to.deep.equal({
        dropped: 1,
      })
      expect((await listed()).map(({ id }) => id)).to.deep.equal([rows[1]?.id])
      expect(await out('mail', 'drop', '--all', '--confirm')).to.deep.equal({ dropped: 1 })
      expect(await listed()).to.deep.equal([])
      expect((await trail('mail-dropped')).map(({ accountId }) => accountId)).to.have.members(
        rows.map(({ accountId }) => accountId),
      )
    })

    it('takes the id of one mail that waits, or all', async () => {
      expect(await faultOf('mail', 'drop', '--confirm')).to.equal('mail-chosen')
      expect(await faultOf('mail', 'drop', 'x', '--confirm')).to.equal('mail-unknown')
    })
  })

  describe('a command that sends', () => {
    it('says nothing when its mails are sent', async () => {
      withSmtp()
      expect(await reset('mira')).to.equal('')
      expect(taken).to.deep.equal(['mira@example.com'])
    })

    it('says that it has no mail server', async () => {
      expect(await reset('mira')).to.equal(
        '1 mail was not sent (mfa-reset): SMTP_URL is not set for this command. The server sends it.\n',
      )
      expect(JSON.parse(await reset('anna', '--json'))).to.deep.equal({
        warning: 'mail-not-sent',
        kind: 'mfa-reset',
        count: 1,
        reason: 'SMTP_URL is not set for this command',
        next: 'server',
      })
    })

    it('says what the mail server has answered, and whether somebody tries again', async () => {
      withSmtp()
      refusal = refused(450, '<mira@example.com> is busy')
      expect(await reset('mira')).to.equal(
        '1 mail was not sent (mfa-reset): 450 <…> is busy. The server goes on trying.\n',
      )
      refusal = refused(550, 'no such mailbox')
      expect(await reset('anna')).to.equal(
        '1 mail was not sent (mfa-reset): 550 no such mailbox. Nobody tries again.\n',
      )
      expect(JSON.parse(await reset('mira', '--json'))).to.include({
        next: 'given-up',
        reason: '550 no such mailbox',
      })
    })

    it('says that the mail server does not answer', async () => {
      here.environment = { ...here.environment, SMTP_URL: 'smtp://127.0.0.1:1' }
      expect(await reset('mira')).to.equal(
        '1 mail was not sent (mfa-reset): ECONNREFUSED. The server goes on trying.\n',
      )
    })

    it('does not try the mails of others when it has none', async () => {
      await reset('mira')
      withSmtp()
      expect((await here.cli('user', 'list')).err).to.equal('')
      expect(taken).to.deep.equal([])
    })
  })
})
