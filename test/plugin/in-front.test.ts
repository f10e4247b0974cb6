import bodyParser from '@koa/bodyparser'
import { expect } from 'chai'
import express from 'express'
import Koa from 'koa'
import koaBodyparser from 'koa-bodyparser'
import mount from 'koa-mount'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type Configuration } from 'oidc-provider'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { backupCodes, createMfa, totp } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type ClientOptions, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { authorizeUrl, Clock, defaultConfiguration, PASSWORD } from './host.ts'
import { hostPages } from './host-pages.ts'

const KEYS = ['cookie-key-for-tests']

interface Setting {
  /** Makes the application's request listener from the provider. */
  readonly around?: (provider: Provider) => RequestListener
  /** The path at which the application mounts the provider; empty if it does not mount it. */
  readonly mounted?: string
  /** The address that browsers use for the server; default: its real one. */
  readonly origin?: string
  /** Whether the issuer contains the path of the mount. */
  readonly issuerKnows?: boolean
  readonly path?: string
  readonly cookies?: Configuration['cookies']
}

let server: Server
let clock: Clock
let origin: string
let base: string
let told: (Error & { code?: string })[]

async function start(setting: Setting = {}): Promise<void> {
  clock = new Clock()
  told = []
  base = setting.mounted ?? ''
  server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  origin = setting.origin ?? address
  const storage = memoryStorage({ clock })
  const mfa = createMfa({
    issuerName: 'Acme',
    storage,
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp(), backupCodes()],
    firstEnrolment: 'password',
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    clock,
    ...(setting.path === undefined ? {} : { path: setting.path }),
  })
  const provider = new Provider(
    setting.issuerKnows === false ? origin : origin + base,
    mfa.configure({
      ...defaultConfiguration(storage),
      cookies: setting.cookies ?? { keys: KEYS },
      interactions: { url: (_ctx, { uid }) => `${base}/interaction/${uid}` },
    }),
  )
  mfa.attach(provider)
  provider.use(
    hostPages(provider, (request, response, accountId) =>
      mfa.interactionFinished(request, response, { login: { accountId } }),
    ),
  )
  const application: NodeJS.EventEmitter = provider
  application.on('error', (error: Error) => told.push(error))
  server.on('request', (setting.around ?? ((given) => given.callback()))(provider))
}

/** A Koa application that mounts the provider; `before` adds middleware in front of the mount. */
const inKoa =
  (before: (app: Koa) => void = () => undefined, keys: string[] | undefined = KEYS) =>
  (provider: Provider): RequestListener => {
    const app = new Koa()
    if (keys !== undefined) app.keys = keys
    app.on('error', (error: Error) => told.push(error))
    before(app)
    app.use(mount('/oidc', provider))
    return app.callback()
  }

const inExpress =
  (before: (app: express.Express) => void = () => undefined) =>
  (provider: Provider): RequestListener => {
    const app = express()
    before(app)
    app.use('/oidc', provider.callback())
    return app
  }

async function stop(): Promise<void> {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
}

const authorize = (): URL => {
  const url = authorizeUrl({ issuer: origin })
  url.pathname = `${base}/auth`
  return url
}
const follow = (browser: HttpClient, page: Page): Promise<Page> =>
  browser.follow(page, (to) => to.origin !== origin)

/** Signs in with the password, sets up a factor and returns to the app; checks the style sheets of each page. */
async function signUp(browser = new HttpClient(), path = '/mfa'): Promise<void> {
  const login = await follow(browser, await browser.get(authorize()))
  expect(login.name, login.body).to.equal('host-login')
  const fields = { username: 'mira', password: PASSWORD }
  const setUp = await follow(browser, await browser.post(login.url, fields))
  expect(setUp.name, setUp.body).to.equal('totp-enrol')
  expect(setUp.url.pathname.startsWith(`${base}${path}/`), setUp.url.pathname).to.equal(true)
  for (const { href = '' } of setUp.tags('link'))
    expect((await browser.get(new URL(href, setUp.url))).status, href).to.equal(200)
  const code = totpCode({ secret: secretOf(setUp) }, clock.at)
  const shown = await follow(browser, await browser.submit(setUp, { code }))
  expect(shown.name, shown.body).to.equal('backup-codes')
  const back = await follow(browser, await browser.submit(shown, { saved: 'yes' }))
  expect(back.location?.searchParams.get('code'), back.body).to.be.a('string')
  expect(told.map(({ message }) => message)).to.deep.equal([])
}

