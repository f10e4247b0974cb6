import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { findByName } from '../../../src/server/accounts/people.ts'
import { setUpLinksOf } from '../../../src/server/pages/links.ts'
import { onEachStorage } from './on-each-storage.ts'

interface Taken {
  readonly to: string
  readonly subject: string
  readonly token: string
}

interface Mailed {
  readonly mail: { readonly address: string; readonly outcome: string; readonly fault: unknown }
  readonly set_up_link?: string
}

onEachStorage('links by mail', (line) => {
  const { cli, file, within } = line
  let smtp: SMTPServer
  let taken: Taken[]
  /** The answer of the mail server to a recipient. Undefined: it takes the mail. */
  let refuse: (address: string) => Error | undefined

  const refused = (responseCode: number, text: string): Error =>
    Object.assign(new Error(text), { responseCode })

  beforeEach(async () => {
    taken = []
    refuse = () => undefined
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onRcptTo: ({ address }, _session, done) => done(refuse(address)),
      onData(stream, session, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const text = Buffer.concat(chunks).toString().replaceAll('=\r\n', '')
          const { address } = session.envelope.rcptTo[0]!
          taken.push({
            to: address,
            subject: /^Subject: (.*)$/m.exec(text)?.[1]?.trim() ?? '',
            token: /\/set-up\/([\w-]{43})/.exec(text)?.[1] ?? '',
          })
          done()
        })
      },
    })
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    const { port } = smtp.server.address() as AddressInfo
    line.environment = { SMTP_URL: `smtp://127.0.0.1:${port}` }
  })
  afterEach(
    () =>
      new Promise<void>((done) => {
        smtp.close(done)
      }),
  )

  /** The kind of a link, if it is good for this person. */
  const linkOf = (token: string): Promise<{ of?: string; setsPassword: boolean }> =>
    within(async (foundation, mfa) => {
      const links = setUpLinksOf(foundation, mfa)
      const account = await links.look(token)
      return {
        ...(account === undefined ? {} : { of: account.username }),
        setsPassword: await links.setsPassword(token),
      }
    })
  const linksMade = async (): Promise<number> =>
    (await cli('audit --type set-up-link-made --json')).json<{ entries: unknown[] }>().entries
      .length

  it('user add sends the invitation and does not print it', async () => {
    const added = await cli('user add mira --email mira@example.com --mail --json')
    expect(added).to.include({ code: 0, err: '' })
    const { mail, set_up_link: printed } = added.json<Mailed>()
    expect(mail).to.deep.equal({ address: 'mira@example.com', outcome: 'sent', fault: null })
    expect(printed).to.equal(undefined)
    expect(taken.map(({ to, subject }) => [to, subject])).to.deep.equal([
      ['mira@example.com', 'Your account at Acme'],
    ])
    expect(await linkOf(taken[0]!.token)).to.deep.equal({ of: 'mira', setsPassword: true })
    expect(added.out).not.to.contain(taken[0]!.token)
    const text = await cli('user add theo --email theo@example.com --mail')
    expect(text.out).to.match(
      /^theo was added\. The link sets the password, once, until .*\.\nIt was sent to theo@example\.com\.\n$/,
    )
  })

  it('user link sends an invitation, or a link for a new password', async () => {
    await cli('user add mira --email mira@example.com')
    expect((await cli('user link mira --mail')).code).to.equal(0)
    await cli('user add theo --email theo@example.com --password-stdin', 'a long walk in the rain')
    expect((await cli('user link theo --mail')).code).to.equal(0)
    expect(taken.map(({ to, subject }) => [to, subject])).to.deep.equal([
      ['mira@example.com', 'Your account at Acme'],
      ['theo@example.com', 'Choose a new password for your Acme account'],
    ])
    expect(await linkOf(taken[1]!.token)).to.deep.equal({ of: 'theo', setsPassword: true })
  })

  it('user reset-mfa sends its link after the notice of the reset, which does not withdraw it', async () => {
    await cli('user add mira --email mira@example.com --password-stdin', 'a long walk in the rain')
    const reset = await cli('user reset-mfa mira --mail')
    expect(reset).to.include({ code: 0, err: '' })
    expect(taken.map(({ subject }) => subject)).to.deep.equal([
      'The second step of your Acme account was reset',
      'Set up the second step of your Acme account again',
    ])
    expect(await linkOf(taken[1]!.token)).to.deep.equal({ of: 'mira', setsPassword: false })
    await cli('user reset-mfa mira --password --mail')
    const last = taken.at(-1)!
    expect(last.subject).to.equal('Choose a new password for your Acme account')
    expect(await linkOf(last.token)).to.deep.equal({ of: 'mira', setsPassword: true })
  })

  it('says that a mail waits, and why; the server sends it', async () => {
    refuse = () => refused(450, '4.2.0 busy')
    const added = await cli('user add mira --email mira@example.com --mail --json')
    expect(added.code).to.equal(0)
    expect(added.json<Mailed>().mail).to.deep.equal({
      address: 'mira@example.com',
      outcome: 'waiting',
      fault: '450 4.2.0 busy',
    })
    expect((await cli('mail list')).out).to.contain('set-up-invitation')
    const text = await cli('user link mira --mail')
    expect(text.out).to.contain('It waits to be sent to mira@example.com.')
    expect(text.err).to.contain('450 4.2.0 busy')
  })

  it('fails if the mail server refuses the address for good', async () => {
    refuse = () => refused(550, '5.1.1 unknown')
    const added = await cli('user add mira --email mira@example.com --mail')
    expect(added.code).to.equal(1)
    expect(added.out).to.contain('mira was added.').and.to.contain('nobody tries again')
    expect((await cli('user show mira')).code).to.equal(0)
  })

  describe('changes nothing', () => {
    const password = 'a long walk in the rain'
    beforeEach(async () => {
      const path = file('e.json', { email: 'theo@example.com', email_verified: false })
      await cli('user add mira --email mira@example.com --password-stdin', password)
      await cli(`user add theo --claims ${path} --password-stdin`, password)
      await cli('user add anna --password-stdin', password)
    })
    const epochs = () =>
      within(async ({ storage }, mfa) => {
        const found = await Promise.all(
          ['mira', 'theo', 'anna'].map((name) => findByName(storage.accounts, name)),
        )
        return Promise.all(found.map((one) => mfa.accounts.epoch(one!.account.id)))
      })

    it('without SMTP_URL', async () => {
      line.environment = {}
      const before = await epochs()
      for (const command of [
        'user add new --email new@example.com',
        'user link mira',
        'user reset-mfa mira',
        'user reset-mfa mira --password',
        'user link --all-without-password',
      ])
        expect((await cli(`${command} --mail --json`)).failure(), command).to.equal('mail-unset')
      expect(await epochs()).to.deep.equal(before)
      expect((await cli('user show new')).code).to.equal(1)
      expect(await linksMade()).to.equal(0)
    })

    it('without a verified address', async () => {
      const before = await epochs()
      const claims = file('f.json', { email: 'new@example.com', email_verified: false })
      for (const command of [
        'user add new',
        'user add new --email new@example.com --email-unverified',
        `user add new --claims ${claims}`,
        'user link theo',
        'user link anna',
        'user reset-mfa theo',
        'user reset-mfa anna --password',
      ])
        expect((await cli(`${command} --mail --json`)).failure(), command).to.equal('no-address')
      expect(await epochs()).to.deep.equal(before)
      expect((await cli('user show new')).code).to.equal(1)
      expect(await linksMade()).to.equal(0)
      expect(taken).to.deep.equal([])
    })
  })

  describe('to everybody without a password', () => {
    beforeEach(async () => {
      const people = [
        ...['mira', 'theo', 'paul'].map((username) => ({
          username,
          email: `${username}@example.com`,
        })),
        { username: 'anna' },
      ]
      const path = file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
      expect((await cli(`user import ${path}`)).code).to.equal(0)
      await cli('user add zoe --email zoe@example.com --password-stdin', 'a long walk in the rain')
      await cli('user disable paul')
    })
    const all = 'user link --all-without-password --mail'

    it('are sent once each, and counted', async () => {
      const sent = await cli(`${all} --json`)
      expect(sent).to.include({ code: 0, err: '' })
      expect(sent.json()).to.deep.equal({
        sent: 2,
        waiting: 0,
        failed: 0,
        no_address: 1,
        skipped: 0,
      })
      expect(taken.map(({ to }) => to).sort()).to.deep.equal([
        'mira@example.com',
        'theo@example.com',
      ])
      for (const { to, token } of taken) expect((await linkOf(token)).of).to.equal(to.split('@')[0])
    })

    it('are not sent again in the next 24 hours, unless told so or the link is void', async () => {
      await cli(all)
      const again = await cli(all)
      expect(again.out).to.equal(
        'Sent: 0.\nSkipped, because a link was mailed in the last 24 hours: 2. --again mails it.\nWithout a verified address: 1.\n',
      )
      expect(taken).to.have.length(2)
      expect((await cli(`${all} --again`)).out).to.equal(
        'Sent: 2.\nWithout a verified address: 1.\n',
      )
      await cli('user reset-mfa theo --password')
      expect((await cli(`${all} --json`)).json()).to.include({ sent: 1, skipped: 1 })
      expect(taken.at(-1)!.to).to.equal('theo@example.com')
    })

    it('are not sent to a person to whom another command has mailed one', async () => {
      await cli('user link mira --mail')
      expect((await cli(`${all} --json`)).json()).to.include({ sent: 1, skipped: 1 })
      expect(taken.map(({ to }) => to)).to.deep.equal(['mira@example.com', 'theo@example.com'])
    })

    it('are sent again if the mail server has refused them for good', async () => {
      refuse = () => refused(550, 'unknown')
      expect((await cli(`${all} --json`)).json()).to.include({ failed: 2, skipped: 0 })
      await cli('user link mira --mail')
      refuse = () => undefined
      expect((await cli(`${all} --json`)).json()).to.include({ sent: 2, skipped: 0 })
    })

    it('are counted apart if they wait or fail', async () => {
      refuse = (address) =>
        address.startsWith('mira') ? refused(550, 'unknown') : refused(450, 'busy')
      const sent = await cli(`${all} --json`)
      expect(sent.code).to.equal(1)
      expect(sent.json()).to.deep.equal({
        sent: 0,
        waiting: 1,
        failed: 1,
        no_address: 1,
        skipped: 0,
      })
    })
  })

  for (const command of [
    'user link',
    'user link --mail',
    'user link mira --all-without-password --mail',
    'user link --all-without-password',
    'user link mira --mail --again',
    'user add mira --email mira@example.com --password-stdin --mail',
  ])
    it(`${command} is not understood`, async () => {
      const refusal = await cli(`${command} --json`)
      expect(refusal.code).to.equal(2)
      expect(refusal.failure()).to.equal('usage')
    })
})
