import { expect } from 'chai'
import fc from 'fast-check'
import type { Configuration } from 'oidc-provider'
import {
  backupCodes,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  totp,
  type MfaEvent,
  type OutgoingMail,
} from '../../src/index.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { ownCode } from '../support/totp.ts'
import { authorizeUrl, defaultConfiguration, follow, redeem, startHost, type Host } from './host.ts'
import { PASSWORD } from './host-pages.ts'
import { STORAGES } from './recorded-storage.ts'
import { introspect, refresh } from './relying-party.ts'

const DAY = 86_400
const SCOPE = 'openid email authn'
const API = 'urn:example:jwt'
const ADDRESS = 'mira@example.com'

/** How the person answers the pages of a sign-in. */
interface Manner {
  readonly browser: 0 | 1
  readonly usesBackupCode: boolean
  readonly trusts: boolean
}

/** One thing that the person or an app does. */
interface Deed extends Manner {
  readonly does: 'request' | 'add' | 'remove' | 'recover' | 'forget-session' | 'refresh' | 'wait'
  /** Of a request. */
  readonly parameters: Readonly<Record<string, string>>
  /** Of a wait. */
  readonly seconds: number
}

const essential = (acr: object): Record<string, string> => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }),
})
const parameters = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { prompt: 'login' },
  { prompt: 'mfa' },
  { prompt: 'none' },
  { max_age: '300' },
  { acr_values: MULTI_FACTOR_ACR },
  essential({ value: MULTI_FACTOR_ACR }),
  essential({ value: MULTI_FACTOR_ACR, max_age: 0 }),
  essential({ value: PASSWORD_ACR }),
)
const anyDeed: fc.Arbitrary<Deed> = fc.record({
  does: fc.oneof(
    { weight: 5, arbitrary: fc.constant('request' as const) },
    { weight: 3, arbitrary: fc.constantFrom('add', 'remove', 'recover', 'forget-session') },
    { weight: 2, arbitrary: fc.constantFrom('refresh', 'wait') },
  ),
  browser: fc.constantFrom(0, 1),
  usesBackupCode: fc.boolean(),
  trusts: fc.boolean(),
  parameters,
  seconds: fc.constantFrom(1, 301, 4000, DAY, 8 * DAY),
})

const features = defaultConfiguration(STORAGES.memory!({ now: () => 0 })).features!
const configuration: Partial<Configuration> = {
  features: {
    ...features,
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'email', accessTokenFormat: 'jwt' }),
    },
  },
  issueRefreshToken: async () => true,
  async loadExistingGrant({ oidc: { client, session, provider } }) {
    const { clientId } = client!
    const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
    grant.addOIDCScope('openid email authn')
    grant.addResourceScope(API, 'email')
    await grant.save()
    return grant
  },
}

type Claims = Record<string, unknown>
interface Entry {
  readonly amr: readonly string[]
  readonly time: number
  readonly recovered_at?: number
  readonly trusted_browser?: true
}

const METHODS: Record<string, string> = { totp: 'otp', 'backup-codes': 'backup_code' }

/** The proofs of a second factor that the audit trail has: its method and its time. */
function proofsIn(events: readonly MfaEvent[]): readonly { amr: string; at: number }[] {
  return events.flatMap((event) =>
    event.type === 'factor-accepted' || event.type === 'factor-enrolled'
      ? [{ amr: METHODS[event.detail.factor] ?? '?', at: event.at }]
      : [],
  )
}

