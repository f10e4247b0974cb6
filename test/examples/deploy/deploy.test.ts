import { expect } from 'chai'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fileOptions } from '../../../config/schema.ts'
import { freePort } from '../../support/mongodb.ts'
import { requireTool } from '../../support/requirements.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const EXAMPLES = `${ROOT}examples/deploy/`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mfa-deploy-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the script nginx-nodes of the example', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** A node whose `ready` answers with a status. */
  async function node(status: number): Promise<string> {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/health/ready' ? status : 404
      response.end()
    })
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Runs the script once. Returns the new lines and how often nginx was reloaded. */
  async function look(
    lines: string,
    { reloadFails = false, more = {} } = {},
  ): Promise<{ lines: string; reloads: number }> {
    const nodes = join(folder, 'nodes')
    const reloads = join(folder, 'reloads')
    writeFileSync(nodes, lines)
    writeFileSync(reloads, '')
    writeFileSync(
      join(folder, 'reload'),
      `#!/bin/sh\necho reload >>${reloads}\n${reloadFails ? 'exit 1' : ''}\n`,
    )
    chmodSync(join(folder, 'reload'), 0o755)
    const child = spawn(join(EXAMPLES, 'nginx-nodes'), ['once'], {
      env: { PATH: process.env['PATH'], NODES: nodes, RELOAD: join(folder, 'reload'), ...more },
    })
    expect(await once(child, 'exit')).to.deep.equal([reloadFails ? 1 : 0, null])
    return {
      lines: readFileSync(nodes, 'utf8'),
      reloads: readFileSync(reloads, 'utf8').split('\n').length - 1,
    }
  }

  it('takes out a node that is not ready, and one that has ended', async () => {
    const [ready, draining] = [await node(200), await node(503)]
    const ended = `127.0.0.1:${await freePort()}`
    const given = `server ${ready};\nserver ${draining};\nserver ${ended};\n`
    expect(await look(given)).to.deep.equal({
      lines: `server ${ready};\nserver ${draining} down;\nserver ${ended} down;\n`,
      reloads: 1,
    })
  })

  it('takes a node back that is ready again, and reloads nginx only for a change', async () => {
    const [first, second] = [await node(200), await node(200)]
    const both = `server ${first};\nserver ${second};\n`
    expect(await look(`server ${first} down;\nserver ${second};\n`)).to.deep.equal({
      lines: both,
      reloads: 1,
    })
    expect(await look(both)).to.deep.equal({ lines: both, reloads: 0 })
  })

  it('keeps a last line without an end, and what else a line says of its node', async () => {
    const [ready, draining] = [await node(200), await node(503)]
    expect(await look(`server ${ready} max_fails=2;\nserver ${draining} weight=3;`)).to.deep.equal({
      lines: `server ${ready} max_fails=2;\nserver ${draining} weight=3 down;\n`,
      reloads: 1,
    })
  })

  it('finds the change again after a reload that has failed', async () => {
    const [ready, draining] = [await node(200), await node(503)]
    const given = `server ${ready};\nserver ${draining};\n`
    expect(await look(given, { reloadFails: true })).to.deep.equal({ lines: given, reloads: 1 })
  })

  it('follows on after a reload that has failed, and says so', async () => {
    const [ready, draining] = [await node(200), await node(503)]
    const nodes = join(folder, 'nodes')
    writeFileSync(nodes, `server ${ready};\nserver ${draining};\n`)
    // Fails the first time alone.
    const reload = `#!/bin/sh\ncd ${folder}\n[ -e tried ] || { touch tried; exit 1; }\ntouch reloaded\n`
    writeFileSync(join(folder, 'reload'), reload)
    chmodSync(join(folder, 'reload'), 0o755)
    const child = spawn(join(EXAMPLES, 'nginx-nodes'), ['follow'], {
      env: { PATH: process.env['PATH'], NODES: nodes, RELOAD: join(folder, 'reload') },
    })
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    const exit = once(child, 'exit')
    try {
      const isSettled = (): boolean =>
        readFileSync(nodes, 'utf8').includes(' down;') && existsSync(`${folder}/reloaded`)
      while (!isSettled()) {
        expect(child.exitCode).to.equal(null)
        await sleep(50)
      }
    } finally {
      child.kill('SIGTERM')
      await exit
    }
    expect(said).to.contain('nginx-nodes: a look failed')
  }).timeout(20_000)

  it('reads a node beside a comment, and asks it without a proxy', async () => {
    const [ready, draining] = [await node(200), await node(503)]
    const given = `# Two nodes.\nserver ${ready}; # the first\nserver ${draining};# the second\n`
    const more = { http_proxy: 'http://127.0.0.1:1' }
    expect((await look(given, { more })).lines).to.equal(
      `server ${ready};\nserver ${draining} down;\n`,
    )
  })

  it('takes no node out if none is ready, because the nodes have a page that says so', async () => {
    const [first, second] = [await node(503), await node(503)]
    const both = `server ${first};\nserver ${second};\n`
    expect(await look(both)).to.deep.equal({ lines: both, reloads: 0 })
    expect((await look(`server ${first} down;\nserver ${second};\n`)).lines).to.equal(both)
  })
})

