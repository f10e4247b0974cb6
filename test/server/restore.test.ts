import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setInstallation } from './installation.ts'
import { expect } from 'chai'
import { loadConfig } from '../../config/load.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa, type ServerMfa } from '../../src/server/boot/mfa.ts'
import type { Letters } from '../../src/server/notices/letters.ts'
import { restoreAccounts, unfinishedRestore } from '../../src/server/upkeep/restore.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  redeem,
  signIn,
  tokenRequest,
  type Person,
  type TestServer,
} from './support.ts'

describe('restore', () => {
  const installation = setInstallation()
  const { serving } = installation
  const backup = (): string => join(installation.folder, 'backup.sqlite')
  const cli = (line: string) => installation.cli(...line.split(' '))
  /** Makes a backup as the operating guide says. */
  const backUp = (): void => {
    const database = new DatabaseSync(installation.path)
    database.exec(`VACUUM INTO '${backup()}'`)
    database.close()
  }
  const putBack = (): void => {
    for (const end of ['', '-wal', '-shm']) rmSync(`${installation.path}${end}`, { force: true })
    copyFileSync(backup(), installation.path)
  }
  /** Signs in with a backup code and returns the page that follows. */
  const useBackupCode = async (server: TestServer, person: Person, code: string): Promise<Page> => {
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    const verify = await browser.follow(
      await browser.submit(login, { username: person.username, password: person.password }),
      atTheApp,
    )
    const choose = await browser.visit(verify.link('[data-other-way]'))
    const form = await browser.follow(
      await browser.submit(choose, { factor: 'backup-codes' }),
      atTheApp,
    )
    return browser.submit(form, { backupCode: code })
  }

  /** The services of the command `restore`, on the storage of these tests. */
  const working = async (): Promise<{
    services: Parameters<typeof restoreAccounts>[0]
    mfa: ServerMfa
    waiting: Letters
    close(): Promise<void>
  }> => {
    const foundation = await layFoundation(loadConfig(installation.environment))
    const { storage, clock, record, letters: waiting } = foundation
    const mfa = serverMfa(foundation)
    return {
      services: { ...storage, mfa, clock, record },
      mfa,
      waiting,
      close: () => storage.close(),
    }
  }

  /** The link of the mail that the server has written as a file. */
  const mailedLink = async (server: TestServer): Promise<URL> => {
    const outbox = join(server.folder, 'outbox')
    const names = (): string[] => (existsSync(outbox) ? readdirSync(outbox) : [])
    while (!names().some((name) => name.endsWith('.eml'))) await sleep(20)
    const [name = ''] = names()
    const text = readFileSync(join(outbox, name), 'utf8').replaceAll('=\r\n', '')
    return new URL(/https?:\S+\/password\/reset\/[\w.-]+/.exec(text)?.[0] ?? '')
  }

  it('R37 keeps spent codes spent, and sessions and tokens of before dead', async () => {
    let server = await serving()
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const scope = { scope: 'openid offline_access', prompt: 'consent' }
    const tokens = await redeem(
      server,
      await signIn(browser, server.authorize(scope), alice, server),
    )
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(tokens.body['refresh_token']),
    }
    const [spent = '', other = ''] = (alice as Person).codes ?? []
    backUp()
    expect((await useBackupCode(server, alice, spent)).status).to.equal(303)
    await server.stop()

    putBack()
    const { code, out } = await cli('restore --confirm --json')
    expect({ code, ...(JSON.parse(out) as object) }).to.deep.equal({
      code: 0,
      accounts: 1,
      done_before: 0,
      with_backup_codes: 1,
      dry_run: false,
    })
    server = await serving()
    for (const one of [spent, other])
      expect((await useBackupCode(server, alice, one)).status).to.equal(422)
    expect((await tokenRequest(server, refresh)).status).to.equal(400)
    const silent = await browser.visit(server.authorize({ prompt: 'none' }), atTheApp)
    expect(silent.location?.searchParams.get('error')).to.equal('login_required')

    server.clock.ahead = 120
    const again = await signIn(new HttpClient(), server.authorize(), alice, server)
    expect(again.location?.searchParams.has('code')).to.equal(true)
  })

  it('R37 makes links void that the backup would bring back', async () => {
    const { out } = await cli('user add bob --json')
    const link = new URL((JSON.parse(out) as { set_up_link: string }).set_up_link)
    await cli('restore --confirm')
    const server = await serving()
    const page = await new HttpClient().visit(new URL(link.pathname, server.url))
    expect(page.status).to.equal(410)
  })

  it('R3 R37 makes a mailed link void, and takes back the mails of the backup that have a code or a link', async () => {
    let server = await serving()
    await addPerson(server)
    const browser = new HttpClient()
    const page = await browser.get(`${server.issuer}/password/forgotten`)
    await browser.submit(page, { username: 'alice' })
    const link = await mailedLink(server)
    expect((await new HttpClient().visit(new URL(link.pathname, server.url))).status).to.equal(200)
    await server.stop()
    const now = server.clock.now()
    const { services, waiting, close } = await working()
    const { account } = (await services.accounts.byName('alice'))!
    const letter = { accountId: account.id, to: 'alice@example.com', values: {}, languages: '' }
    await waiting.put([
      { ...letter, about: 'link', template: 'password-reset', until: now + 600 },
      { ...letter, about: 'ended', template: 'password-reset', until: now - 1 },
      { ...letter, about: 'notice', template: 'password-changed' },
    ])
    await close()

    expect((await cli('restore --confirm')).code).to.equal(0)
    const after = await working()
    const left = await after.services.outbox.list({ limit: 9 })
    expect(left.map(({ until }) => until)).to.deep.equal([undefined])
    await after.close()
    server = await serving()
    const gone = await new HttpClient().visit(new URL(link.pathname, server.url))
    expect(gone.status).to.equal(410)
  })

  it('asks for a confirmation, and says beforehand whom it concerns', async () => {
    await cli('user add bob')
    const asked = await cli('restore')
    expect(asked.code).to.equal(1)
    expect(asked.err).to.contain('--dry-run').and.to.contain('--confirm')
    const before = await cli('user show bob --json')
    expect((await cli('restore --dry-run')).out).to.contain('1 accounts would be signed out')
    expect(await cli('user show bob --json')).to.deep.equal(before)
    const { out } = await cli('restore --confirm')
    expect(out).to.contain('1 accounts are signed out').and.to.contain('client rotate-secret')
    expect((await cli('audit --type storage-restored')).out).to.contain('storage-restored')
  })

  it('R37 counts the owners of imported backup codes too: these become void as well', async () => {
    const person = { username: 'mira', totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }
    const backupCodes = ['abcd-efgh-1234-5678', 'ijkl-mnop-9012-3456']
    const file = join(installation.folder, 'people.jsonl')
    writeFileSync(file, JSON.stringify({ ...person, backupCodes }))
    await installation.cli('user', 'import', file)
    await cli('user add bob')
    for (const how of ['--dry-run', '--confirm']) {
      const { out } = await cli(`restore ${how} --json`)
      expect(JSON.parse(out)).to.include({ accounts: 2, with_backup_codes: 1 })
    }
    const { mfa } = JSON.parse((await cli('user show mira --json')).out) as {
      mfa: { factors: { factor: string; remaining?: number }[] }
    }
    expect(mfa.factors.find(({ factor }) => factor === 'imported-codes')).to.include({
      remaining: 0,
    })
  })

  it('goes on where it broke off, when it is told to', async () => {
    for (const name of ['ada', 'bob', 'cyd']) await cli(`user add ${name}`)
    const { services, mfa, close } = await working()
    let done = 0
    const breaking = {
      ...mfa,
      accounts: {
        ...mfa.accounts,
        async restored(id: string) {
          done += 1
          if (done === 3) throw new Error('the power went')
          return mfa.accounts.restored(id)
        },
      },
    }
    const broken = restoreAccounts({ ...services, mfa: breaking }, { dryRun: false })
    expect(await broken.catch((error: Error) => error.message)).to.equal('the power went')
    expect(await unfinishedRestore(services.settings)).to.be.a('number')
    await close()

    expect((await cli('doctor')).out).to.match(/restore +failed +has not finished/)
    // The server does not start, because the accounts that the restore has not reached are still as in the backup.
    expect(await cli('serve')).to.deep.include({ code: 1, out: '' })
    expect((await cli('serve')).err)
      .to.contain('restore --confirm --resume')
      .and.contain('--anew')
    const plain = await cli('restore --confirm')
    expect(plain).to.include({ code: 1 })
    expect(plain.err).to.contain('--resume').and.to.contain('--anew')
    const resumed = await cli('restore --confirm --resume --json')
    expect(JSON.parse(resumed.out)).to.include({ accounts: 3, done_before: 2 })
    expect((await cli('doctor')).out).not.to.match(/restore +failed/)
    expect(await cli('restore --confirm --resume')).to.include({ code: 1 })
  })

  it('begins again when another backup was put back', async () => {
    for (const name of ['ada', 'bob']) await cli(`user add ${name}`)
    const { services, close } = await working()
    await services.settings.insert('restore', { startedAt: 1 })
    await close()
    expect(JSON.parse((await cli('restore --confirm --anew --json')).out)).to.include({
      accounts: 2,
      done_before: 0,
    })
    expect(await cli('restore --confirm --resume --anew')).to.include({ code: 2 })
  })
})
