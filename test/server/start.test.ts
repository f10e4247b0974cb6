import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { NO_DRAIN } from './support.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = join(ROOT, 'bin', 'oidc-provider-mfa.mjs')
/** The arguments of `npm start` in package.json, without `node`. */
const START = startScript()

interface Started {
  readonly child: ChildProcess
  readonly lines: string[]
  line(prefix: string): string | undefined
  url(prefix: string): string
}

function startScript(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const [program, flag = '', script = '', ...words] = scripts.start.split(' ')
  expect(program).to.equal('node')
  return [flag, join(ROOT, script), ...words]
}

describe('npm start', () => {
  let folder: string
  const children = new Set<ChildProcess>()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-start-'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ stop: NO_DRAIN }))
  })
  afterEach(async () => {
    for (const child of children) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    children.clear()
    rmSync(folder, { recursive: true })
  })

  const launch = (args: string[], environment: Record<string, string>): ChildProcess => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], CONFIG_FILE: 'config.json', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    return child
  }

  /** Starts the server and waits until it has printed its announcement, which ends with the missing settings. */
  const start = async (environment: Record<string, string> = {}): Promise<Started> => {
    const child = launch(START, {
      PORT: '0',
      DEMO_PORT: '0',
      LOG_LEVEL: 'warn',
      ...environment,
    })
    const lines: string[] = []
    let [text, errors] = ['', '']
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(errors)))
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        lines.splice(0, lines.length, ...text.split('\n'))
        if (text.includes('SMTP_URL')) resolve()
      })
    })
    const line = (prefix: string): string | undefined =>
      lines.find((each) => each.startsWith(prefix))?.slice(prefix.length)
    const url = (prefix: string): string => line(prefix)?.trim() ?? ''
    return { child, lines, line, url }
  }

  const refusal = async (
    environment: Record<string, string>,
  ): Promise<{ code: unknown; text: string; log: string }> => {
    const child = launch(START, environment)
    let [text, log] = ['', '']
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    const [code] = (await once(child, 'close')) as [unknown]
    return { code, text, log }
  }

  it('serves a demonstration whose account signs in, and prints it again at the second start', async () => {
    const first = await start()
    const password = first.line('password: ')
    expect(first.line('user: ')).to.equal('demo')
    expect(password).to.match(/^[a-z0-9-]{19}$/)
    for (const name of ['keys.json', 'demonstration.json', 'server.sqlite'])
      expect(statSync(join(folder, 'data', name)).mode & 0o077, name).to.equal(0)

    const browser = new HttpClient()
    const login = await browser.visit(`${first.url('demonstration app:')}/sign-in`)
    expect(login.name).to.equal('login')
    const choose = await browser.follow(
      await browser.submit(login, { username: 'demo', password: password ?? '' }),
    )
    expect(choose.name).to.equal('mfa-choose')
    const factors = choose.tags('[data-factor]').map((tag) => tag['data-factor'])
    expect(factors).to.deep.equal(['passkey', 'totp'])
    const enrol = await browser.follow(await browser.submit(choose, { factor: 'totp' }))
    const secret = secretOf(enrol)
    const codes = await browser.follow(await browser.submit(enrol, { code: totpCode({ secret }) }))
    expect(codes.name).to.equal('backup-codes')
    const consent = await browser.follow(await browser.submit(codes, { saved: 'yes' }))
    const home = await browser.follow(
      consent.name === 'consent' ? await browser.submit(consent) : consent,
    )
    expect(home.name).to.equal('rp-signed-in')
    expect(home.text).to.contain('http://schemas.openid.net/pape/policies/2007/06/multi-factor')

    first.child.kill('SIGTERM')
    const [code] = (await once(first.child, 'exit')) as [unknown]
    expect(code).to.equal(0)
    const second = await start()
    expect(second.line('password: ')).to.equal(password)
  })

  it('says what is not fit for production, and starts without the demonstration when told so', async () => {
    const { lines } = await start({ DEMO: 'off' })
    const text = lines.join('\n')
    for (const name of ['ISSUER', 'ENCRYPTION_KEYS', 'COOKIE_KEYS', 'STORAGE_URL', 'SMTP_URL'])
      expect(text).to.contain(name)
    expect(text).not.to.match(/user:|password:|demonstration app/)
    expect(lines).to.include('no demonstration: DEMO is off')
    expect(lines).to.include('no mail server: mails are .eml files in data/outbox')
  })

  it('listens on loopback only', async () => {
    const { url } = await start({ DEMO: 'off' })
    const { port } = new URL(url('oidc-provider-mfa:'))
    const knock = async (host: string): Promise<boolean> => {
      const socket = connect({ host, port: Number(port) })
      const reached = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      return reached
    }
    expect(await knock('127.0.0.1')).to.equal(true)
    // 127.0.0.2 is an address of this machine on which only a listener on all addresses accepts connections.
    expect(await knock('127.0.0.2')).to.equal(false)
  })

  it('refuses production with everything that is missing at once, and makes nothing', async () => {
    const { code, text, log } = await refusal({ NODE_ENV: 'production', NODE_NAME: 'node-1' })
    const { level, node, error, msg } = JSON.parse(log) as Record<string, unknown>
    expect({ level, node, msg }).to.deep.equal({
      level: 'fatal',
      node: 'node-1',
      msg: 'the server did not start',
    })
    expect((error as { message: string }).message).to.equal(text.trim())
    expect(code).to.equal(1)
    for (const name of ['ISSUER', 'ENCRYPTION_KEYS', 'COOKIE_KEYS', 'STORAGE_URL', 'SMTP_URL'])
      expect(text).to.contain(name)
    expect(text).not.to.match(/at file:|node_modules/)
    expect(() => statSync(join(folder, 'data'))).to.throw()
  })

  it('refuses a port that is taken, and clients that cannot be, in words', async () => {
    const { url } = await start({ DEMO: 'off' })
    const { port } = new URL(url('oidc-provider-mfa:'))
    const taken = await refusal({ PORT: port, DEMO: 'off' })
    expect(taken.code).to.equal(1)
    expect(taken.log).to.equal('')
    expect(taken.text)
      .to.match(/PORT .*taken/)
      .and.not.match(/at file:/)
  })

  it('is the one program of the package with the command `serve`', () => {
    expect(START).to.deep.equal(['--max-semi-space-size=2', BIN, 'serve'])
  })

  it('prints the addresses as one line of JSON with --json', async () => {
    const child = launch([BIN, 'serve', '--json'], { PORT: '0', DEMO: 'off', LOG_LEVEL: 'silent' })
    const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer]
    const { issuer } = JSON.parse(chunk.toString()) as { issuer: string }
    expect((await new HttpClient().get(`${issuer}/health/ready`)).status).to.equal(200)
    child.kill('SIGTERM')
    expect(((await once(child, 'exit')) as [unknown])[0]).to.equal(0)
  })
})