/** The sentences of a token that no event of the account says. */
function unheard(claims: Claims, events: readonly MfaEvent[]): string[] {
  const proofs = proofsIn(events)
  const {
    acr,
    amr = [],
    authn_factors: entries = [],
  } = claims as {
    acr?: string
    amr?: readonly string[]
    authn_factors?: readonly Entry[]
  }
  const at = (type: string) => events.filter((one) => one.type === type).map((one) => one.at)
  const beyond = (methods: readonly string[]) =>
    methods.filter((one) => one !== 'pwd' && one !== 'mfa')
  const shown = entries.filter((entry) => beyond(entry.amr).length > 0)
  const faults = shown.flatMap((entry) =>
    beyond(entry.amr)
      .filter((one) => !proofs.some((proof) => proof.amr === one && proof.at === entry.time))
      .map((one) => `${one} at ${entry.time}`),
  )
  for (const { trusted_browser: isTrusted, recovered_at: recovered, time } of entries) {
    if (isTrusted && !at('browser-trusted').includes(time)) faults.push(`trusted since ${time}`)
    if (recovered !== undefined && !at('recovery-completed').includes(recovered))
      faults.push(`recovered at ${recovered}`)
  }
  const said = new Set(shown.flatMap((entry) => entry.amr))
  for (const one of beyond(amr)) if (!said.has(one)) faults.push(`amr ${one}`)
  const isHigh = acr !== undefined && acr !== PASSWORD_ACR
  if ((isHigh || amr.includes('mfa')) && shown.length === 0) faults.push(`the level ${acr}`)
  // The mark of a recovery is on every proof within seven days (R9). The password of its own sign-in came before it.
  const recovery = at('recovery-completed').at(-1)
  for (const { time, recovered_at: told, amr: methods } of entries) {
    const isAfter = recovery !== undefined && (time > recovery || beyond(methods).length > 0)
    if (isAfter && time >= recovery && time < recovery + 7 * DAY && told !== recovery)
      faults.push(`no mark at ${time}`)
  }
  return faults
}

/** A person with two browsers, and an app that asks for everything a token can say. */
class Story {
  readonly #host: Host
  readonly #mails: OutgoingMail[]
  readonly #browsers = [new HttpClient(), new HttpClient()] as const
  /** Everything that tokens have said. */
  readonly heard: Claims[] = []
  #secrets: string[] = []
  #codes: string[] = []
  #refreshToken: string | undefined

  private constructor(host: Host, mails: OutgoingMail[]) {
    this.#host = host
    this.#mails = mails
  }

  static async open(hasBackupCodes: boolean): Promise<Story> {
    const mails: OutgoingMail[] = []
    const verifiedAt = Math.floor(Date.now() / 1000) - 8 * DAY
    const host = await startHost({
      configuration,
      mfa: {
        factors: hasBackupCodes ? [totp(), backupCodes()] : [totp()],
        require: false,
        recovery: true,
        youngSeconds: 0,
        manage: { clients: ['app'] },
        policy: { trustedBrowserSeconds: 30 * DAY },
        sendMail: async (mail) => void mails.push(mail),
        describe: ({ accountId }) => ({
          label: accountId,
          address: ADDRESS,
          addresses: [{ address: ADDRESS, verifiedAt }],
        }),
      },
    })
    return new Story(host, mails)
  }

  close(): Promise<void> {
    return this.#host.close()
  }

  async go(deed: Deed): Promise<void> {
    switch (deed.does) {
      case 'wait':
        this.#host.clock.at += deed.seconds
        return
      case 'refresh':
        return this.#refresh()
      case 'forget-session':
        return this.#forget(this.#browsers[deed.browser])
      case 'request':
        return this.#authorize(deed, deed.parameters)
      case 'add':
        return this.#authorize(deed, { mfa_action: 'add:totp' })
      case 'remove':
        return this.#remove(deed)
      case 'recover':
        return this.#recover(deed)
    }
  }

