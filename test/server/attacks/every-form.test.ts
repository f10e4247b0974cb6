import { expect } from 'chai'
import { layFoundation } from '../../../src/server/boot/foundation.ts'
import { serverMfa, type ServerMfa } from '../../../src/server/boot/mfa.ts'
import { setUpLinksOf } from '../../../src/server/pages/links.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { changeAccount } from '../../../src/server/accounts/people.ts'
import type { Foundation } from '../../../src/server/boot/foundation.ts'
import { PostOffice } from '../../journeys/post-office.ts'
import { formOf } from '../../support/html.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { totpCode } from '../../support/totp.ts'
import {
  addPerson,
  atTheApp,
  browserWithProof,
  PASSWORD,
  PROOF,
  signIn,
  stopServers,
  type Person,
} from '../support.ts'
import { startRecorded, type RecordedServer } from './own-routes.ts'

const OTHER_SITES = [
  { origin: 'https://evil.example' },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
]

/** The address to which a form of a person is posted, and the token that the person's own page has for it. */
interface Target {
  readonly url: URL
  readonly token: string
}

interface Scene {
  /** The routes to which the forms of the page are posted. */
  readonly routes: RegExp
  readonly show: (person: Somebody) => Promise<Page>
  /** Whether the page belongs to a sign-in, which has an end. */
  readonly ends?: boolean
}

interface Somebody extends Person {
  readonly id: string
  readonly browser: HttpClient
}

