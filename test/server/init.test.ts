import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { settingsFileText } from '../../src/server/cli/settings-file.ts'
import type { Terminal } from '../../src/server/cli/terminal.ts'
import { freePort } from '../support/mongodb.ts'
import { commandLine, type CommandLine, type Ran } from './command-line.ts'

const BIN = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))
const PASSWORD = 'p@ss/w:rd%41'

describe('init', () => {
  let here: CommandLine
  let folder: string

  beforeEach(() => {
    here = commandLine()
    for (const name of Object.keys(here.environment)) delete here.environment[name]
    folder = join(here.folder, 'settings')
  })
  afterEach(() => here.remove())

  const words = (more: Readonly<Record<string, string>> = {}): string[] => {
    const options = {
      '--issuer': 'https://id.example.com',
      '--smtp': 'smtp://mail.example.com:587',
      '--dir': folder,
      ...more,
    }
    return [
      'init',
      ...Object.entries(options)
        .flat()
        .filter((word) => word !== ''),
    ]
  }
  const init = (
    more?: Readonly<Record<string, string>>,
    terminal?: Partial<Terminal>,
  ): Promise<Ran> => here.run(words(more), terminal)
  const written = (): Readonly<Record<string, string | undefined>> =>
    parseEnv(readFileSync(join(folder, 'server.env'), 'utf8'))
  const codeOf = ({ err }: Ran): unknown =>
    (JSON.parse(err) as { error: { code: string } }).error.code
  const expectNothing = (): void => {
    expect(existsSync(folder), 'the folder').to.equal(false)
    expect(readdirSync(here.folder)).to.deep.equal([])
  }

  it('writes a file that its owner alone may read, and names it and the next commands', async () => {
    const { code, out, err } = await init()
    expect([code, err]).to.deep.equal([0, ''])
    const path = join(folder, 'server.env')
    expect(readdirSync(folder)).to.deep.equal(['server.env'])
    expect(statSync(path).mode & 0o777).to.equal(0o600)
    expect(out).to.contain(`${path} was made`)
    expect(out).to.contain(`  npx oidc-provider-mfa config check --env-file ${path}\n`)
    expect(out).to.contain(`  npx oidc-provider-mfa serve --env-file ${path}\n`)
    const { ENCRYPTION_KEYS = '', COOKIE_KEYS = '', ...rest } = written()
    expect(rest).to.deep.equal({
      NODE_ENV: 'production',
      ISSUER: 'https://id.example.com',
      HOST: '127.0.0.1',
      PORT: '3000',
      TRUSTED_PROXIES: '127.0.0.1,::1',
      STORAGE_URL: `sqlite:${folder}/server.sqlite`,
      SMTP_URL: 'smtp://mail.example.com:587',
      MAIL_FROM: 'no-reply@id.example.com',
    })
    expect(ENCRYPTION_KEYS).not.to.equal(COOKIE_KEYS)
    for (const key of [ENCRYPTION_KEYS, COOKIE_KEYS]) {
      expect(Buffer.from(key, 'base64')).to.have.length(32)
      expect(out).not.to.contain(key)
    }
  })

  it('writes what `config check` accepts without a warning, and other keys each time', async () => {
    await init()
    const checked = await here.run([
      'config',
      'check',
      '--env-file',
      join(folder, 'server.env'),
      '--json',
    ])
    expect(checked.code, checked.out).to.equal(0)
    expect(checked.json<{ result: string }[]>().map(({ result }) => result)).not.to.include(
      'warning',
    )
    const before = written()
    folder = join(here.folder, 'second')
    await init()
    expect(written()['ENCRYPTION_KEYS']).not.to.equal(before['ENCRYPTION_KEYS'])
  })

  it('starts in production with the file as it is', async () => {
    const port = await freePort()
    await init({ '--port': String(port) })
    const { PATH = '' } = process.env
    const child = spawn(
      process.execPath,
      [BIN, 'serve', '--env-file', join(folder, 'server.env')],
      {
        cwd: here.folder,
        env: { PATH },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => void (output += chunk.toString()))
    try {
      const ready = async (): Promise<boolean> => {
        const url = `http://127.0.0.1:${port}/health/ready`
        return (await fetch(url).catch(() => undefined))?.status === 200
      }
      while (!(await ready())) {
        if (child.exitCode !== null) throw new Error(output)
        await sleep(50)
      }
      const discovery = await fetch(`http://127.0.0.1:${port}/.well-known/openid-configuration`)
      expect(await discovery.json()).to.include({ issuer: 'https://id.example.com' })
      expect(existsSync(join(folder, 'server.sqlite'))).to.equal(true)
    } finally {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  })

  it('replaces no file, and looks before it asks', async () => {
    await init()
    const before = readFileSync(join(folder, 'server.env'), 'utf8')
    const ask = (): never => expect.fail('asked')
    const again = await init({ '--json': '' }, { ask })
    expect([again.code, codeOf(again)]).to.deep.equal([1, 'file-exists'])
    expect(again.err).to.contain(join(folder, 'server.env'))
    expect(readFileSync(join(folder, 'server.env'), 'utf8')).to.equal(before)
    expect(readdirSync(folder)).to.deep.equal(['server.env'])
  })

  it('replaces no file that appears while it asks', async () => {
    const ask = async (question: string): Promise<string> => {
      if (question.startsWith('The sender')) writeFileSync(join(here.folder, 'server.env'), 'mine')
      return ''
    }
    folder = here.folder
    const ran = await init({}, { ask })
    expect([ran.code, ran.err]).to.deep.equal([
      1,
      `${join(folder, 'server.env')} exists already: nothing was written.\n`,
    ])
    expect(readFileSync(join(folder, 'server.env'), 'utf8')).to.equal('mine')
    expect(readdirSync(folder)).to.deep.equal(['server.env'])
  })

  it('leaves nothing behind if the settings do not fit', async () => {
    const unfit: Readonly<Record<string, string>>[] = [
      { '--issuer': 'http://id.example.com' },
      { '--issuer': 'https://id.example.com/path' },
      { '--port': '70000' },
      { '--storage': 'postgres://db.example.com' },
      { '--smtp': 'mail.example.com' },
      { '--mail-from': 'nobody' },
    ]
    for (const options of unfit) {
      const ran = await init({ ...options, '--json': '' })
      expect([ran.code, codeOf(ran)], JSON.stringify(options)).to.deep.equal([1, 'configuration'])
      expectNothing()
    }
    writeFileSync(join(here.folder, 'file'), '')
    folder = join(here.folder, 'file', 'below')
    expect(codeOf(await init({ '--json': '' }))).to.equal('file-unwritable')
  })

  it('names everything that is missing where nobody can be asked', async () => {
    const ran = await here.run(['init', '--dir', folder, '--json'])
    expect([ran.code, codeOf(ran)]).to.deep.equal([1, 'settings-missing'])
    expect(ran.err).to.contain('--issuer').and.contain('--smtp')
    expectNothing()
  })

  it('asks for what is missing, again after an unfit answer, and takes the default for an empty one', async () => {
    const asked: string[] = []
    const answers = [
      'http://id.example.com',
      'https://id.example.com',
      '',
      'smtps://mailer@mail.example.com',
      '',
      '4000',
      PASSWORD,
    ]
    const ask: Terminal['ask'] = async (question, about) => {
      asked.push(about?.isHidden === true ? `hidden: ${question}` : question)
      return answers.shift() ?? expect.fail(question)
    }
    const ran = await here.run(['init', '--dir', folder], { ask })
    expect(ran.code, ran.err).to.equal(0)
    expect(asked[1]).to.match(/^ISSUER is not https: .*\nThe https address of the server: $/)
    expect(asked.at(-1)).to.equal('hidden: The password of mailer at mail.example.com: ')
    const { SMTP_URL = '', ...rest } = written()
    expect(rest).to.include({ ISSUER: 'https://id.example.com', PORT: '4000' })
    expect(rest).to.include({ MAIL_FROM: 'no-reply@id.example.com' })
    expect(decodeURIComponent(new URL(SMTP_URL).password)).to.equal(PASSWORD)
    expect(ran.out).not.to.contain(encodeURIComponent(PASSWORD))
  })

  it('stops when a question that has no default gets no answer', async () => {
    const ran = await here.run(['init', '--dir', folder], { ask: async () => '' })
    expect(ran.err).to.match(/^Missing: --issuer .*--smtp/)
    expectNothing()
  })

  it('R31 takes no password from an argument, and says how to pass it', async () => {
    const secrets = [
      { '--smtp': 'smtp://mailer:hush@mail.example.com' },
      { '--smtp': 'smtp://mailer:hu/sh@mail.example.com' },
      { '--storage': 'mongodb://me:hush@one.example.com,two.example.com/db' },
    ]
    for (const options of secrets) {
      const ran = await init({ ...options, '--json': '' })
      expect(codeOf(ran)).to.equal('secret-in-argument')
      expect(ran.err).not.to.contain('hush').and.not.to.contain('hu/sh')
      expectNothing()
    }
    const smtp = { '--smtp': 'smtp://mailer@mail.example.com' }
    const without = await init({ ...smtp, '--json': '' })
    expect(codeOf(without)).to.equal('settings-missing')
    expect(without.err).to.contain('--smtp-password-stdin')
    await init({ ...smtp, '--smtp-password-stdin': '' }, { readLine: async () => PASSWORD })
    expect(decodeURIComponent(new URL(written()['SMTP_URL'] ?? '').password)).to.equal(PASSWORD)
  })

  it('takes a secret from the environment, and an option before it', async () => {
    here.environment['SMTP_URL'] = 'smtp://mailer:hush@mail.example.com'
    here.environment['ISSUER'] = 'https://other.example.com'
    const { code } = await here.run(['init', '--issuer', 'https://id.example.com', '--dir', folder])
    expect(code).to.equal(0)
    expect(written()).to.include({
      SMTP_URL: 'smtp://mailer:hush@mail.example.com',
      ISSUER: 'https://id.example.com',
    })
  })

  it('writes the path of a database that other folders find too', async () => {
    await init({ '--storage': 'sqlite:people.sqlite' })
    expect(written()['STORAGE_URL']).to.equal(`sqlite:${join(process.cwd(), 'people.sqlite')}`)
  })

  it('writes every value so that it is read back as it was, and refuses control characters', () => {
    const settings = {
      ISSUER: 'i',
      PORT: '1',
      STORAGE_URL: 's',
      SMTP_URL: 'u',
      ENCRYPTION_KEYS: 'e=',
      COOKIE_KEYS: 'c=',
    }
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (value) => {
        const write = (): string => settingsFileText({ ...settings, MAIL_FROM: value })
        if (/\p{Cc}/u.test(value)) {
          expect(write).to.throw().with.property('code', 'setting-unfit')
          return
        }
        const read = parseEnv(write())
        expect(read).to.include({ ...settings, MAIL_FROM: value, HOST: '127.0.0.1' })
        expect(Object.keys(read)).to.have.length(10)
      }),
      { numRuns: 50 },
    )
    const named = settingsFileText({ ...settings, MAIL_FROM: 'Acme # 1 <no-reply@acme.example>' })
    expect(named).to.contain("MAIL_FROM='Acme # 1 <no-reply@acme.example>'\n")
  })
})