describe('a path of its own for the pages', () => {
  afterEach(stop)

  for (const path of ['/second-step', '/account/second-step'])
    it(`is ${path}`, async () => {
      await start({ path })
      await signUp(new HttpClient(), path)
    })

  for (const path of ['/auth', '/token', '/session'])
    it(`is not ${path}, which is the host's, and is refused by name`, async () => {
      const refused = await start({ path }).catch((error: unknown) => error)
      expect(refused).to.include({ code: 'options-invalid' })
      expect((refused as Error).message).to.contain(`path: ${path} is where the host has`)
    })

  it('is below a mount too', async () => {
    await start({ path: '/second-step', mounted: '/oidc', around: inExpress() })
    await signUp(new HttpClient(), '/second-step')
  })
})

describe('an application that mounts the provider under a prefix', () => {
  afterEach(stop)

  for (const issuerKnows of [true, false]) {
    const how = issuerKnows ? 'that the issuer carries' : 'that the issuer does not carry'
    it(`signs in below Express, ${how}`, async () => {
      await start({ mounted: '/oidc', issuerKnows, around: inExpress() })
      await signUp()
    })

    it(`signs in below a router of Express, ${how}`, async () => {
      const around = (provider: Provider): RequestListener => {
        const router = express.Router()
        router.use('/oidc', provider.callback())
        return express().use('/id', router)
      }
      await start({ mounted: '/id/oidc', issuerKnows, around })
      await signUp()
    })

    it(`signs in below koa-mount, ${how}`, async () => {
      await start({ mounted: '/oidc', issuerKnows, around: inKoa() })
      await signUp()
    })
  }
})

describe('an application whose cookie keys are not those of the provider', () => {
  afterEach(stop)

  for (const [kind, keys] of [
    ['other keys', ['other-key']],
    ['older keys first', ['other-key', 'cookie-key-from-before']],
    ['no keys', undefined],
  ] as const)
    it(`is told so by name at its first authorization: ${kind}`, async () => {
      const around = (provider: Provider): RequestListener => {
        const app = new Koa()
        if (keys !== undefined) app.keys = [...keys]
        app.on('error', (error: Error) => told.push(error))
        app.use(mount('/oidc', provider))
        return app.callback()
      }
      await start({ mounted: '/oidc', around })
      const answer = await follow(new HttpClient(), await new HttpClient().get(authorize()))
      expect(answer.status).to.equal(500)
      expect(answer.body).not.to.contain('keys')
      expect(told.map(({ code }) => code)).to.deep.equal(['cookie-keys-differ'])
      expect(told[0]!.message).to.contain('`app.keys`').and.to.contain('`cookies.keys`')
    })

  it('signs in when the keys fit, though they are not the same', async () => {
    const cookies = { keys: ['key-of-today', 'key-of-yesterday'] }
    await start({
      mounted: '/oidc',
      cookies,
      around: inKoa(undefined, ['key-of-yesterday', 'key-of-the-day-before']),
    })
    await signUp()
  })

  it('signs in when the provider signs no cookies', async () => {
    const cookies = { keys: KEYS, short: { signed: false }, long: { signed: false } }
    await start({ mounted: '/oidc', cookies, around: inKoa(undefined, ['other-key']) })
    await signUp()
  })
})

