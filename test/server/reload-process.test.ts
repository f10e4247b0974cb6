import { expect } from 'chai'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { freePort } from '../support/mongodb.ts'
import { NO_DRAIN } from './support.ts'

const BIN = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))

describe('the process of a server whose CONFIG_FILE changes', function () {
  this.timeout(60_000)
  let folder: string
  let child: ChildProcess | undefined
  let output = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-reload-'))
    output = ''
  })
  afterEach(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })

  /** Exchanges the folder behind the link `mounted`, as Kubernetes does with a ConfigMap: the link of the file stays. */
  function publish(version: string, policy: object): void {
    mkdirSync(join(folder, version))
    const text = JSON.stringify({ stop: NO_DRAIN, passkeys: { enabled: false }, policy })
    writeFileSync(join(folder, version, 'config.json'), text)
    symlinkSync(version, join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'mounted'))
  }

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) {
      if (child?.exitCode !== null) throw new Error(`the server ended: ${output}`)
      await sleep(20)
    }
  }

  it('follows an exchanged link by itself, and reads it again at SIGHUP', async () => {
    publish('one', {})
    symlinkSync(join('mounted', 'config.json'), join(folder, 'config.json'))
    const port = await freePort()
    const { PATH = '', HOME = '' } = process.env
    child = spawn(process.execPath, [BIN, 'serve'], {
      cwd: folder,
      env: {
        PATH,
        HOME,
        PORT: String(port),
        DEMO: 'off',
        CONFIG_FILE: 'config.json',
        ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        COOKIE_KEYS: randomBytes(32).toString('base64'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => void (output += chunk.toString()))
    const ready = async (): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
      return answer?.status === 200 ? answer.json() : undefined
    }
    await until(async () => (await ready()) !== undefined)

    publish('two', { rules: [{ name: 'staff', require: 'phr' }] })
    const refusals = (): number => output.split('rule \\"staff\\": can never be met').length - 1
    await until(() => refusals() > 0)
    await until(async () => isDeepStrictEqual(await ready(), { status: 'ok', policy: 'stale' }))
    // By itself the server reads a file once only: a second refusal of the same content comes of the signal.
    child.kill('SIGHUP')
    await until(() => refusals() > 1)
    publish('three', { rules: [{ name: 'staff', require: 'multi-factor' }] })
    await until(() => output.includes('the policy was read from CONFIG_FILE again'))
    await until(async () => isDeepStrictEqual(await ready(), { status: 'ok' }))
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).to.deep.equal([0, null])
  })
})
