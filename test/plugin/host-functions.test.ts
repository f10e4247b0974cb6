import { expect } from 'chai'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  interactionPolicy,
  Provider,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { createMfa, totp } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  Clock,
  defaultConfiguration,
  follow,
  PASSWORD,
  redeem,
} from './host.ts'
import { hostPages } from './host-pages.ts'
import { introspect, refresh, userinfo } from './relying-party.ts'

const { base, Check, Prompt } = interactionPolicy

/** A call of one of the application's functions, with the parts of its arguments that such functions use. */
interface Call {
  readonly of: string
  readonly sees: Readonly<Record<string, unknown>>
}

type OIDC = KoaContextWithOIDC['oidc'] & { readonly route?: string }

/** The parts of a context that an application's function sees, without random values. */
function seen(ctx: KoaContextWithOIDC): Readonly<Record<string, unknown>> {
  const { route, session, client, params, account, result, entities, grant, prompts } =
    ctx.oidc as OIDC
  const login = result?.login
  return {
    route,
    session: session?.accountId,
    loggedInAt: typeof session?.loginTs,
    client: client?.clientId,
    scope: params?.scope,
    prompts: [...prompts],
    account: account?.accountId,
    entity: entities.Account?.accountId,
    sessionEntity: entities.Session?.accountId,
    grant: grant?.accountId,
    login: login?.accountId,
    tenant: login?.tenant,
    provider: typeof ctx.oidc.provider.issuer,
  }
}

/** Every function that an application can pass to the host for a sign-in. Each records its calls in `calls`. */
function recording(calls: Call[]): Partial<Configuration> {
  const storage = memoryStorage()
  const given = defaultConfiguration(storage)
  const note = (of: string, sees: object): void => void calls.push({ of, sees: { ...sees } })
  const policy = base()
  policy.add(
    new Prompt(
      { name: 'select_account', requestable: true },
      new Check('before', 'a check before the login', (ctx) => {
        note('check before login', seen(ctx))
        return false
      }),
    ),
    0,
  )
  policy.get('login')!.checks.add(
    new Check('own', 'a check of the login prompt', (ctx) => {
      note('check of login', seen(ctx))
      return false
    }),
  )
  policy.add(
    new Prompt(
      { name: 'terms', requestable: true },
      new Check('after', 'a check after the login', (ctx) => {
        note('check after login', seen(ctx))
        return false
      }),
    ),
    2,
  )
  return {
    ...given,
    interactions: {
      policy,
      url(ctx, interaction) {
        note('interactions.url', { ...seen(ctx), prompt: interaction.prompt.name })
        return `/interaction/${interaction.uid}`
      },
    },
    async findAccount(ctx, sub, token) {
      note('findAccount', { ...seen(ctx), sub, token: token?.kind })
      return given.findAccount!(ctx, sub, token)
    },
    async loadExistingGrant(ctx) {
      note('loadExistingGrant', seen(ctx))
      return given.loadExistingGrant!(ctx)
    },
    async issueRefreshToken(ctx, client, code) {
      note('issueRefreshToken', { ...seen(ctx), of: client.clientId, code: code.kind })
      return true
    },
    rotateRefreshToken(ctx) {
      note('rotateRefreshToken', seen(ctx))
      return true
    },
    async extraTokenClaims(ctx, token) {
      note('extraTokenClaims', { ...seen(ctx), token: token.kind })
      return { tenant: 'north' }
    },
    async renderError(ctx, out, error) {
      note('renderError', { route: (ctx.oidc as OIDC).route, out: out.error, error: error.name })
      ctx.type = 'html'
      ctx.body = '<body data-page="host-error"></body>'
    },
    ttl: {
      Interaction(ctx, interaction) {
        note('ttl.Interaction', { ...seen(ctx), prompt: interaction.prompt.name })
        return 3600
      },
      Session: () => 86_400,
      Grant: () => 86_400,
    },
  }
}

/** The calls of the application's functions during a sign-in and the requests after it, with or without the plugin. */
async function record(withPlugin: boolean): Promise<Call[]> {
  const calls: Call[] = []
  const clock = new Clock()
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const configuration = { ...recording(calls) }
  const mfa = createMfa({
    issuerName: 'Acme',
    storage: memoryStorage({ clock }),
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp()],
    firstEnrolment: 'password',
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    clock,
  })
  const provider = new Provider(issuer, withPlugin ? mfa.configure(configuration) : configuration)
  if (withPlugin) mfa.attach(provider)
  const host = withPlugin ? mfa : provider
  provider.use(
    hostPages(provider, (request, response, accountId) =>
      host.interactionFinished(request, response, { login: { accountId, tenant: 'north' } }),
    ),
  )
  server.on('request', provider.callback())
  const browser = new HttpClient()
  const goOn = (page: Page): Promise<Page> => follow({ issuer }, browser, page)
  try {
    const login = await goOn(await browser.get(authorizeUrl({ issuer })))
    let page = await goOn(await browser.post(login.url, { username: 'mira', password: PASSWORD }))
    if (withPlugin) {
      const code = totpCode({ secret: secretOf(page) }, clock.at)
      page = await goOn(await browser.submit(page, { code }))
      expect(page.name, page.body).to.equal(undefined)
    }
    const { tokens } = await redeem({ issuer }, callbackOf(page))
    await userinfo({ issuer }, tokens.access_token!)
    await introspect({ issuer }, tokens.access_token!)
    await refresh({ issuer }, tokens.refresh_token!)
    await goOn(await browser.get(authorizeUrl({ issuer }, { prompt: 'none' })))
    const wrong = authorizeUrl({ issuer }, { redirect_uri: 'https://elsewhere.example' })
    const refused = await browser.get(wrong, { headers: { accept: 'text/html' } })
    expect(refused.name).to.equal('host-error')
    return calls
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}

/**
 * The different calls of a function, sorted and without duplicates. Calls for the plugin's own pages are left out, and
 * findAccount at introspection: the host asks nobody there, and the plugin judges the token by its account.
 */
function ways(calls: readonly Call[], of: string): string[] {
  const its = calls.filter(
    (call) =>
      call.of === of &&
      call.sees.prompt !== 'mfa' &&
      !(of === 'findAccount' && call.sees.route === 'introspection'),
  )
  return [...new Set(its.map(({ sees }) => JSON.stringify(sees)))].sort()
}

describe("the application's own functions", () => {
  let without: Call[]
  let withIt: Call[]
  before(async () => {
    without = await record(false)
    withIt = await record(true)
  })

  const names = [
    'check before login',
    'check of login',
    'check after login',
    'interactions.url',
    'ttl.Interaction',
    'findAccount',
    'loadExistingGrant',
    'issueRefreshToken',
    'rotateRefreshToken',
    'extraTokenClaims',
    'renderError',
  ]
  for (const name of names)
    it(`see with the plugin what they would have seen without it: ${name}`, () => {
      const expected = ways(without, name)
      expect(expected).not.to.deep.equal([])
      expect(ways(withIt, name)).to.deep.equal(expected)
    })

  it('are not called more often, but for the pages and steps that are more', () => {
    const count = (calls: readonly Call[], of: string): number =>
      calls.filter((call) => call.of === of && call.sees.prompt !== 'mfa').length
    for (const name of names.filter((name) => !name.startsWith('check') && name !== 'findAccount'))
      expect(count(withIt, name), name).to.equal(count(without, name))
  })

  it('are not asked for their own address of a page of the second factor', () => {
    expect(
      withIt.filter(({ of, sees }) => of === 'interactions.url' && sees.prompt === 'mfa'),
    ).to.deep.equal([])
  })
})
