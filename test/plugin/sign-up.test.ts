import { expect } from 'chai'
import { interactionPolicy } from 'oidc-provider'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { enrolFrom } from './enrol.ts'
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

const { Prompt, base } = interactionPolicy

/** A policy with a prompt `create` for sign-up, at a place among the host's own prompts. */
function policyWith(place: number): ReturnType<typeof base> {
  const policy = base()
  policy.add(new Prompt({ name: 'create', requestable: true }), place)
  return policy
}

describe('a login that answers a prompt of the application', () => {
  let host: Host
  let browser: HttpClient
  afterEach(async () => host.close())

  async function start(place: number, options: HostOptions['mfa'] = {}): Promise<void> {
    host = await startHost({
      mfa: options,
      configuration: { interactions: { policy: policyWith(place) } },
      answer: async ({ mfa, provider }, request, response, accountId) => {
        const { prompt } = await provider.interactionDetails(request, response)
        const made = prompt.name === 'create' ? { create: {} } : {}
        await mfa.interactionFinished(request, response, { login: { accountId }, ...made })
      },
    })
    browser = new HttpClient()
  }
  const ask = async (parameters: Record<string, string> = {}): Promise<Page> =>
    follow(
      host,
      browser,
      await browser.get(authorizeUrl(host, { prompt: 'create', ...parameters })),
    )
  const signUp = async (page: Page, username: string): Promise<Page> => {
    expect(page.name).to.equal('host-create')
    const answered = await browser.post(page.url, { username, password: PASSWORD })
    return follow(host, browser, answered)
  }
  const proceed = async (page: Page, person: Person): Promise<URLSearchParams> =>
    callbackOf(
      await follow(host, browser, await browser.submit(page, { code: nextCode(host, person) })),
    )

  describe('before `login`', () => {
    it('is a first factor: a new account sets up its second one, and no session has it before', async () => {
      await start(0)
      const choose = await signUp(await ask(), 'noor')
      expect(signedInSessions(host.writes)).to.deep.equal([])
      const { callback } = await enrolFrom(host, browser, choose)
      const { claims } = await redeem(host, callbackOf(callback))
      expect(claims).to.deep.include({ sub: 'noor', amr: ['pwd', 'otp', 'mfa'] })
    })

    it('is a first factor for a person who has a second one already', async () => {
      await start(0)
      const mira = await enrolledPerson(host)
      const before = signedInSessions(host.writes).length
      const verify = await signUp(await ask(), 'mira')
      expect(verify.name).to.equal('totp-verify')
      expect(signedInSessions(host.writes)).to.have.lengthOf(before)
      expect((await redeem(host, await proceed(verify, mira))).claims.sub).to.equal('mira')
    })

    it('signs in by itself where the policy asks for no second factor', async () => {
      await start(0, { require: false })
      const back = await signUp(await ask(), 'noor')
      expect((await redeem(host, callbackOf(back))).claims).to.deep.include({
        sub: 'noor',
        amr: ['pwd'],
      })
    })

    it('asks another person for their own second factor, in a browser that has a session with one', async () => {
      await start(0)
      const mira = await enrolledPerson(host)
      const noor = await enrolledPerson(host, 'noor')
      await signIn(host, browser, mira)
      const before = signedInSessions(host.writes).length
      const verify = await signUp(await ask({ prompt: 'create mfa' }), 'noor')
      expect(verify.name).to.equal('totp-verify')
      const refused = await browser.submit(verify, { code: nextCode(host, mira) })
      expect(refused.name).to.equal('totp-verify')
      const left = await browser.get(
        new URL(`/auth/${verify.url.pathname.split('/')[2]}`, host.issuer),
      )
      await follow(host, browser, left)
      const stored = signedInSessions(host.writes).slice(before)
      expect(stored.map(({ accountId }) => accountId)).not.to.include('noor')
      expect(noor.username).to.equal('noor')
    })

    it('keeps the proof of an earlier person out of the results', async () => {
      await start(0)
      const mira = await enrolledPerson(host)
      const page = await ask()
      const uid = page.url.pathname.split('/')[2] ?? ''
      const interactions = host.storage.hostRecords('Interaction')
      const stored = (await interactions.find(uid))!
      const mfa = { factor: 'totp', at: host.clock.at }
      await interactions.upsert(uid, { ...stored, lastSubmission: { mfa, kept: {} } }, 600)
      const verify = await signUp(page, mira.username)
      expect(verify.name).to.equal('totp-verify')
      const [result] = host.writes
        .filter(({ deed, id }) => deed === 'Interaction.upsert' && id === uid)
        .map(({ value }) => (value as { result?: object }).result)
        .filter((each) => each !== undefined)
      expect(result).to.include.keys('firstFactor', 'kept', 'create')
      expect((result as { mfa?: unknown }).mfa).to.equal(undefined)
    })
  })

  it('after `login` is refused by name, since the person of an earlier proof could be another one', async () => {
    await start(2)
    const mira = await enrolledPerson(host)
    await signIn(host, browser, mira)
    const page = await ask()
    expect(page.name).to.equal('host-create')
    const refused = await browser.post(page.url, { username: 'noor', password: PASSWORD })
    expect(refused.body).to.equal('wrong-prompt')
    const accounts = signedInSessions(host.writes).map(({ accountId }) => accountId)
    expect(new Set(accounts)).to.deep.equal(new Set(['mira']))
  })
})