describe('every form of the product', function () {
  this.timeout(90_000)

  let post: PostOffice
  let server: RecordedServer
  let foundation: Foundation
  let mfa: ServerMfa
  let alice: Somebody
  let eve: Somebody
  let asked = 0

  before(async () => {
    post = new PostOffice()
    await post.open()
    server = await startRecorded({
      environment: { SMTP_URL: post.url },
      // One network sends hundreds of forms here, and the token is what has to stop them.
      settings: { limits: { linksPerMinute: 1000, resetsPerMinute: 1000 } },
    })
    foundation = await layFoundation(server.config, server)
    mfa = serverMfa(foundation)
    alice = await arrive('alice')
    eve = await arrive('eve')
    server.clock.ahead += 73 * 3600
    for (const person of [alice, eve]) await open(person, '/account')
  })
  after(async () => {
    await stopServers()
    await post.close()
  })

  const at = (path: string): URL => new URL(path, server.issuer)
  const arrive = async (username: string): Promise<Somebody> => {
    const person = await addPerson(server, { username })
    const now = server.clock.now()
    await changeAccount(server.storage.accounts, person.id, (account) => ({
      ...account,
      enrolmentProof: { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash },
    }))
    const browser = browserWithProof(server)
    await signIn(browser, server.authorize(), person, server)
    return Object.assign(person, { browser })
  }
  const open = async (person: Somebody, path: string): Promise<Page> => {
    // A sign-in beside a recovery that a scene has left would ask about it.
    await putRecovery(person, undefined)
    return goOn(person, await person.browser.visit(at(path), atTheApp))
  }
  /** Goes through the pages of a sign-in until another one comes. */
  const goOn = async (person: Somebody, start: Page): Promise<Page> => {
    const { browser, username, password, secret = '' } = person
    let page = await browser.follow(start, atTheApp)
    while (page.name === 'login' || page.name === 'totp-verify') {
      server.clock.ahead += 30
      const fields =
        page.name === 'login'
          ? { username, password }
          : { code: totpCode({ secret }, server.clock.now()) }
      page = await browser.follow(await browser.submit(page, fields), atTheApp)
    }
    return page
  }

  /** The address that a pattern means on a page of a sign-in or of a link, and the token of the form that goes there. */
  const targetOn = (page: Page, pattern: string): Target => {
    const shape = new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`)
    const forms = page.all('form').map(formOf)
    const own = forms.find(({ action }) => shape.test(new URL(action, page.url).pathname))
    const token = (own ?? forms[0])?.fields['csrf'] ?? ''
    expect(token, `the token on ${page.name} for ${pattern}`).to.match(/^[\w-]{40,}$/)
    const [secret = ''] = /[\w.-]{20,}/.exec(page.url.pathname) ?? []
    const path = pattern.replace(/:(?:uid|token)/, secret).replace(':factor', 'totp')
    return { url: new URL(own?.action ?? path, page.url), token }
  }
  const signingIn = (params: Readonly<Record<string, string>>) => (person: Somebody) =>
    person.browser.visit(server.authorize(params), atTheApp)
  const leave = async ({ browser }: Somebody, page: Page): Promise<Page> => {
    const form = '[action$="/cancel"], form:has([data-refuse])'
    return browser.follow(await browser.submit(page, {}, { form }), atTheApp)
  }
  const mailed = async (address: string, path: string): Promise<string> => {
    for (;;) {
      const { text } = await post.next(address)
      const link = new RegExp(`^https?:\\S+${path}\\S+$`, 'm').exec(text)?.[0]
      if (link !== undefined) return link
    }
  }
  const accountOf = async ({ id }: Somebody): Promise<Account> => {
    const found = await server.storage.accounts.byId(id)
    if (found === undefined) throw new Error('The account is gone.')
    return found.account
  }
  /** The second person signs in to the browser of the first, and is asked which of the two goes on. */
  const betweenTwo = async (person: Somebody): Promise<Page> => {
    const guest = { ...(person === alice ? eve : alice), browser: person.browser }
    return goOn(guest, await person.browser.visit(server.authorize({ prompt: 'login' })))
  }
  const onEmailLink = async (person: Somebody): Promise<Page> => {
    // Each time another address: the one before may be the person's own by now.
    const email = `${person.username}@${(asked += 1)}.example`
    const page = await open(person, '/account/email')
    const form = { form: 'form:has([data-do=change-email])', button: 'change-email' }
    await person.browser.submit(page, { email }, form)
    return person.browser.get(await mailed(email, '/email/confirm/'))
  }
  const onResetLink = async (person: Somebody): Promise<Page> => {
    const { browser, username } = person
    const { email = '' } = await accountOf(person)
    await browser.submit(await browser.get(at('/password/forgotten')), { username })
    return browser.get(await mailed(email, '/password/reset/'))
  }
  const putRecovery = async (
    { id }: Somebody,
    recovery: Record<string, number> | undefined,
  ): Promise<void> => {
    const { record = {}, version = 0 } = (await server.storage.records.load(id)) ?? {}
    await server.storage.records.save(id, { ...record, recovery }, version)
  }
  const onCancelLink = async (person: Somebody): Promise<Page> => {
    const since = server.clock.now()
    const opensAt = since + 72 * 3600
    await putRecovery(person, { startedAt: since, opensAt, endsAt: opensAt + 72 * 3600 })
    return person.browser.get(mfa.cancelRecoveryUrl(person.id, { since, issuer: server.issuer }))
  }
  const onSetUpLink = async (person: Somebody): Promise<Page> => {
    const links = setUpLinksOf(foundation, mfa)
    return person.browser.get((await links.make(await accountOf(person), 'enrolment')).url)
  }

  /** How a person gets to the page of a form. A new route needs a line here; without it every test of this suite fails. */
  const SCENES: readonly Scene[] = [
    { routes: /^\/mfa\/:uid\/stay$/, show: betweenTwo, ends: false },
    { routes: /^\/mfa\/:uid(\/|$)/, show: signingIn({ prompt: 'mfa' }), ends: true },
    {
      routes: /^\/mfa\/not-me\/:token$/,
      show: ({ browser, id }) => browser.get(mfa.notMeUrl(id, { issuer: server.issuer })),
    },
    { routes: /^\/mfa\/cancel-recovery\/:token$/, show: onCancelLink },
    {
      routes: /^\/interaction\/:uid\/(login|cancel|language|passkey)$/,
      show: signingIn({ prompt: 'login' }),
      ends: true,
    },
    {
      routes: /^\/interaction\/:uid\/(consent|refuse)$/,
      show: signingIn({ prompt: 'consent' }),
      ends: true,
    },
    { routes: /^\/set-up\/:token$/, show: onSetUpLink },
    {
      routes: /^\/password\/forgotten$/,
      show: ({ browser }) => browser.get(at('/password/forgotten')),
    },
    { routes: /^\/password\/reset\/:token$/, show: onResetLink },
    { routes: /^\/email\/confirm\/:token$/, show: onEmailLink },
  ]
  /** The first page of a sign-in, which no form is posted to. */
  const BEGINNING: Scene = { routes: /./, show: signingIn({ prompt: 'login' }), ends: true }
  const posts = (): string[] =>
    server.routes.flatMap(({ method, path }) => (method === 'post' ? path : []))
  const sceneOf = (pattern: string): Scene => {
    const scene = SCENES.find(({ routes }) => routes.test(pattern))
    if (scene === undefined) throw new Error(`This suite has no scene for POST ${pattern}.`)
    return scene
  }
  /** Each route with its target, one page of the person for all routes of a scene. */
  const targetsOf = async (person: Somebody): Promise<Map<string, Target>> => {
    const pages = new Map<Scene, Page>()
    const targets = new Map<string, Target>()
    for (const pattern of posts()) {
      const scene = sceneOf(pattern)
      const page = pages.get(scene) ?? (await scene.show(person))
      pages.set(scene, page)
      targets.set(pattern, targetOn(page, pattern))
    }
    return targets
  }
  const FIELDS = {
    username: 'alice',
    password: PASSWORD,
    factor: 'totp',
    code: '123456',
    saved: 'yes',
    do: 'cancel-recovery',
  }
  const stateOf = async (): Promise<string> =>
    JSON.stringify(
      await Promise.all(
        [alice, eve].flatMap(({ id }) => [
          server.storage.records.load(id),
          server.storage.accounts.byId(id),
        ]),
      ),
    )

  it('R30 is refused without its token, with one made up, one of another form or person, and from another site', async () => {
    expect(posts().length).to.be.greaterThan(25)
    const foreign = [...(await targetsOf(eve)).values()].map(({ token }) => token)
    foreign.push((await open(eve, '/account')).form().fields['csrf'] ?? '')
    const targets = await targetsOf(alice)
    const tokens = new Set(foreign)
    expect(tokens.size).to.be.greaterThan(7)

    const before = await stateOf()
    for (const [pattern, { url, token }] of targets) {
      const refused = async (fields: object, headers = {}): Promise<void> => {
        const answer = await alice.browser.post(url, { ...FIELDS, ...fields }, { headers })
        const about = `${pattern} ${JSON.stringify([fields, headers])}`
        expect([answer.status, answer.name], about).to.deep.equal([403, 'forbidden'])
      }
      const [another = ''] = [...targets.values()].flatMap((one) =>
        one.token === token ? [] : one.token,
      )
      await refused({})
      for (const csrf of ['', 'x'.repeat(43), `${token}A`, token.slice(1), another, ...tokens])
        await refused({ csrf })
      for (const headers of OTHER_SITES) await refused({ csrf: token }, headers)
    }
    expect(await stateOf()).to.equal(before)
  })

  it('R41 is worth nothing in another browser, and is taken in its own', async () => {
    for (const pattern of posts()) {
      // The owner signs in again where the form before has ended the session.
      await open(alice, '/account')
      const scene = sceneOf(pattern)
      const { url, token } = targetOn(await scene.show(alice), pattern)
      const before = await stateOf()
      // A link is itself the secret, and the question between two people is bound to their sign-in.
      if (scene.ends === true || pattern === '/password/forgotten')
        for (const thief of [new HttpClient(), eve.browser]) {
          const answer = await thief.post(url, { ...FIELDS, csrf: token })
          expect(answer.status, `${pattern} elsewhere`).to.be.oneOf([403, 410])
        }
      expect(await stateOf(), `${pattern} elsewhere`).to.equal(before)
      const own = await alice.browser.post(url, { csrf: token })
      expect(own.name, `${pattern} with its own token`).not.to.equal('forbidden')
      expect(own.status, `${pattern} with its own token`).to.be.lessThan(500)
    }
  })

  it('R30 does nothing with the token of a sign-in that is over', async () => {
    await open(alice, '/account')
    for (const pattern of posts()) {
      const scene = sceneOf(pattern)
      if (scene.ends !== true) continue
      const page = await scene.show(alice)
      const { url, token } = targetOn(page, pattern)
      await leave(alice, page)
      const before = await stateOf()
      const answer = await alice.browser.post(url, { ...FIELDS, csrf: token })
      expect(answer.status, pattern).to.equal(410)
      expect(await stateOf(), pattern).to.equal(before)
    }
  })

  const gets = (): string[] =>
    server.routes.flatMap(({ method, path }) => (method === 'get' ? path : []))
  /** The page of a person from which an address gets its secret, and that secret. */
  const secretOf = async (pattern: string, person: Somebody): Promise<string> => {
    // Most pages are shown by a GET and take a POST; the others belong to a scene by their beginning.
    const scene = SCENES.find(({ routes }) => routes.test(pattern)) ?? BEGINNING
    const { url } = await scene.show(person)
    return /[\w.-]{20,}/.exec(url.pathname)?.[0] ?? ''
  }
  const addressOf = (pattern: string, secret: string): URL =>
    at(pattern.replace(/:(?:uid|token)/, secret).replace(':factor', 'totp'))
  /** Nothing of a person: neither the names nor a form that does something for them. */
  const expectNothing = (page: Page, about: string): void => {
    expect(page.status, about).to.be.oneOf([400, 403, 404, 410])
    expect(page.body, about).not.to.match(/alice|otpauth:|backup-codes"/)
    expect(page.all('form').length, about).to.equal(page.name === 'password-forgotten' ? 1 : 0)
  }

  it('R41 shows no page of a sign-in in another browser, nor in another sign-in of its own browser', async () => {
    await open(alice, '/account')
    await open(eve, '/account')
    // The last one is the host's own, which goes on with a sign-in.
    const patterns = [...gets().filter((path) => path.includes(':uid')), '/auth/:uid']
    expect(patterns.length).to.be.greaterThan(15)
    for (const pattern of patterns) {
      const secret = await secretOf(pattern, alice)
      const other = new HttpClient()
      await other.visit(server.authorize())
      const before = await stateOf()
      for (const [who, thief] of Object.entries({
        stranger: new HttpClient(),
        other,
        eve: eve.browser,
      }))
        expectNothing(await thief.get(addressOf(pattern, secret)), `${pattern} ${who}`)
      // Eve has a sign-in of her own, and sends its cookie to the address of the other one.
      const own = await secretOf(pattern, eve)
      const cookie = eve.browser.jar.header(addressOf(pattern, own)) ?? ''
      expect(cookie, pattern).to.match(/\b(interaction|resume)=/)
      const mixed = await new HttpClient().get(addressOf(pattern, secret), { headers: { cookie } })
      // The host reads the cookie alone there, and goes on with the sign-in of the cookie.
      if (pattern === '/auth/:uid') expect(mixed.location?.pathname).not.to.contain(secret)
      else expectNothing(mixed, `${pattern} mixed`)
      expect(await stateOf(), pattern).to.equal(before)
    }
  })

  it('R39 opens nothing with the secret of another link, of a sign-in, of an account or with a part of one', async () => {
    await open(alice, '/account')
    const patterns = gets().filter((path) => path.includes(':token'))
    const secrets = new Map<string, string>()
    for (const pattern of patterns) secrets.set(pattern, await secretOf(pattern, alice))
    const uid = await secretOf('/mfa/:uid/', alice)
    expect(patterns.length).to.be.greaterThan(4)
    const before = await stateOf()
    for (const pattern of patterns) {
      const own = secrets.get(pattern) ?? ''
      const others = [...secrets.values()].filter((secret) => secret !== own)
      for (const secret of [
        ...others,
        uid,
        alice.id,
        own.slice(0, -1),
        `${own}A`,
        own.toUpperCase(),
      ])
        expectNothing(await eve.browser.get(addressOf(pattern, secret)), `${pattern} ${secret}`)
    }
    expect(await stateOf()).to.equal(before)
  })

  it('R30 is only shown by a GET: no address changes anything, neither one of a mail nor one of a sign-in', async () => {
    await open(alice, '/account')
    expect(gets().length).to.be.greaterThan(15)
    for (const pattern of gets().filter((path) => /:(token|uid)/.test(path))) {
      const url = addressOf(pattern, await secretOf(pattern, alice))
      const before = await stateOf()
      const answers = [await alice.browser.get(url), await alice.browser.get(url)]
      expect(answers[0]?.status, pattern).to.equal(answers[1]?.status)
      expect(await stateOf(), pattern).to.equal(before)
      if (pattern.endsWith(':token')) expect(answers[1]?.all('form').length, pattern).to.equal(1)
    }
  })
})
