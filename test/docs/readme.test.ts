import { expect } from 'chai'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { existsSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Provider, type Configuration } from 'oidc-provider'
import mongoose, { type Connection, type Model } from 'mongoose'
import ts from 'typescript'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { Mfa } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { authorizeUrl, defaultConfiguration, PASSWORD } from '../plugin/host.ts'
import { hostPages } from '../plugin/host-pages.ts'
import { recordWrites, type Write } from '../plugin/recorded-storage.ts'
import { HttpClient } from '../support/http-client.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'
import { ENTRIES, examplesOf, exampleWith, importCode } from './examples.ts'
import { readText, ROOT } from './page.ts'

const README = readText('README.md')
const EXAMPLE = exampleWith('README.md', 'js', 'createMfa(')
const [SET_UP = '', LOGIN_PAGE = ''] = EXAMPLE.split(/^\/\/ in the login page.*$/m)
const [IMPORTS = '', BODY = ''] = [
  /^import[\s\S]*?(?=\n\n)/.exec(SET_UP)?.[0],
  SET_UP.replace(/^import[\s\S]*?\n\n/, ''),
]

/** The values that an application has before it follows the steps of the README. */
interface Application {
  readonly Provider: typeof Provider
  readonly issuer: string
  readonly configuration: Configuration
  readonly sendMail: (mail: object) => Promise<unknown>
  readonly userSchema: mongoose.Schema
  /** Makes the application's model after the example has changed the schema. */
  readonly makeUser: () => Model<never>
}
type Finish = (given: {
  req: IncomingMessage
  res: ServerResponse
  accountId: string
}) => Promise<void>

/** The example as a module. The names that the example does not define become arguments. */
function asModule(body: string): string {
  return `${IMPORTS}
export default function ({ Provider, issuer, configuration, sendMail, userSchema, makeUser }) {
${body}
return { mfa, provider, async finish({ req, res, accountId }) {${LOGIN_PAGE}} }
}`
}

