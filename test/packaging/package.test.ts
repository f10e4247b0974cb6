import { expect } from 'chai'
import { accessSync, constants, globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpClient } from '../support/http-client.ts'
import { oldestNode } from '../support/node-versions.ts'
import { openDatabase } from '../support/mongodb.ts'
import { miss, requireMongodb } from '../support/requirements.ts'
import { Application, NoRegistry } from './application.ts'
import { NAME, packPackage, ROOT, type Manifest } from './packed.ts'

/** Packages that only the server imports; an application with the plugin loads none of them. */
const OF_THE_SERVER = [
  '@node-rs/bcrypt',
  '@streamparser/json',
  'commander',
  'csv-parse',
  'nodemailer',
  'pino',
]

/** Packages that an application may use in versions that the server cannot use. */
const ITS_OWN = ['@node-rs/bcrypt@1.10.5', 'commander@12', 'jose@5', 'nodemailer@6', 'pino@9']

describe('the published package', function () {
  this.timeout(180_000)
  let packed: readonly string[]
  let manifest: Manifest

  before(() => {
    const { files, manifest: read } = packPackage()
    packed = files
    manifest = read
  })

  /** An empty project with the package and the given other packages installed. */
  function install(context: Mocha.Context, name: string, packages: readonly string[]): Application {
    try {
      const { tarball, folder } = packPackage()
      return Application.install(folder(name), [tarball, ...packages])
    } catch (error) {
      if (error instanceof NoRegistry) return miss(context, 'registry')
      throw error
    }
  }

  let oldest: string | undefined
  function nodeOf(context: Mocha.Context, version: string): string {
    try {
      return (oldest ??= Application.installNode(packPackage().folder(`node-${version}`), version))
    } catch (error) {
      if (error instanceof NoRegistry) return miss(context, 'registry')
      throw error
    }
  }

  it('holds the program, its views and what a reader needs, and nothing else', () => {
    const others = packed.filter(
      (path) => !/^(dist\/(config|interactions|src|views)|docs)\//.test(path),
    )
    expect(others).to.deep.equal([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bench/README.md',
      'bench/indistinguishable.md',
      `bin/${NAME}.mjs`,
      'bin/starter.mjs',
      'package.json',
      'schemas/authn-factors.schema.json',
    ])
    expect(packed).to.include('dist/src/server/demonstration/style.css')
    expect(packed.filter((path) => /examples/.test(path))).to.deep.equal([])
  })

  it('has each module built, with its types, and no source', () => {
    const sources = globSync('{config,interactions,src}/**/*.ts', { cwd: ROOT })
    const built = sources.flatMap((path) => [
      `dist/${path.replace(/\.ts$/, '.js')}`,
      `dist/${path.replace(/\.ts$/, '.d.ts')}`,
    ])
    expect(built.filter((path) => !packed.includes(path))).to.deep.equal([])
    expect(packed.filter((path) => /(?<!\.d)\.ts$/.test(path))).to.deep.equal([])
    const views = globSync('views/**/*.*', { cwd: ROOT }).map((path) => `dist/${path}`)
    expect(views.filter((path) => !packed.includes(path))).to.deep.equal([])
  })

  it('has every file that its exports and its program name', () => {
    const named = [
      ...Object.values(manifest.exports).flatMap((entry) =>
        typeof entry === 'string' ? [entry] : [entry.types, entry.default],
      ),
      ...Object.values(manifest.bin),
    ].map((path) => path.replace(/^\.\//, ''))
    expect(named.filter((path) => !packed.includes(path))).to.deep.equal([])
    accessSync(join(ROOT, manifest.bin[NAME] ?? ''), constants.X_OK)
  })

  it('names every package that it imports as a dependency, and the host as the one peer', () => {
    expect(Object.keys(manifest.peerDependencies)).to.deep.equal(['oidc-provider'])
    expect(manifest.dependencies).to.include.keys([
      ...OF_THE_SERVER,
      'jose',
      'koa',
      'mongoose',
      'openid-client',
    ])
  })

  it('has main, types and typesVersions for a resolution that knows no exports', () => {
    const { main, types, typesVersions } = manifest
    expect([main, types].map((path) => path.replace(/^\.\//, ''))).to.satisfy((paths: string[]) =>
      paths.every((path) => packed.includes(path)),
    )
    const entries = Object.keys(manifest.exports).filter(
      (entry) => entry !== '.' && !entry.endsWith('.json'),
    )
    expect(Object.keys(typesVersions['*'] ?? {}).map((name) => `./${name}`)).to.have.members(
      entries,
    )
    const named = Object.values(typesVersions['*'] ?? {}).flat()
    expect(named.filter((path) => !packed.includes(path.replace(/^\.\//, '')))).to.deep.equal([])
  })

  describe('with SQLite, in an empty project', () => {
    let application: Application

    before(function () {
      application = install(this, 'with-sqlite', ['oidc-provider'])
    })

    it('loads nothing that the server alone imports', () => {
      const program = `
        import { registerHooks } from 'node:module'
        const loaded = []
        registerHooks({ resolve(specifier, context, next) {
          loaded.push(specifier)
          return next(specifier, context)
        } })
        await import('${NAME}')
        await import('${NAME}/sqlite')
        console.log(JSON.stringify(loaded))`
      const loaded = JSON.parse(application.evaluate(program) ?? '[]') as string[]
      expect(loaded).to.include('oidc-provider')
      expect(loaded.filter((name) => ['mongoose', ...OF_THE_SERVER].includes(name))).to.deep.equal(
        [],
      )
    })

    it('runs the ten lines from plain JavaScript', () => {
      const program = `
        import { Provider } from 'oidc-provider'
        import { createMfa, totp, backupCodes } from '${NAME}'
        import { openSqliteStorage } from '${NAME}/sqlite'
        import { describeStorage } from '${NAME}/testing'
        const storage = openSqliteStorage({ path: 'mfa.sqlite' })
        const mfa = createMfa({
          issuerName: 'Acme',
          storage,
          encryptionKeys: ['${Buffer.alloc(32, 7).toString('base64')}'],
          factors: [totp(), backupCodes()],
          firstEnrolment: 'password',
        })
        const provider = new Provider('http://localhost:3000', mfa.configure({
          adapter: storage.hostRecords,
          features: { devInteractions: { enabled: false } },
          findAccount: (ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
        }))
        mfa.attach(provider)
        const { enrolled } = await mfa.accounts.status('anna')
        await storage.close()
        console.log(typeof describeStorage, enrolled)`
      expect(application.evaluate(program)).to.equal('function false')
    })

    it('answers on the command line', () => {
      const program = join('node_modules', NAME, manifest.bin[NAME] ?? '')
      expect(application.node([program, '--help'])).to.match(/serve/)
    })

    const withoutDrain = (): string => {
      const file = join(application.folder, 'config.json')
      writeFileSync(file, JSON.stringify({ stop: { drainSeconds: 0 } }))
      return file
    }

    it('starts the demonstration with one command, its app and its account', async () => {
      const started = await application.start(
        [join('node_modules', NAME, manifest.bin[NAME] ?? ''), 'serve'],
        { PORT: '0', DEMO_PORT: '0', LOG_LEVEL: 'silent', CONFIG_FILE: withoutDrain() },
        /^password: /m,
      )
      try {
        const app = /^demonstration app: (.*)$/m.exec(started.said())?.[1] ?? ''
        for (const path of ['/', '/style.css'])
          expect((await fetch(`${app}${path}`)).status, path).to.equal(200)
        const signIn = await new HttpClient().visit(`${app}/sign-in`)
        expect(signIn.name).to.equal('login')
      } finally {
        await started.stop()
      }
    })
  })

  describe('in a project that has other versions of what the server stands on', () => {
    let application: Application

    before(function () {
      application = install(this, 'with-its-own', ['oidc-provider', ...ITS_OWN])
    })

    it('is installed, and leaves them alone', () => {
      const program = `
        import '${NAME}'
        import { readFileSync } from 'node:fs'
        console.log(JSON.parse(readFileSync('node_modules/commander/package.json')).version)`
      expect(application.evaluate(program)).to.match(/^12\./)
    })

    it('runs the server on its own copies beside them', () => {
      const program = join('node_modules', NAME, manifest.bin[NAME] ?? '')
      expect(application.node([program, '--help'])).to.match(/serve/)
      const nested = ['commander', 'jose', 'nodemailer', 'pino']
      for (const name of nested)
        expect(application.has(join(NAME, 'node_modules', name)), name).to.equal(true)
    })
  })

  for (const major of [8, 9])
    describe(`with Mongoose ${major}, in an empty project`, () => {
      let application: Application

      before(function () {
        application = install(this, `with-mongoose-${major}`, [
          'oidc-provider',
          `mongoose@${major}`,
          'typescript@6.0',
          '@types/node',
        ])
      })

      it('takes the Mongoose of the application, and brings no other one', () => {
        expect(application.has(join(NAME, 'node_modules', 'mongoose'))).to.equal(false)
        const program = `
        import { readFileSync } from 'node:fs'
        console.log(JSON.parse(readFileSync('node_modules/mongoose/package.json')).version)`
        expect(application.evaluate(program)).to.match(new RegExp(`^${major}\\.`))
      })

      it('compiles the ten lines, as an ES module and as CommonJS', () => {
        application.write('adapter.js', ADAPTER)
        application.write('main.ts', TEN_LINES)
        application.write('main.cts', inFunction(TEN_LINES))
        const { compilerOptions } = STRICT
        const emitting = { ...compilerOptions, noEmit: false, outDir: 'built' }
        const files = ['main.ts', 'main.cts']
        application.write('tsconfig.json', JSON.stringify({ compilerOptions: emitting, files }))
        application.node([join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])
      })

      it('runs them on the oldest Node and on this one, with import and require: an authorization leads to the login page', async function () {
        const oldest = nodeOf(this, oldestNode(manifest.engines.node))
        const database = await openDatabase(await requireMongodb(this))
        try {
          application.write('main.js', TEN_LINES)
          application.write('main.cjs', withRequire(TEN_LINES))
          for (const node of new Set([oldest, process.execPath]))
            for (const file of ['main.js', 'main.cjs', 'built/main.js', 'built/main.cjs'])
              expect(
                application.lastLine([file], { MONGODB_URL: database.url }, node),
                `${node} ${file}`,
              ).to.match(
                /^303 http:\/\/127\.0\.0\.1:\d+\/interaction\/\S+ urn:\S+:password,\S+\/multi-factor$/,
              )
        } finally {
          await database.close()
        }
      })
    })

  describe('with TypeScript, in an empty project', () => {
    let application: Application

    before(function () {
      application = install(this, 'with-the-server', [
        'oidc-provider',
        'typescript@6.0',
        '@types/node',
      ])
    })

    it('answers on the command line', () => {
      const program = join('node_modules', NAME, manifest.bin[NAME] ?? '')
      expect(application.node([program, '--help'])).to.match(/serve/)
    })

    it('has every entry', () => {
      const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'))
      const program = `
        for (const entry of ${JSON.stringify(entries)}) await import('${NAME}' + entry.slice(1))
        console.log('all')`
      expect(application.evaluate(program)).to.equal('all')
    })

    it('has types that a strict application compiles against', () => {
      application.write(
        'main.ts',
        `import { createMfa, totp, backupCodes } from '${NAME}'
        const factors = [totp(), backupCodes()] as const
        // @ts-expect-error a wrong option does not compile
        createMfa({ issuerName: 1, factors })`,
      )
      application.write('tsconfig.json', JSON.stringify(STRICT))
      application.node([join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])
    })

    it('has types for a resolution that knows no exports, and for that of bundlers', () => {
      application.write(
        'node10.ts',
        `import { createMfa } from '${NAME}'
        import { openSqliteStorage } from '${NAME}/sqlite'
        import { mfaFields } from '${NAME}/mongoose'
        import { describeStorage } from '${NAME}/testing'
        import { serve } from '${NAME}/server'
        import { resourceServer } from '${NAME}/resource-server'
        const plugin = [createMfa, openSqliteStorage, mfaFields, describeStorage]
        export const all = [...plugin, serve, resourceServer]`,
      )
      const { compilerOptions } = STRICT
      const node10 = {
        ...compilerOptions,
        module: 'esnext',
        moduleResolution: 'node10',
        ignoreDeprecations: '6.0',
      }
      const files = ['node10.ts']
      const bundler = { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler' }
      for (const options of [node10, bundler]) {
        application.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files }))
        application.node([join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])
      }
    })
  })
})

/** A program that is valid as TypeScript and as JavaScript. */
const TEN_LINES = `
import { createServer } from 'node:http'
import mongoose from 'mongoose'
import { Provider } from 'oidc-provider'
import { backupCodes, createMfa, totp } from '${NAME}'
import { mfaFields, mongooseStorage } from '${NAME}/mongoose'
import { TEST_ADAPTER } from './adapter.js'

await mongoose.connect(process.env.MONGODB_URL ?? '')
const userSchema = new mongoose.Schema({ email: String, passwordHash: String })
userSchema.plugin(mfaFields, { passwordPath: 'passwordHash' })
const User = mongoose.model('User', userSchema)

const mfa = createMfa({
  issuerName: 'Acme',
  storage: mongooseStorage(User),
  encryptionKeys: ['${Buffer.alloc(32, 7).toString('base64')}'],
  factors: [totp(), backupCodes()],
  firstEnrolment: 'password',
})
const server = createServer().listen(0, '127.0.0.1')
await new Promise((done) => server.once('listening', done))
const { port } = Object(server.address())
const issuer = 'http://127.0.0.1:' + port
const provider = new Provider(issuer, mfa.configure({
  adapter: TEST_ADAPTER,
  clients: [{ client_id: 'app', client_secret: 'secret', redirect_uris: ['https://app.example/cb'] }],
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => false },
  findAccount: async (ctx, id) => {
    const user = await User.findById(id)
    return user === null ? undefined : { accountId: id, claims: async () => ({ sub: id }) }
  },
}))
mfa.attach(provider)
server.on('request', provider.callback())

const query = 'client_id=app&response_type=code&scope=openid&redirect_uri=https://app.example/cb'
const answer = await fetch(issuer + '/auth?' + query, { redirect: 'manual' })
const discovery = await (await fetch(issuer + '/.well-known/openid-configuration')).json()
const { acr_values_supported: levels } = Object(discovery)
console.log(answer.status, new URL(answer.headers.get('location') ?? '', issuer).href, String(levels))
server.close()
await mongoose.disconnect()
`

/** Moves the program into an async function, because CommonJS has no `await` outside a function. */
function inFunction(program: string): string {
  const imports = program.split('\n').filter((line) => line.startsWith('import '))
  const rest = program.split('\n').filter((line) => !line.startsWith('import '))
  return `${imports.join('\n')}\nvoid (async () => {\n${rest.join('\n')}\n})()\n`
}

/** Converts a program to CommonJS. Node also loads ES modules by `require`. */
function withRequire(program: string): string {
  return inFunction(program).replaceAll(
    /^import (.*) from ('.*')$/gm,
    (_, names, specifier) => `const ${names} = require(${specifier})`,
  )
}

/** An adapter that keeps the host's records in memory, which is enough for these tests. */
const ADAPTER = `
const records = new Map()
export const TEST_ADAPTER = (/** @type {string} */ model) => ({
  async upsert(/** @type {string} */ id, /** @type {object} */ payload) { records.set(model + id, payload) },
  async find(/** @type {string} */ id) { return records.get(model + id) },
  async findByUid() { return undefined },
  async findByUserCode() { return undefined },
  async consume() {},
  async destroy(/** @type {string} */ id) { records.delete(model + id) },
  async revokeByGrantId() {},
})
`

/** The compiler options of an application that compiles in strict mode. */
const STRICT = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    allowJs: true,
  },
  files: ['main.ts'],
}
