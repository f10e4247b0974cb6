import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const MODULES = '/usr/lib/apache2/modules'

/** Apache with mod_auth_openidc as Debian ships them, as the relying party of an issuer, on loopback. */
export class Apache {
  /** Whether Debian's packages `apache2` and `libapache2-mod-auth-openidc` are installed. */
  static get isInstalled(): boolean {
    return existsSync(`${MODULES}/mod_auth_openidc.so`)
  }

  readonly url: string
  readonly #folder: string
  #child: ChildProcess | undefined

  constructor(port: number) {
    this.url = `http://localhost:${port}`
    this.#folder = mkdtempSync(join(tmpdir(), 'mfa-apache-'))
  }

  /** `site` has the directives of the relying party and its paths. */
  async start(site: string): Promise<void> {
    mkdirSync(this.#file('pages'))
    for (const name of ['index', 'transfer'])
      writeFileSync(this.#file(`pages/${name}.html`), `<body data-page="apache-${name}">`)
    // Apache gives up the rights of root, and its processes read the folder all the same.
    chmodSync(this.#folder, 0o755)
    writeFileSync(this.#file('main.conf'), `${this.#ownDirectives()}\n${site}\n`)
    const child = spawn(
      'apache2',
      ['-d', this.#folder, '-f', this.#file('main.conf'), '-DFOREGROUND'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    this.#child = child
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    while (
      (await fetch(`${this.url}/nothing`, { redirect: 'manual' }).catch(() => undefined)) ===
      undefined
    ) {
      if (child.exitCode !== null) throw new Error(errors + this.log)
      await sleep(50)
    }
  }

  get log(): string {
    const file = this.#file('error.log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #file(name: string): string {
    return join(this.#folder, name)
  }

  #ownDirectives(): string {
    const modules = [
      'mpm_event',
      'authn_core',
      'authz_core',
      'authz_user',
      'dir',
      'headers',
      'auth_openidc',
    ]
    return [
      'ServerName localhost',
      `Listen 127.0.0.1:${new URL(this.url).port}`,
      `PidFile ${this.#file('pid')}`,
      `ErrorLog ${this.#file('error.log')}`,
      `Mutex file:${this.#folder} default`,
      ...modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      `DocumentRoot ${this.#file('pages')}`,
      'DirectoryIndex index.html',
    ].join('\n')
  }
}