  #forget({ jar }: HttpClient): void {
    for (const name of ['_session', '_session.sig']) jar.delete(name)
  }

  async #authorize(manner: Manner, asked: Record<string, string>): Promise<void> {
    const browser = this.#browsers[manner.browser]
    const withApi = manner.trusts ? { resource: API } : {}
    const url = authorizeUrl(this.#host, { scope: SCOPE, ...withApi, ...asked })
    await this.#redeem(await this.#answer(manner, await browser.get(url)))
  }

  async #refresh(): Promise<void> {
    if (this.#refreshToken === undefined) return
    const { json } = await refresh(this.#host, this.#refreshToken)
    const tokens = json as Record<string, string>
    this.#refreshToken = tokens.refresh_token ?? this.#refreshToken
    if (tokens.access_token !== undefined) await this.#listen(tokens)
  }

  /** Answers the pages of a sign-in until it leads back to the app, or a page that leads no further. */
  async #answer(manner: Manner, first: Page): Promise<Page> {
    const browser = this.#browsers[manner.browser]
    let page = await follow(this.#host, browser, first)
    for (let step = 0; step < 12 && page.location === undefined; step += 1) {
      const answered = await this.#answerPage(browser, manner, page)
      if (answered === undefined) return page
      page = await follow(this.#host, browser, answered)
    }
    return page
  }

  async #answerPage(browser: HttpClient, manner: Manner, page: Page): Promise<Page | undefined> {
    if (page.status >= 400) return undefined
    switch (page.name) {
      case 'host-login':
        return browser.submit(page, { username: 'mira', password: PASSWORD })
      case 'totp-verify':
        return this.#showFactor(browser, manner, page)
      case 'backup-code-verify':
        return browser.submit(page, { backupCode: this.#codes.pop() ?? '' })
      case 'totp-enrol':
        return this.#confirm(browser, page)
      case 'backup-codes':
        this.#codes = backupCodesOf(page)
        return browser.submit(page, { saved: 'yes' })
      case 'mfa-choose':
        return browser.submit(page, { factor: 'totp' })
      case 'recovery-status':
        return browser.submit(page, {}, { button: 'keep' })
      case 'factor-remove':
        this.#secrets.shift()
        return browser.submit(page)
      case 'mfa-offer':
      case 'backup-codes-low':
      case 'backup-code-used':
        return browser.submit(page)
      default:
        return undefined
    }
  }

  async #showFactor(browser: HttpClient, manner: Manner, page: Page): Promise<Page> {
    if (manner.usesBackupCode && this.#codes.length > 0) {
      const { csrf = '' } = page.form().fields
      const url = new URL(page.url.href.replace(/\/mfa\/([^/]+).*/, '/mfa/$1/verify/backup-codes'))
      return browser.post(url, { csrf, backupCode: this.#codes.pop()! })
    }
    this.#host.clock.at += 30
    const code = ownCode({ secret: this.#secrets.at(-1) ?? 'AAAA' }, this.#host.clock.at)
    return browser.submit(page, { code, ...(manner.trusts ? { trust: 'yes' } : {}) })
  }

  async #confirm(browser: HttpClient, page: Page): Promise<Page> {
    const secret = secretOf(page)
    const answered = await browser.submit(page, { code: ownCode({ secret }, this.#host.clock.at) })
    if (answered.status === 303) this.#secrets.push(secret)
    return answered
  }

  async #remove(manner: Manner): Promise<void> {
    const { factors } = await this.#host.mfa.accounts.status('mira')
    const oldest = factors.find(({ factor }) => factor === 'totp')
    if (oldest !== undefined) await this.#authorize(manner, { mfa_action: `remove:${oldest.id}` })
  }

  /** Goes through a whole recovery, the wait included. */
  async #recover(manner: Manner): Promise<void> {
    const browser = this.#browsers[manner.browser]
    if ((await this.#proveMailbox(browser)) === undefined) return
    this.#host.clock.at += 3 * DAY
    const bind = await this.#proveMailbox(browser)
    if (bind === undefined) return
    this.#secrets = []
    await this.#redeem(await this.#answer(manner, bind))
  }

  /** Shows the password and a mailed code, at the start of a recovery or at its end. */
  async #proveMailbox(browser: HttpClient): Promise<Page | undefined> {
    this.#forget(browser)
    const url = authorizeUrl(this.#host, { scope: SCOPE })
    const login = await follow(this.#host, browser, await browser.get(url))
    const typed = await browser.submit(login, { username: 'mira', password: PASSWORD })
    const verify = await follow(this.#host, browser, typed)
    if (verify.all('[data-lost]').length === 0) return undefined
    const lost = await browser.visit(verify.link('[data-lost]'))
    if (lost.status >= 400 || lost.all('[data-send]').length === 0) return undefined
    const proof = await browser.follow(await browser.submit(lost))
    const [code = ''] = /\b\d{8}\b/.exec(this.#mails.at(-1)?.text ?? '') ?? []
    return browser.submit(proof, { code })
  }

  async #redeem(back: Page): Promise<void> {
    if (!back.location?.searchParams.has('code')) return
    const { tokens } = await redeem(this.#host, back.location.searchParams)
    this.#refreshToken = tokens.refresh_token
    await this.#listen(tokens)
  }

  /** Compares everything that the tokens say with the audit trail. */
  async #listen(tokens: Record<string, string>): Promise<void> {
    await this.#host.mfa.settled()
    const said: Claims[] = [claimsIn(tokens.id_token)]
    if (tokens.access_token?.includes('.')) said.push(claimsIn(tokens.access_token))
    else said.push((await introspect(this.#host, tokens.access_token!)).json)
    if (tokens.refresh_token !== undefined)
      said.push((await introspect(this.#host, tokens.refresh_token)).json)
    for (const claims of said) {
      this.heard.push(claims)
      expect(unheard(claims, this.#host.events), JSON.stringify(claims)).to.deep.equal([])
    }
  }
}

const claimsIn = (token: unknown): Claims =>
  JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Claims

const PLAIN = {
  browser: 0,
  usesBackupCode: false,
  trusts: false,
  parameters: {},
  seconds: 1,
} as const
const ask = (parameters: Record<string, string> = {}, more: Partial<Manner> = {}): Deed => ({
  ...PLAIN,
  ...more,
  does: 'request',
  parameters,
})
const deeds = (...all: readonly Deed['does'][]): Deed[] => all.map((does) => ({ ...PLAIN, does }))

/** Stories in which every kind of proof is given once, so that the property never runs on nothing. */
const EXAMPLES: [boolean, Deed[]][] = [
  [true, [...deeds('add'), ask({ prompt: 'mfa' }, { usesBackupCode: true }), ...deeds('refresh')]],
  [false, deeds('add', 'recover', 'forget-session', 'add', 'remove')],
  [
    true,
    [
      ...deeds('add', 'forget-session'),
      ask({}, { trusts: true }),
      ...deeds('forget-session'),
      ask(),
      ask({ prompt: 'login' }),
      { ...PLAIN, does: 'wait', seconds: 301 },
      ask({ max_age: '300' }),
      ...deeds('recover'),
    ],
  ],
]

describe('the claims of a token and the audit trail', () => {
  it('R45 a token says no proof, time, level or mark that no event says, in random stories', async () => {
    const heard: Claims[] = []
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(anyDeed, { minLength: 3, maxLength: 8 }),
        async (hasBackupCodes, story) => {
          const open = await Story.open(hasBackupCodes)
          try {
            for (const one of story) await open.go(one)
            heard.push(...open.heard)
          } finally {
            await open.close()
          }
        },
      ),
      { numRuns: EXAMPLES.length + 12, examples: EXAMPLES },
    )
    const entries = heard.flatMap(({ authn_factors: list = [] }) => list as readonly Entry[])
    const methods = new Set(entries.flatMap(({ amr }) => amr))
    expect([...methods]).to.include.members(['pwd', 'otp', 'backup_code'])
    expect(entries.some(({ trusted_browser: isTrusted }) => isTrusted)).to.equal(true)
    expect(entries.some(({ recovered_at: at }) => at !== undefined)).to.equal(true)
  })
})
