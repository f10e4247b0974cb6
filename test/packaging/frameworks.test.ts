import { expect } from 'chai'
import ts from 'typescript'
import { exampleWith } from '../docs/examples.ts'
import { miss } from '../support/requirements.ts'
import { Application, NoRegistry } from './application.ts'
import { NAME, packPackage } from './packed.ts'

const GUIDE = 'docs/guides/frameworks-and-bundlers.md'

/** The provider of an application, and a sign-in up to the page of the second factor. */
const COMMON = `
import { createServer } from 'node:net'
import { Provider } from 'oidc-provider'
import { backupCodes, createMfa, totp } from '${NAME}'
import { openSqliteStorage } from '${NAME}/sqlite'

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

export function makeProvider(issuer) {
  const storage = openSqliteStorage({ path: ':memory:' })
  const mfa = createMfa({
    issuerName: 'Acme',
    storage,
    encryptionKeys: ['${Buffer.alloc(32, 7).toString('base64')}'],
    factors: [totp(), backupCodes()],
    firstEnrolment: 'password',
  })
  const provider = new Provider(issuer, mfa.configure({
    adapter: storage.hostRecords,
    cookies: { keys: ['for a test'] },
    clients: [{ client_id: 'app', client_secret: 'secret', redirect_uris: ['https://app.example/cb'] }],
    features: { devInteractions: { enabled: false } },
    interactions: { url: (ctx, interaction) => '/interaction/' + interaction.uid },
    pkce: { required: () => false },
    findAccount: (ctx, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  }))
  mfa.attach(provider)
  const checkPassword = async (form) => form?.password === 'right' ? form.name : undefined
  return { provider, mfa, checkPassword }
}

/** Signs in with a wrong password, then with the right one; answers the titles of the pages that come. */
export async function signIn(issuer) {
  const cookies = new Map()
  const request = async (url, body) => {
    const headers = { cookie: [...cookies].map(([name, value]) => name + '=' + value).join('; ') }
    const answer = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)
      cookies.set(name, value)
    }
    const location = answer.headers.get('location')
    return location ? request(new URL(location, url)) : { url, text: await answer.text() }
  }
  const query = 'client_id=app&response_type=code&scope=openid&redirect_uri=https://app.example/cb'
  const page = await request(issuer + '/auth?' + query)
  const form = (password) => new URLSearchParams({ name: 'ada', password })
  const again = await request(page.url, form('wrong'))
  const next = await request(again.url, form('right'))
  return [again, next].map(({ text }) => /data-page="([^"]*)"/.exec(text)?.[1] ?? (/type="password"/.test(text) ? 'login' : text))
}
`

/** The second page is that of the set-up, which only the provider with the plugin shows. */
const PAGES = ['login', 'totp-enrol']

describe('the package in other surroundings', function () {
  this.timeout(300_000)
  let application: Application

  before(function () {
    try {
      const { tarball, folder } = packPackage()
      application = Application.install(folder('frameworks'), [
        tarball,
        'oidc-provider',
        'fastify@5',
        '@fastify/formbody@8',
        '@nestjs/common@11',
        '@nestjs/core@11',
        '@nestjs/platform-express@11',
        'reflect-metadata',
        'rxjs@7',
        'esbuild',
      ])
    } catch (error) {
      if (!(error instanceof NoRegistry)) throw error
      miss(this, 'registry')
    }
    application.write('common.js', COMMON)
  })

  it('asks for the second factor in Fastify, with the lines of the guide', () => {
    application.write('guide-fastify.js', exampleWith(GUIDE, 'js', 'hijack'))
    const program = `
      import fastify from 'fastify'
      import { loginPage, oidc } from './guide-fastify.js'
      import { freePort, makeProvider, signIn } from './common.js'
      const port = await freePort()
      const issuer = 'http://127.0.0.1:' + port
      const made = makeProvider(issuer)
      const app = fastify()
      app.register(oidc, made)
      app.register(loginPage, made)
      await app.listen({ port, host: '127.0.0.1' })
      console.log(JSON.stringify(await signIn(issuer)))
      process.exit()`
    expect(JSON.parse(application.evaluate(program) ?? '')).to.deep.equal(PAGES)
  })

  it('asks for the second factor in NestJS, as CommonJS, with the lines of the guide', () => {
    const { outputText } = ts.transpileModule(exampleWith(GUIDE, 'ts', 'NestFactory'), {
      compilerOptions: {
        module: ts.ModuleKind.CommonJS,
        target: ts.ScriptTarget.ES2022,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    })
    application.write('guide-nest.cjs', `require('reflect-metadata')\n${outputText}`)
    const program = `
      import { makeApplication } from './guide-nest.cjs'
      import { freePort, makeProvider, signIn } from './common.js'
      const port = await freePort()
      const issuer = 'http://127.0.0.1:' + port + '/oidc'
      const { provider, ...signingIn } = makeProvider(issuer)
      const app = await makeApplication(provider, signingIn)
      await app.listen(port, '127.0.0.1')
      console.log(JSON.stringify(await signIn(issuer)))
      process.exit()`
    expect(JSON.parse(application.evaluate(program) ?? '')).to.deep.equal(PAGES)
  })

  it('asks for the second factor from a bundle that keeps packages outside', () => {
    application.write(
      'main.js',
      `
      import { createServer } from 'node:http'
      import { freePort, makeProvider, signIn } from './common.js'
      const port = await freePort()
      const issuer = 'http://127.0.0.1:' + port
      const { provider, mfa } = makeProvider(issuer)
      const callback = provider.callback()
      createServer(async (req, res) => {
        if (!req.url.startsWith('/interaction/')) return callback(req, res)
        if (req.method === 'GET') return res.end('<input type="password">')
        const form = new URLSearchParams(Buffer.concat(await req.toArray()).toString())
        if (form.get('password') !== 'right') return res.writeHead(303, { location: req.url }).end()
        await mfa.interactionFinished(req, res, { login: { accountId: form.get('name') } })
      }).listen(port, '127.0.0.1')
      console.log(JSON.stringify(await signIn(issuer)))
      process.exit()`,
    )
    const [, ...options] = exampleWith(GUIDE, 'sh', 'esbuild').trim().split(/\s+/)
    application.node(['node_modules/esbuild/bin/esbuild', ...options])
    expect(JSON.parse(application.lastLine(['bundle.js']) ?? '')).to.deep.equal(PAGES)
  })
})
