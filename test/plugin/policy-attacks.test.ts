import { expect } from 'chai'
import type { AdapterPayload } from 'oidc-provider'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, follow, PASSWORD, redeem, showPassword, startHost, type Host } from './host.ts'
import { STORAGES, type OpenStorage } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn } from './sign-in.ts'

type Change = (model: string, payload: AdapterPayload) => AdapterPayload

/** A storage whose records of the host are changed when they are written. */
const changing = (change: Change): OpenStorage =>
  function open(clock) {
    const inner = STORAGES['memory']!(clock)
    return {
      ...inner,
      hostRecords(model: string) {
        const adapter = inner.hostRecords(model)
        const upsert: typeof adapter.upsert = (id, payload, expiresIn) =>
          adapter.upsert(id, change(model, structuredClone(payload)), expiresIn)
        return new Proxy(adapter, {
          get(target, name) {
            if (name === 'upsert') return upsert
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      },
    }
  }

/** The order in which the type jsonb of PostgreSQL stores members: by their length, then by their bytes. */
function inStoredOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inStoredOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => one.length - other.length || (one < other ? -1 : 1))
      .map(([name, member]) => [name, inStoredOrder(member)]),
  )
}

/** A login as a release stores it that knows no proofs. */
function asOfFormerRelease(payload: AdapterPayload): AdapterPayload {
  const { result, lastSubmission } = payload as Record<string, Record<string, unknown> | undefined>
  for (const results of [result, lastSubmission]) {
    const { login, mfa } = (results ?? {}) as Record<string, Record<string, unknown> | undefined>
    delete login?.['proofs']
    delete login?.['proofsSeal']
    delete mfa?.['since']
  }
  return payload
}

describe('the proofs of a session', () => {
  let host: Host
  afterEach(async () => host.close())
  const claimsOf = async (back: Parameters<typeof callbackOf>[0]) =>
    (await redeem(host, callbackOf(back))).claims

  it('hold in a storage that changes the order of members', async () => {
    host = await startHost({
      storage: changing((_model, payload) => inStoredOrder(payload) as AdapterPayload),
    })
    const mira = await enrolledPerson(host)
    const back = await signIn(host, new HttpClient(), mira)
    expect((await claimsOf(back)).acr).to.equal(MULTI_FACTOR_ACR)
  })

  it('R20 R45 end with their epoch, also where a node of the former release has answered', async () => {
    let isFormer = false
    let asks = true
    host = await startHost({
      mfa: { require: () => asks },
      storage: changing((model, payload) =>
        isFormer && model === 'Interaction' ? asOfFormerRelease(payload) : payload,
      ),
    })
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    expect((await claimsOf(await signIn(host, browser, mira))).acr).to.equal(MULTI_FACTOR_ACR)
    await host.mfa.accounts.reset('mira')
    asks = false
    isFormer = true
    const claims = await claimsOf(await showPassword(host, browser, 'mira'))
    expect(claims).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  it('R25 let a node of the former release answer a new login', async () => {
    let isFormer = false
    host = await startHost({
      storage: changing((model, payload) =>
        isFormer && model === 'Interaction' ? asOfFormerRelease(payload) : payload,
      ),
    })
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    await signIn(host, browser, mira)
    isFormer = true
    host.clock.at += 600
    const verify = await showPassword(host, browser, 'mira', { prompt: 'login' })
    const answered = await browser.submit(verify, { code: nextCode(host, mira) })
    const back = await follow(host, browser, answered)
    expect((await claimsOf(back)).acr).to.equal(MULTI_FACTOR_ACR)
  })
})

describe('the account pages', () => {
  it('R14 ask in a trusted browser for the factor all the same', async () => {
    const policy = { trustedBrowserSeconds: 86_400 }
    const host = await startHost({ mfa: { account: true, policy } })
    try {
      const mira = await enrolledPerson(host)
      const browser = new HttpClient()
      const page = await showPassword(host, browser, 'mira')
      const ticked = { code: nextCode(host, mira), trust: 'yes' }
      await follow(host, browser, await browser.submit(page, ticked))
      for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
      const trusted = await showPassword(host, browser, 'mira')
      expect(callbackOf(trusted).get('code')).to.be.a('string')
      for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
      const login = await follow(host, browser, await browser.get(new URL('/account', host.issuer)))
      const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
      expect((await follow(host, browser, answer)).name).to.equal('totp-verify')
    } finally {
      await host.close()
    }
  })
})

describe('a browser that its owner forgets', () => {
  it('R14 stands in for no factor any more', async () => {
    const host = await startHost({ mfa: { policy: { trustedBrowserSeconds: 86_400 } } })
    try {
      const mira = await enrolledPerson(host)
      const browser = new HttpClient()
      const page = await showPassword(host, browser, 'mira')
      const ticked = { code: nextCode(host, mira), trust: 'yes' }
      await follow(host, browser, await browser.submit(page, ticked))
      const [known] = await host.mfa.browsers.list('mira')
      expect(await host.mfa.browsers.forget('mira', known!.id)).to.equal(true)
      for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
      expect((await showPassword(host, browser, 'mira')).name).to.equal('totp-verify')
      await host.mfa.settled()
      const revoked = host.events.find(({ type }) => type === 'browser-trust-revoked')
      expect(revoked?.detail).to.include({ reason: 'forgotten' })
    } finally {
      await host.close()
    }
  })
})