describe('an application with a body parser before the provider', () => {
  afterEach(stop)

  const parsers: Readonly<Record<string, Setting['around']>> = {
    'express.urlencoded': inExpress((app) => app.use(express.urlencoded({ extended: false }))),
    'express.urlencoded, extended': inExpress((app) =>
      app.use(express.urlencoded({ extended: true })),
    ),
    'express.json': inExpress((app) => app.use(express.json())),
    'express.json and express.urlencoded': inExpress((app) =>
      app.use(express.json(), express.urlencoded({ extended: true })),
    ),
    'koa-bodyparser': inKoa((app) => app.use(koaBodyparser())),
    '@koa/bodyparser': inKoa((app) => app.use(bodyParser())),
  }
  for (const [name, around] of Object.entries(parsers))
    it(`signs in after ${name}`, async () => {
      await start({ mounted: '/oidc', around: around! })
      await signUp()
    })

  it('R34 takes no field of a form that such a parser has made into something else', async () => {
    await start({ mounted: '/oidc', around: parsers['express.urlencoded, extended']! })
    const browser = new HttpClient()
    const login = await follow(browser, await browser.get(authorize()))
    const fields = { username: 'mira', password: PASSWORD }
    const choose = await follow(browser, await browser.post(login.url, fields))
    const { csrf = '' } = choose.form().fields
    const action = new URL(choose.form().action, choose.url)
    const posted = await browser.postRaw(action, `csrf=${csrf}&factor[$ne]=x`)
    expect(posted.status).to.equal(400)
  })

  it('is told by name when it hands the provider a request that it has emptied', async () => {
    const around = (provider: Provider): RequestListener => {
      const serve = provider.callback()
      const app = new Koa()
      const parse = koaBodyparser()
      app.use((ctx, next) => (ctx.path.startsWith('/mfa/') ? parse(ctx, next) : next()))
      app.use(async (ctx) => {
        ctx.respond = false
        await serve(ctx.req, ctx.res)
      })
      return app.callback()
    }
    await start({ around })
    const browser = new HttpClient()
    const login = await follow(browser, await browser.get(authorize()))
    const fields = { username: 'mira', password: PASSWORD }
    const choose = await follow(browser, await browser.post(login.url, fields))
    const answer = await browser.submit(choose, { code: '000000' })
    expect([answer.status, answer.name]).to.deep.equal([500, 'error'])
    expect(told.map(({ code }) => code)).to.deep.equal(['body-already-read'])
    expect(told[0]!.message).to.contain('body')
  })
})

describe('an application behind a proxy that ends TLS', () => {
  afterEach(stop)

  const throughProxy = (headers: Record<string, string>): HttpClient => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const options: ClientOptions = { origins: { 'https://id.example': { url, headers } } }
    return new HttpClient(options)
  }
  const trusting = (provider: Provider): RequestListener => {
    provider.proxy = true
    return provider.callback()
  }
  const settings: Readonly<Record<string, [Setting['around'], Record<string, string>]>> = {
    'that it trusts': [
      trusting,
      { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7', host: 'id.example' },
    ],
    'that it has not been told of': [
      undefined,
      { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7', host: 'id.example' },
    ],
    'that says nothing of itself': [undefined, {}],
  }
  for (const [how, [around, headers]] of Object.entries(settings))
    it(`signs in, ${how}`, async () => {
      await start({ origin: 'https://id.example', ...(around === undefined ? {} : { around }) })
      await signUp(throughProxy(headers))
    })

  it('R23 leads to its issuer after the factor, whatever host the request names', async () => {
    await start({ origin: 'https://id.example', around: trusting })
    const browser = throughProxy({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
    })
    const login = await browser.get(authorize())
    const at = new URL(login.location!.pathname, origin)
    const fields = { username: 'mira', password: PASSWORD }
    const answer = await browser.post(at, fields)
    expect(answer.location?.origin).to.equal('https://id.example')
  })
})
