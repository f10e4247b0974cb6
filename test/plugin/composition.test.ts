import { expect } from 'chai'
import { errors, interactionPolicy } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import type { HostRecords } from '../../src/ports/host-records.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { enrol } from './enrol.ts'
import { introspect, userinfo } from './relying-party.ts'
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, signIn } from './sign-in.ts'

const { Check, Prompt, base } = interactionPolicy

describe("an application's own configuration", () => {
  let host: Host | undefined
  afterEach(async () => {
    await host?.close()
    host = undefined
  })
  const start = async (options: HostOptions): Promise<Host> => (host = await startHost(options))

  for (const [kind, acrValues] of [
    ['an array', ['urn:host:gold']],
    ['a Set', new Set(['urn:host:gold'])],
  ] as const)
    it(`keeps its acrValues, ${kind}, beside ours`, async () => {
      const { issuer } = await start({
        configuration: { acrValues },
      })
      const { json } = await new HttpClient().get(
        new URL('/.well-known/openid-configuration', issuer),
      )
      expect(json)
        .to.have.property('acr_values_supported')
        .that.has.members(['urn:host:gold', PASSWORD_ACR, MULTI_FACTOR_ACR])
    })

  it('R11 lets nobody ask for a change of factors, unless it says who', async () => {
    const started = await start({})
    const url = authorizeUrl(started, { mfa_action: 'add' })
    expect(callbackOf(await new HttpClient().get(url)).get('error')).to.equal('invalid_request')
  })

  it('keeps an adapter that is a class, with its own `this`', async () => {
    const records = memoryStorage().hostRecords
    class HostAdapter {
      readonly #inner: ReturnType<typeof records>
      constructor(name: string) {
        this.#inner = records(name)
      }
      upsert(...given: Parameters<ReturnType<typeof records>['upsert']>) {
        return this.#inner.upsert(...given)
      }
      find(id: string) {
        return this.#inner.find(id)
      }
      findByUid(uid: string) {
        return this.#inner.findByUid(uid)
      }
      findByUserCode(userCode: string) {
        return this.#inner.findByUserCode(userCode)
      }
      consume(id: string) {
        return this.#inner.consume(id)
      }
      destroy(id: string) {
        return this.#inner.destroy(id)
      }
      revokeByGrantId(grantId: string) {
        return this.#inner.revokeByGrantId(grantId)
      }
    }
    const started = await start({ configuration: { adapter: HostAdapter } })
    const { callback } = await enrol(started, new HttpClient(), 'mira')
    expect((await redeem(started, callbackOf(callback))).claims.sub).to.equal('mira')
  })

  for (const [kind, make] of [
    ['an arrow function', (records: HostRecords) => (name: string) => records(name)],
    [
      'a plain function, which the host calls with `new`',
      (records: HostRecords) =>
        function factory(name: string) {
          return records(name)
        },
    ],
  ] as const)
    it(`keeps an adapter that is ${kind}`, async () => {
      const adapter = make(memoryStorage().hostRecords)
      const started = await start({ configuration: { adapter } })
      const { callback } = await enrol(started, new HttpClient(), 'mira')
      expect((await redeem(started, callbackOf(callback))).claims.sub).to.equal('mira')
    })

  for (const [kind, scopes] of [
    ['an array', ['openid', 'tenant']],
    ['a Set', new Set(['openid', 'tenant'])],
  ] as const)
    it(`keeps its scopes, ${kind}`, async () => {
      const { issuer } = await start({ configuration: { scopes } })
      const address = new URL('/.well-known/openid-configuration', issuer)
      const { json } = await new HttpClient().get(address)
      expect(json).to.have.property('scopes_supported').that.includes('tenant')
    })

  for (const [kind, extraParams] of [
    ['an array', ['tenant']],
    ['a Set', new Set(['tenant'])],
    ['an object with checks', { tenant: null }],
  ] as const)
    it(`keeps its extraParams, ${kind}, through the pages of the second factor`, async () => {
      const seen: unknown[] = []
      const started = await start({
        mfa: { require: ({ params }) => seen.push(params.tenant) > 0 },
        configuration: { extraParams },
      })
      const browser = new HttpClient()
      const choose = await showPassword(started, browser, 'mira', { tenant: 'north' })
      expect(choose.name).to.equal('totp-enrol')
      expect(new Set(seen)).to.deep.equal(new Set(['north']))
    })

  it('keeps a check of an extraParam that refuses', async () => {
    const started = await start({
      configuration: {
        extraParams: {
          tenant(_ctx: unknown, value: unknown) {
            if (value === 'south') throw new errors.InvalidRequest('no such tenant')
          },
        },
      },
    })
    const refused = await new HttpClient().get(authorizeUrl(started, { tenant: 'south' }))
    expect(callbackOf(refused).get('error_description')).to.equal('no such tenant')
  })

  it('keeps the claims of a scope given as an object', async () => {
    const started = await start({
      configuration: { claims: { openid: { sub: null }, email: { email: null } } },
    })
    const { callback } = await enrol(started, new HttpClient(), 'mira')
    const { tokens, claims } = await redeem(started, callbackOf(callback))
    expect(claims).to.include.keys('acr', 'amr', 'auth_time')
    const about = await userinfo(started, tokens.access_token!)
    expect(about.json).to.include({ sub: 'mira', email: 'mira@example.com' })
  })

  it('keeps its extraTokenClaims', async () => {
    const started = await start({
      configuration: { extraTokenClaims: async () => ({ tenant: 'north' }) },
    })
    const { callback } = await enrol(started, new HttpClient(), 'mira')
    const { tokens } = await redeem(started, callbackOf(callback))
    const introspected = await introspect(started, tokens.access_token!)
    expect(introspected.json).to.include({ active: true, tenant: 'north' })
  })

  it('keeps its own introspection policy', async () => {
    const asked: string[] = []
    const started = await start({
      configuration: {
        features: {
          devInteractions: { enabled: false },
          introspection: {
            enabled: true,
            async allowedPolicy(_ctx, client) {
              asked.push(client.clientId)
              return false
            },
          },
        },
      },
    })
    const { callback } = await enrol(started, new HttpClient(), 'mira')
    const { tokens } = await redeem(started, callbackOf(callback))
    const introspected = await introspect(started, tokens.access_token!)
    expect(introspected.json).to.deep.equal({ active: false })
    expect(asked).to.deep.equal(['app'])
  })

  it('keeps its interactions.url for its own prompts, and its own alone', async () => {
    const asked: string[] = []
    const started = await start({
      configuration: {
        interactions: {
          url: (_ctx, { uid, prompt }) => {
            asked.push(prompt.name)
            return `/interaction/${uid}?from=host`
          },
        },
      },
    })
    const browser = new HttpClient()
    const login = await follow(started, browser, await browser.get(authorizeUrl(started)))
    expect(login.url.search).to.equal('?from=host')
    expect((await showPassword(started, browser, 'mira')).url.pathname).to.match(/^\/mfa\//)
    expect(new Set(asked)).to.deep.equal(new Set(['login']))
  })

  it('runs its own checks of the login prompt on the person who has shown a password, once', async () => {
    const seen: unknown[] = []
    const policy = base()
    policy.get('login')!.checks.add(
      new Check('host_check', 'blocked by the host', 'access_denied', async ({ oidc }) => {
        const { session, account, result, acr } = oidc as typeof oidc & { acr?: string }
        const login = (result as { login?: { accountId: string } } | undefined)?.login
        seen.push([session!.accountId, account?.accountId, login?.accountId, acr])
        return session!.accountId === 'blocked'
      }),
    )
    const started = await start({ configuration: { interactions: { policy } } })
    await enrolledPerson(started)
    expect(seen.slice(0, 3)).to.deep.equal([
      [undefined, undefined, undefined, undefined],
      ['mira', 'mira', 'mira', undefined],
      ['mira', 'mira', 'mira', MULTI_FACTOR_ACR],
    ])
    const browser = new HttpClient()
    const again = await showPassword(started, browser, 'blocked')
    expect(again.name).to.equal('host-login')
    expect(again.body).to.contain('host_check')
  })

  it('keeps a prompt of its own before the login', async () => {
    const policy = base()
    const select = new Prompt(
      { name: 'select_account', requestable: true },
      new Check('chosen', 'an account is to be chosen', ({ oidc }) => oidc.result === undefined),
    )
    policy.add(select, 0)
    const started = await start({ configuration: { interactions: { policy } } })
    const browser = new HttpClient()
    const page = await follow(started, browser, await browser.get(authorizeUrl(started)))
    expect(page.name).to.equal('host-select_account')
    const login = await follow(started, browser, await browser.submit(page))
    expect(login.name).to.equal('host-login')
  })

  for (const [at, order] of [
    [0, ['host-select_account', 'host-login', 'totp-enrol']],
    [1, ['host-login', 'totp-enrol', 'host-select_account']],
  ] as const)
    it(`keeps a prompt that can be asked for, ${at === 0 ? 'before' : 'after'} the login, and shows it once`, async () => {
      const policy = base()
      policy.add(new Prompt({ name: 'select_account', requestable: true }), at)
      const started = await start({ configuration: { interactions: { policy } } })
      const browser = new HttpClient()
      const parameters = { prompt: 'select_account' }
      let page = await follow(
        started,
        browser,
        await browser.get(authorizeUrl(started, parameters)),
      )
      const shown: unknown[] = []
      while (page.name !== undefined && shown.length < 9) {
        shown.push(page.name)
        page = await follow(started, browser, await answerOf(started, browser, page))
      }
      const pages = shown.filter((name) => (order as readonly unknown[]).includes(name))
      expect(pages).to.deep.equal(order)
      expect(callbackOf(page).get('code')).to.be.a('string')
    })

  async function answerOf(started: Host, browser: HttpClient, page: Page): Promise<Page> {
    switch (page.name) {
      case 'host-login':
        return browser.post(page.url, { username: 'mira', password: PASSWORD })
      case 'totp-enrol':
        return browser.submit(page, {
          code: totpCode({ secret: secretOf(page) }, started.clock.at),
        })
      case 'backup-codes':
        return browser.submit(page, { saved: 'yes' })
      default:
        return browser.submit(page)
    }
  }

  it('keeps a prompt of its own after the second factor, and never shows it before', async () => {
    const policy = base()
    const seen: unknown[] = []
    policy.add(
      new Prompt(
        { name: 'terms' },
        new Check('terms_accepted', 'terms', ({ oidc }) => {
          seen.push(oidc.session!.accountId)
          return (oidc.result as { terms?: object } | undefined)?.terms === undefined
        }),
      ),
      1,
    )
    const started = await start({ configuration: { interactions: { policy } } })
    const person = await enrolledPersonWithTerms(started)
    expect(person).to.equal('host-terms')
    expect(seen).to.deep.equal(['mira', 'mira'])
  })

  async function enrolledPersonWithTerms(started: Host): Promise<string | undefined> {
    const browser = new HttpClient()
    const { callback: terms } = await enrol(started, browser, 'mira')
    const back = await follow(started, browser, await browser.submit(terms))
    expect(callbackOf(back).get('code')).to.be.a('string')
    return terms.name
  }

  it('answers a JSON front end by interactionResult with where to go on, nobody signed in', async () => {
    const started = await start({
      async answer({ mfa }, request, response, accountId) {
        const to = await mfa.interactionResult(request, response, { login: { accountId } })
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ to }))
      },
    })
    const browser = new HttpClient()
    const answer = await showPassword(started, browser, 'mira')
    const { to } = answer.json as { to: string }
    expect(signedInSessions(started.writes)).to.deep.equal([])
    expect((await follow(started, browser, await browser.get(to))).name).to.equal('totp-enrol')
  })

  it('passes on results that are no login, refusals too', async () => {
    const started = await start({
      async answer({ mfa }, request, response) {
        await mfa.interactionFinished(request, response, {
          error: 'access_denied',
          error_description: 'not today',
        })
      },
    })
    const back = await showPassword(started, new HttpClient(), 'mira')
    expect(callbackOf(back).get('error')).to.equal('access_denied')
    expect(callbackOf(back).get('error_description')).to.equal('not today')
  })

  it('says that the session ends with the browser when the login page does', async () => {
    const started = await start({
      answer: async ({ mfa }, request, response, accountId) =>
        mfa.interactionFinished(request, response, { login: { accountId, remember: false } }),
    })
    const person = await enrolledPerson(started)
    await signIn(started, new HttpClient(), person)
    const sessions = signedInSessions(started.writes)
    expect(sessions.map(({ transient }) => transient)).to.deep.equal(sessions.map(() => true))
  })
})
