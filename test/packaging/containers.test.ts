import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { parseEnvironment } from '../../config/environment.ts'
import { fileOptions } from '../../config/schema.ts'
import { instructionsOf } from './dockerfile.ts'

/*
 * These tests run without a container engine. They read the files and check that the names in them exist.
 * image.test.ts runs the commands of the Dockerfile.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')

const dockerfile = instructionsOf(read('Dockerfile'))
const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>
  engines: { node: string }
}

describe('the Dockerfile', () => {
  const last = Math.max(...dockerfile.map(({ stage }) => stage))
  const inLast = (name: string): string[] =>
    dockerfile.filter((each) => each.stage === last && each.name === name).map(({ text }) => text)

  it('builds in one stage and runs in another, on the Node that the repository pins', () => {
    const bases = dockerfile.filter(({ name }) => name === 'FROM').map(({ text }) => text)
    expect(bases).to.have.length(2)
    const { version } = JSON.parse(read('.ci/node/package.json')) as { version: string }
    const [major] = version.split('.')
    for (const base of bases) expect(base).to.match(new RegExp(`^node:${major}-slim( AS \\w+)?$`))
  })

  it('copies what exists, and runs scripts that exist', () => {
    const copied = dockerfile
      .filter(({ name, stage }) => name === 'COPY' && stage === 0)
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1))
    expect(copied.filter((path) => !existsSync(`${ROOT}${path}`))).to.deep.equal([])
    const scripts = [...read('Dockerfile').matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1])
    expect(scripts).to.not.be.empty
    expect(scripts.filter((name) => !((name ?? '') in manifest.scripts))).to.deep.equal([])
  })

  it('takes over only the program that the build stage has made, and installs the locked packages', () => {
    const folder = /^WORKDIR (.*)$/m.exec(read('Dockerfile'))?.[1]
    const taken = inLast('COPY').filter((text) => text.startsWith('--from=build '))
    expect(taken.map((text) => text.split(/\s+/)[1])).to.deep.equal([
      `${folder}/bin`,
      `${folder}/dist`,
    ])
    expect(inLast('COPY')).to.include('package.json package-lock.json ./')
    expect(inLast('RUN').join('\n'))
      .to.match(/npm ci --omit=dev/)
      .and.not.match(/npm install/)
  })

  it('does not run as root, and starts the server without a shell or npm between', () => {
    expect(inLast('USER')).to.deep.equal(['node'])
    const [command = ''] = inLast('CMD')
    const [program, , script, verb] = JSON.parse(command) as string[]
    expect([program, verb]).to.deep.equal(['node', 'serve'])
    expect(existsSync(`${ROOT}${script}`)).to.equal(true)
  })

  it('limits the memory for new objects, as the unit of systemd and npm start do', () => {
    const [command = ''] = inLast('CMD')
    const [, flag = ''] = JSON.parse(command) as string[]
    expect(flag).to.match(/^--max-semi-space-size=\d+$/)
    const unit = read('examples/deploy/oidc-provider-mfa.service')
    expect(unit).to.contain(`ExecStart=/usr/bin/node ${flag} `)
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } }
    expect(scripts.start).to.contain(`node ${flag} `)
    expect(read('docs/guides/operating.md')).to.contain(`NODE_OPTIONS=${flag}`)
  })

  it('asks whether it is alive on the port that it listens on', () => {
    expect(inLast('ENV').join(' ')).to.contain('NODE_ENV=production')
    expect(inLast('ENV').join(' ')).to.contain('PORT=3000')
    expect(inLast('EXPOSE')).to.deep.equal(['3000'])
    // The check does not ask `/health/ready`, because a restart does not help a node whose database is unavailable.
    expect(inLast('HEALTHCHECK')[0]).to.contain("process.env.PORT + '/health/live'")
  })

  it('keeps secrets, data and history out of the build', () => {
    const ignored = read('.dockerignore').split('\n')
    expect(ignored).to.include.members(['.git', 'data', 'node_modules', 'secrets'])
  })
})

describe('docker-compose.yml', () => {
  interface Compose {
    readonly services: Record<
      string,
      {
        readonly build: string
        readonly ports: string[]
        readonly environment: Record<string, string>
        readonly secrets: string[]
        readonly volumes: string[]
        readonly read_only: boolean
        readonly cap_drop: string[]
        readonly stop_grace_period: string
        readonly healthcheck: { readonly test: string[] }
        readonly profiles?: string[]
        readonly networks: string[]
        readonly command: string[]
        readonly depends_on: Record<
          string,
          { readonly condition: string; readonly required: boolean }
        >
      }
    >
    readonly networks: Record<string, { readonly internal: boolean }>
    readonly volumes: Record<string, unknown>
    readonly secrets: Record<string, { readonly file: string }>
  }
  const compose = parse(read('docker-compose.yml')) as Compose
  const server = compose.services['server']
  if (server === undefined) throw new Error('There is no service `server`.')

  it('sets what the server reads, and nothing it would refuse in production', () => {
    const key = (): string => randomBytes(32).toString('base64')
    const files: Record<string, string> = {
      '/run/secrets/encryption-keys': key(),
      '/run/secrets/cookie-keys': key(),
      '/run/secrets/smtp-url': 'smtps://user:password@mail.example.com',
    }
    const given: Record<string, string> = {
      ISSUER: 'https://id.example.com',
      MAIL_FROM: 'no-reply@example.com',
    }
    const environment = Object.fromEntries(
      Object.entries(server.environment).map(([name, value]) => [name, interpolate(value, given)]),
    )
    const config = parseEnvironment({ NODE_ENV: 'production', ...environment }, (path) => {
      const text = files[path]
      if (text === undefined) throw new Error(`No secret is mounted at ${path}.`)
      return text
    })
    expect(config.issuer).to.equal('https://id.example.com')
    expect(config.trustedProxies).to.not.be.empty
    const { storage } = config
    const database = storage.kind === 'sqlite' ? storage.path : ''
    expect(server.volumes).to.deep.equal([`data:${database.replace(/\/[^/]*$/, '')}`])
  })

  it('asks for what only the operator knows', () => {
    for (const name of ['ISSUER', 'MAIL_FROM'])
      expect(() => interpolate(server.environment[name] ?? '', {})).to.throw(/must be given/)
  })

  it('mounts each secret it names, from a file that the repository does not hold', () => {
    expect(server.secrets.toSorted()).to.deep.equal(Object.keys(compose.secrets).toSorted())
    const mounted = Object.values(server.environment).filter((value) =>
      value.startsWith('/run/secrets/'),
    )
    expect(mounted.map((path) => path.slice(13)).toSorted()).to.deep.equal(
      server.secrets.toSorted(),
    )
    for (const { file } of Object.values(compose.secrets)) expect(file).to.match(/^\.\/secrets\//)
    expect(read('.gitignore').split('\n')).to.include('secrets/')
  })

  it('is reached from this machine only, writes to its volume only, and has no capabilities', () => {
    expect(server.build).to.equal('.')
    expect(server.ports).to.deep.equal(['127.0.0.1:3000:3000'])
    expect(server.read_only).to.equal(true)
    expect(server.cap_drop).to.deep.equal(['ALL'])
    expect(Object.keys(compose.volumes)).to.deep.equal(['data', 'mongodb'])
  })

  it('waits longer than a stop may take, and asks whether the server lives', () => {
    const { drainSeconds, graceSeconds } = fileOptions.stop
    const longest = Number(drainSeconds.default) + Number(graceSeconds.default) + 3
    expect(Number(/^(\d+)s$/.exec(server.stop_grace_period)?.[1])).to.be.above(longest)
    const check = dockerfile.find(({ name }) => name === 'HEALTHCHECK')?.text ?? ''
    const [, ...command] = server.healthcheck.test
    const inDockerfile = JSON.parse(check.slice(check.indexOf('CMD ') + 4)) as string[]
    expect(command).to.deep.equal(
      inDockerfile.map((word) => word.replace("1:' + process.env.PORT + '/", '1:3000/')),
    )
  })

  it('has a MongoDB replica set as a profile, which nothing but the server reaches', () => {
    const database = compose.services['mongodb']
    if (database === undefined) throw new Error('There is no service `mongodb`.')
    expect(database.profiles).to.deep.equal(['mongodb'])
    expect(database.ports).to.equal(undefined)
    expect(database.networks).to.deep.equal(['database'])
    expect(compose.networks['database']).to.deep.equal({ internal: true })
    expect(server.networks).to.include('database')
    expect(server.depends_on['mongodb']).to.deep.equal({
      condition: 'service_healthy',
      required: false,
    })
    const set = database.command[database.command.indexOf('--replSet') + 1]
    const [, url = ''] = /STORAGE_URL='([^']+)'/.exec(read('docker-compose.yml')) ?? []
    expect(url).to.equal(`mongodb://mongodb:27017/mfa?replicaSet=${set}`)
    expect(database.healthcheck.test.join(' '))
      .to.contain(`_id: "${set}"`)
      .and.contain('host: "mongodb:27017"')
    const key = randomBytes(32).toString('base64')
    const config = parseEnvironment(
      {
        NODE_ENV: 'production',
        ISSUER: 'https://id.example.com',
        MAIL_FROM: 'no-reply@example.com',
        SMTP_URL: 'smtps://user:password@mail.example.com',
        ENCRYPTION_KEYS: key,
        COOKIE_KEYS: randomBytes(32).toString('base64'),
        STORAGE_URL: url,
      },
      () => '',
    )
    expect(config.storage.kind).to.equal('mongodb')
  })
})

/** Replaces `${NAME:-default}` and `${NAME:?message}` as Compose does. */
function interpolate(value: string, given: Readonly<Record<string, string>>): string {
  return value.replaceAll(
    /\$\{(\w+):([-?])([^}]*)\}/g,
    (_, name: string, kind: string, rest: string) => {
      if (given[name] !== undefined) return given[name]
      if (kind === '?') throw new Error(`${name} must be given: ${rest}`)
      return rest
    },
  )
}