describe('the nginx.conf of the example', () => {
  it('lets no browser choose the request id and the trace', () => {
    const lines = readFileSync(join(EXAMPLES, 'nginx.conf'), 'utf8').split('\n')
    const headers = lines.flatMap((line) => /^ +proxy_set_header (.+);$/.exec(line)?.[1] ?? [])
    expect(headers).to.include.members([
      'X-Request-Id $request_id',
      'traceparent ""',
      'tracestate ""',
      'baggage ""',
    ])
  })
})

describe('the systemd units of the example', function () {
  this.timeout(30_000)
  const unit = readFileSync(join(EXAMPLES, 'oidc-provider-mfa.service'), 'utf8')
  const values = (name: string): string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
  let child: ChildProcess | undefined
  afterEach(() => {
    child?.kill('SIGKILL')
  })

  it('waits longer than a stop may take', () => {
    const { drainSeconds, graceSeconds } = fileOptions.stop
    const longest = Number(drainSeconds.default) + Number(graceSeconds.default) + 3
    expect(Number(values('TimeoutStopSec')[0])).to.be.above(longest)
  })

  it('starts nginx-nodes again however often it ends', () => {
    const [head] = readFileSync(join(EXAMPLES, 'nginx-nodes.service'), 'utf8').split('[Service]')
    expect(head).to.match(/^StartLimitIntervalSec=0$/m)
  })

  it('is understood by systemd', function () {
    requireTool(this, 'systemd-analyze')
    for (const name of ['oidc-provider-mfa.service', 'nginx-nodes.service']) {
      const file = join(folder, name)
      // The programs are in other places on this machine.
      const here = readFileSync(join(EXAMPLES, name), 'utf8')
        .replaceAll('/usr/bin/node', process.execPath)
        .replaceAll('/usr/local/bin/', EXAMPLES)
      writeFileSync(file, here)
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], {
        encoding: 'utf8',
      })
      expect({ status, stderr }, name).to.deep.equal({ status: 0, stderr: '' })
    }
  })

  it('starts in production with its command and its settings, and ends with 0 at SIGTERM', async () => {
    const port = await freePort()
    const here = (text: string): string =>
      text
        .replaceAll('%d', folder)
        .replaceAll('/var/lib/oidc-provider-mfa', folder)
        .replaceAll('/usr/bin/node', process.execPath)
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules', 'oidc-provider-mfa'))
    for (const name of ['encryption-keys', 'cookie-keys'])
      writeFileSync(join(folder, name), randomBytes(32).toString('base64'))
    writeFileSync(join(folder, 'smtp-url'), 'smtps://user:password@127.0.0.1:1')
    const credentials = values('LoadCredential').map((value) => value.split(':')[0])
    expect(credentials).to.deep.equal(['encryption-keys', 'cookie-keys', 'smtp-url'])
    const settings = values('Environment').map((value) => here(value).split(/=(.*)/s).slice(0, 2))
    const [program = '', ...args] = here(values('ExecStart')[0] ?? '').split(' ')
    const running = spawn(program, args, {
      cwd: folder,
      env: {
        ...(Object.fromEntries(settings) as Record<string, string>),
        PATH: process.env['PATH'],
        // These stand in the file that EnvironmentFile names.
        ISSUER: 'https://id.example',
        MAIL_FROM: 'id@id.example',
        PORT: String(port),
        CONFIG_FILE: withoutDrain(),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child = running
    const ready = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      )
    while (!(await ready())) {
      expect(running.exitCode).to.equal(null)
      await sleep(50)
    }
    const exit = once(running, 'exit')
    running.kill('SIGTERM')
    expect(await exit).to.deep.equal([0, null])
  })

  function withoutDrain(): string {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ stop: { drainSeconds: 0 } }))
    return join(folder, 'config.json')
  }
})
