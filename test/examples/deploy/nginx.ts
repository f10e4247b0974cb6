import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../support/mongodb.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples/deploy/', import.meta.url))
const NODES = '/etc/nginx/oidc-provider-mfa.nodes'
const TLS = /listen 443 ssl;|^ *ssl_certificate(_key)? .*;$/gm

/** nginx with the example's configuration on a free port of loopback, and the example's script that follows `ready`. */
export class Nginx {
  readonly url: string
  readonly #folder: string
  readonly #children: ChildProcess[] = []

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.url = `http://127.0.0.1:${port}`
  }

  /** Starts both. Each node is an address and a port. */
  static async start(nodes: readonly string[]): Promise<Nginx> {
    const port = await freePort()
    const nginx = new Nginx(mkdtempSync(join(tmpdir(), 'mfa-nginx-')), port)
    nginx.#write(port, nodes)
    nginx.#run('nginx', nginx.#arguments())
    nginx.#run(join(EXAMPLES, 'nginx-nodes'), ['follow'])
    while ((await fetch(nginx.url).catch(() => undefined)) === undefined) {
      if (nginx.#children[0]?.exitCode !== null)
        throw new Error(readFileSync(nginx.#file('error.log'), 'utf8'))
      await sleep(50)
    }
    return nginx
  }

  /** The nodes to which nginx sends requests. */
  get up(): readonly string[] {
    const lines = readFileSync(this.#file('nodes'), 'utf8').split('\n')
    return lines.flatMap((line) => /^server (\S+);$/.exec(line)?.[1] ?? [])
  }

  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #file(name: string): string {
    return join(this.#folder, name)
  }

  #arguments(): string[] {
    return ['-e', this.#file('error.log'), '-p', this.#folder, '-c', this.#file('main.conf')]
  }

  /** The example's file with the places of this test, and without https: the test's browser ends it. */
  #write(port: number, nodes: readonly string[]): void {
    const example = readFileSync(join(EXAMPLES, 'nginx.conf'), 'utf8')
      .replaceAll(TLS, (line) => (line.startsWith('listen') ? `listen 127.0.0.1:${port};` : ''))
      .replaceAll(NODES, this.#file('nodes'))
    writeFileSync(this.#file('site.conf'), example)
    writeFileSync(this.#file('nodes'), nodes.map((node) => `server ${node};\n`).join(''))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${this.#file(name)};`,
    )
    const main = [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'daemon off;',
      `pid ${this.#file('pid')};`,
      'events {}',
      `http { access_log off; ${temporary.join(' ')} include ${this.#file('site.conf')}; }`,
    ]
    writeFileSync(this.#file('main.conf'), main.join('\n'))
  }

  #run(program: string, args: readonly string[]): void {
    const child = spawn(program, args, {
      env: {
        PATH: process.env['PATH'],
        NODES: this.#file('nodes'),
        RELOAD: ['nginx', ...this.#arguments(), '-s reload'].join(' '),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#children.push(child)
  }
}