describe('the README', () => {
  it('begins with the one sentence', () => {
    expect(README.split('\n')[0]).to.equal(
      '# Add a second factor to your node oidc-provider. Your login page stays, relying parties ' +
        'change nothing, and nobody is signed in until the last factor',
    )
  })

  it('has the two commands, and the scripts that they run are there', () => {
    const commands = examplesOf('README.md', 'sh').map((code) => code.trim())
    expect(commands).to.include.members(['npm ci && npm start', 'npm ci && npm test'])
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: object }
    expect(scripts).to.include.keys('start', 'test')
  })

  it('names only commands that run something: scripts of the package, and tests that exist', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: object }
    const named = [...README.matchAll(/`(npx mocha|npm run) ([^`]+)`/g)]
    expect(named.length).to.be.greaterThan(3)
    for (const [, tool, argument = ''] of named)
      if (tool === 'npm run') expect(scripts).to.include.keys(argument)
      else
        for (const path of argument.split(' '))
          expect(existsSync(join(ROOT, path)), path).to.equal(true)
  })

  it('says the versions that package.json says', () => {
    const { engines, peerDependencies, dependencies } = JSON.parse(readText('package.json')) as {
      engines: { node: string }
      peerDependencies: Record<string, string>
      dependencies: Record<string, string>
    }
    const versions = /## Versions\n\n(.*)/.exec(README)?.[1] ?? ''
    expect(versions).to.contain(`Node ${engines.node.replace('>=', '')} or newer`)
    for (const [peer, name] of [
      ['oidc-provider', '`oidc-provider`'],
      ['mongoose', 'Mongoose'],
    ] as const) {
      const ranges = (peerDependencies[peer] ?? dependencies[peer] ?? '').split(' || ')
      for (const range of ranges) {
        const [, major, minor] = /^[~^](\d+)\.(\d+)/.exec(range) ?? []
        expect(versions).to.contain(`${name} ${major}.${minor}`)
      }
    }
  })

  it('shows a few small pictures, in light and dark', () => {
    const pictures = [...README.matchAll(/(docs\/images\/[\w-]+\.png)/g)].map(([path]) => path)
    expect(new Set(pictures).size).to.be.within(4, 6)
    for (const picture of pictures)
      expect(statSync(join(ROOT, picture)).size, picture).to.be.lessThan(60_000)
    expect(pictures.filter((picture) => /dark/.test(picture))).to.not.be.empty
    expect(pictures.filter((picture) => /light/.test(picture))).to.not.be.empty
  })
})

describe('the example of the README', function () {
  this.timeout(60_000)

  it('is ten lines, but for its imports and comments', () => {
    const lines = EXAMPLE.split('\n').filter((line) => !/^\s*(\/\/.*|import .*|[})]*)?$/.test(line))
    expect(lines.length).to.be.at.most(10)
  })

  it('compiles, and does not with an option that is misspelt', () => {
    expect(faultsOf(asTypeScript(EXAMPLE))).to.deep.equal([])
    const misspelt = EXAMPLE.replace('issuerName:', 'issuer_name:')
    expect(faultsOf(asTypeScript(misspelt))).to.not.be.empty
  })

  it('signs nobody in with the password alone, and goes on to the second factor', async function () {
    const { connection, close } = await openDatabase(await requireMongodb(this))
    const writes: Write[] = []
    const mails: object[] = []
    const storage = recordWrites(memoryStorage(), writes)
    const host = await startExample(storage, connection, async (mail) => mails.push(mail))
    try {
      const browser = new HttpClient()
      const login = await browser.visit(authorizeUrl(host))
      const next = await browser.follow(
        await browser.submit(login, { username: 'mira', password: PASSWORD }),
      )
      expect(next.name).to.equal('owner-proof')
      const sent = await browser.follow(await browser.submit(next))
      expect(sent.tags('input').map(({ name }) => name)).to.include('code')
      expect(mails).to.have.length(1)
      const sessions = writes.filter(({ deed }) => deed === 'Session.upsert')
      expect(JSON.stringify(sessions)).to.not.contain('accountId')
      // The user's own document keeps the challenge of the mailed code until the person enters the code.
      const user = await connection
        .db!.collection<{ _id: string }>('users')
        .findOne({ _id: 'mira' })
      expect(JSON.stringify(user)).to.contain('owner-proof')
    } finally {
      await host.close()
      await close()
    }
  })
})

/** The example with declarations of the names that it uses, for a compilation in strict mode. */
function asTypeScript(example: string): string {
  return `import { Provider, type Configuration } from 'oidc-provider'
import type { Model, Schema } from 'mongoose'
import type { IncomingMessage, ServerResponse } from 'node:http'
interface Person { _id: string; passwordHash: string }
declare const userSchema: Schema<Person>
declare const User: Model<Person>
declare const process: { env: { MFA_KEY: string } }
declare const [issuer, accountId]: [string, string]
declare const configuration: Configuration
declare const sendMail: (mail: { to: string; subject: string; text: string; html: string }) => Promise<void>
declare const [req, res]: [IncomingMessage, ServerResponse]
${example}`
}

function faultsOf(text: string): string[] {
  const file = join(ROOT, 'test/docs/of-the-readme.ts')
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile) as {
    config: { compilerOptions: object }
  }
  const paths = Object.entries(ENTRIES).map(([entry, source]) => [entry, [join(ROOT, source)]])
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, paths: Object.fromEntries(paths) as object },
    ROOT,
  )
  const host = ts.createCompilerHost(options)
  const original = host.getSourceFile.bind(host)
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(file, text, ts.ScriptTarget.ESNext)
      : original(name, ...rest)
  const known = host.fileExists.bind(host)
  host.fileExists = (name) => name === file || known(name)
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  return ts
    .getPreEmitDiagnostics(program, source)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

async function startExample(
  storage: ServerStorage,
  connection: Connection,
  sendMail: Application['sendMail'],
) {
  process.env['MFA_KEY'] = Buffer.alloc(32, 7).toString('base64')
  const body = BODY.replace(/^userSchema\.plugin.*$/m, '$&\nconst User = makeUser()')
  const { default: setUp } = await importCode<{
    default: (application: Application) => {
      mfa: Mfa
      provider: Provider
      finish: Finish
    }
  }>(asModule(body))
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const configuration: Configuration = {
    ...defaultConfiguration(storage),
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true }),
    }),
  }
  const userSchema = new mongoose.Schema({ _id: String, passwordHash: String })
  const makeUser = () => connection.model('User', userSchema) as unknown as Model<never>
  const application = { Provider, issuer, configuration, sendMail, userSchema, makeUser }
  await connection.db!.collection<{ _id: string }>('users').insertOne({ _id: 'mira' })
  let example: ReturnType<typeof setUp>
  try {
    example = setUp(application)
  } catch (error) {
    // The test run could not end while the server is open.
    server.close()
    throw error
  }
  const { mfa, provider, finish } = example
  provider.use(hostPages(provider, (req, res, accountId) => finish({ req, res, accountId })))
  server.on('request', provider.callback())
  return {
    issuer,
    async close() {
      delete process.env['MFA_KEY']
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
      await mfa.settled()
    },
  }
}
