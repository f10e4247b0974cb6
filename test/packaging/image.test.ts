import { expect } from 'chai'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, matchesGlob, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { miss } from '../support/requirements.ts'
import { NO_REGISTRY } from './application.ts'
import { instructionsOf } from './dockerfile.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** The patterns of `.dockerignore`, for names at the top level that the build does not receive. */
const NOT_IN_CONTEXT = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
/** The user id of `nobody`, because the user that the image names does not exist on this machine. */
const UNPRIVILEGED = 65_534

/**
 * Builds the image as `docker build` would, with the Dockerfile's own commands. Each stage is a folder in which its
 * instructions run one after the other. An unprivileged user starts the result with the image's CMD.
 * These tests do not cover the parts that a container engine adds (isolation, the base image, the volume).
 */
describe('the image’s file system', function () {
  this.timeout(400_000)
  const folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-image-'))
  const instructions = instructionsOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
  const last = Math.max(...instructions.map(({ stage }) => stage))
  const environment: Record<string, string> = {}
  let workdir = ''

  before(function () {
    chmodSync(folder, 0o755)
    const names = instructions
      .filter(({ name }) => name === 'FROM')
      .map(({ text }) => / AS (\w+)$/.exec(text)?.[1] ?? 'last')
    try {
      for (const { name, text, stage } of instructions) {
        const root = join(folder, String(stage))
        if (name === 'WORKDIR') mkdirSync(join(root, (workdir = text)), { recursive: true })
        if (name === 'COPY')
          copy(text, { root, stages: names.map((_, nth) => join(folder, String(nth))), names })
        if (name === 'RUN') run(text, join(root, workdir))
        if (name === 'ENV' && stage === last)
          for (const pair of text.split(' ')) {
            const [key = '', value = ''] = pair.split('=')
            environment[key] = value
          }
      }
    } catch (error) {
      if (NO_REGISTRY.test(String((error as { stderr?: unknown }).stderr)))
        return miss(this, 'registry')
      throw error
    }
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  function copy(
    text: string,
    where: {
      readonly root: string
      readonly stages: readonly string[]
      readonly names: readonly string[]
    },
  ): void {
    const words = text.split(/\s+/)
    const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice(7) : undefined
    const source = from === undefined ? ROOT : where.stages[where.names.indexOf(from)]
    const target = words.pop()
    if (source === undefined || target === undefined) throw new Error(`COPY ${text}`)
    for (const path of words) {
      const here = join(source, path)
      const there = resolve(join(where.root, workdir), target)
      const isFolder = target.endsWith('/')
      cpSync(here, isFolder && path !== '.' ? join(there, path.split('/').at(-1) ?? '') : there, {
        recursive: true,
        filter: (file) => from !== undefined || !isLeftOut(file),
      })
    }
  }

  const isLeftOut = (file: string): boolean =>
    dirname(`${file}/.`) !== ROOT &&
    resolve(dirname(file)) === resolve(ROOT) &&
    NOT_IN_CONTEXT.some((pattern) => matchesGlob(basename(file), pattern))

  function run(command: string, cwd: string): void {
    const here = command.replaceAll('node:node', `${UNPRIVILEGED}:${UNPRIVILEGED}`)
    execFileSync('sh', ['-c', here], { cwd, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  }

  it('has the versions of the lock file, and nothing that only a build needs', () => {
    const modules = join(folder, String(last), workdir, 'node_modules')
    let compared = 0
    for (const [path, { version, dev, optional, devOptional }] of Object.entries(
      lockedPackages(),
    )) {
      if (path === '') continue
      const manifest = join(modules, '..', path, 'package.json')
      if (dev === true) expect(existsSync(manifest), path).to.equal(false)
      else if (optional !== true && devOptional !== true) {
        const installed = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
        expect(installed.version, path).to.equal(version)
        compared += 1
      }
    }
    expect(compared).to.be.greaterThan(50)
  })

  it('has what npm itself takes for right: each package in the version and place of the lock file, none too many', () => {
    const root = realpathSync(join(folder, String(last), workdir))
    // npm fails if a package is missing or its version is outside the range that a dependent package accepts.
    const answer = execFileSync('npm', ['ls', '--all', '--omit=dev', '--long', '--json'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    const tree = JSON.parse(answer) as Tree & { problems?: string[] }
    expect(tree.problems ?? []).to.deep.equal([])
    const found = new Map<string, string>()
    const walk = ({ dependencies = {} }: Tree): void => {
      for (const child of Object.values(dependencies)) {
        // An optional package of another platform is not installed and has no path.
        if (child.path === undefined) continue
        found.set(relative(root, child.path), child.version ?? '')
        walk(child)
      }
    }
    walk(tree)
    const locked = new Map(
      Object.entries(lockedPackages()).map(([path, { version }]) => [path, version]),
    )
    for (const [path, version] of found) expect(version, path).to.equal(locked.get(path))
    const needed = Object.entries(lockedPackages()).filter(
      ([path, { dev, optional, devOptional }]) =>
        path !== '' && dev !== true && optional !== true && devOptional !== true,
    )
    expect(needed.map(([path]) => path).filter((path) => !found.has(path))).to.deep.equal([])
  })

  it('has the program and its packages, and neither tests nor documents nor examples', () => {
    const root = join(folder, String(last), workdir)
    expect(readdirSync(root).toSorted()).to.deep.equal([
      'bin',
      'data',
      'dist',
      'node_modules',
      'package-lock.json',
      'package.json',
    ])
    expect(readdirSync(join(root, 'dist')).toSorted()).to.deep.equal([
      'config',
      'interactions',
      'src',
      'views',
    ])
    const own = globSync('{bin,dist,data}/**/*', { cwd: root })
    expect(own.filter((path) => /\.(test|md)\b|example/.test(path))).to.deep.equal([])
    // The build does not receive these files either, so a change of a test or a document makes no new image.
    const build = readdirSync(join(folder, '0', workdir))
    expect(build.filter((name) => /^(test|docs|examples|bench|.*\.md)$/.test(name))).to.deep.equal(
      [],
    )
  })

  it('starts as an unprivileged user, says that it is alive, and stops on SIGTERM', async () => {
    const [command = ''] = instructions.filter(({ name }) => name === 'CMD').map(({ text }) => text)
    const [, ...args] = JSON.parse(command) as string[]
    const port = await freePort()
    const key = (): string => randomBytes(32).toString('base64')
    const child = spawn(process.execPath, args, {
      cwd: join(folder, String(last), workdir),
      // Only root has to change the user: any other user who runs these tests is unprivileged already.
      ...(process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...environment,
        PATH: process.env.PATH,
        HOST: '127.0.0.1',
        PORT: String(port),
        ISSUER: 'https://id.example',
        STORAGE_URL: `sqlite:${join(folder, String(last), workdir)}/data/server.sqlite`,
        ENCRYPTION_KEYS: key(),
        COOKIE_KEYS: key(),
        SMTP_URL: 'smtps://user:password@127.0.0.1:1',
        MAIL_FROM: 'id@id.example',
      },
    })
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    const ended = once(child, 'exit') as Promise<[number | null]>
    try {
      expect(await isAlive(child, port), said.join('')).to.equal(true)
      expect(healthCheck(port)).to.equal(0)
    } finally {
      // The test run could not end while the server runs.
      child.kill('SIGTERM')
    }
    const [code] = await ended
    expect(code, said.join('')).to.equal(0)
    expect(healthCheck(port)).to.equal(1)
    const lines = said
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines[0]).to.include({ level: 'info', msg: 'started', issuer: 'https://id.example' })
    for (const line of lines) expect(line).to.include.all.keys('level', 'time', 'version', 'node')
  })

  /** The exit code of the HEALTHCHECK command, which a container engine runs. */
  function healthCheck(port: number): number | null {
    const [text = ''] = instructions
      .filter(({ name }) => name === 'HEALTHCHECK')
      .map(({ text }) => text)
    const [, ...args] = JSON.parse(text.slice(text.indexOf('CMD ') + 4)) as string[]
    const env = { ...environment, PATH: process.env.PATH, PORT: String(port) }
    return spawnSync(process.execPath, args, { env }).status
  }

  async function isAlive(child: ChildProcess, port: number): Promise<boolean> {
    for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/health/live`).catch(() => undefined)
      if (answer?.ok === true) return true
      await sleep(100)
    }
    return false
  }
})

/** A package as `npm ls` shows it. */
interface Tree {
  readonly version?: string
  readonly path?: string
  readonly dependencies?: Readonly<Record<string, Tree>>
}

interface Locked {
  readonly version: string
  readonly dev?: true
  readonly optional?: true
  readonly devOptional?: true
  readonly link?: true
}

/** The packages of the lock file, without a link to a folder of the repository: npm notes neither its version nor `dev`. */
function lockedPackages(): Record<string, Locked> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  return Object.fromEntries(Object.entries(packages).filter(([, { link }]) => link !== true))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
