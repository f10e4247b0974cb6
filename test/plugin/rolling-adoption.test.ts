import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, PASSWORD, redeem } from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { introspect, refresh } from './relying-party.ts'
import { enrolledPerson, nextCode, signIn, uidOf, type Person } from './sign-in.ts'
import { startTwoNodes, type Node, type TwoNodes, type TwoNodesOptions } from './two-nodes.ts'

let nodes: TwoNodes
let browser: HttpClient

async function start(options: TwoNodesOptions): Promise<void> {
  nodes = await startTwoNodes(options)
  browser = new HttpClient()
}

const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
  follow(nodes, browser, await browser.get(authorizeUrl(nodes, parameters)))
const typePassword = (login: Page, username = 'noor'): Promise<Page> =>
  browser.post(login.url, { username, password: PASSWORD })
const goOn = (answer: Page): Promise<Page> => follow(nodes, browser, answer)
const claimsOf = async (back: Page): Promise<Record<string, unknown>> =>
  (await redeem(nodes, callbackOf(back))).claims
const silently = async (parameters: Record<string, string> = {}): Promise<URLSearchParams> =>
  callbackOf(await visit({ prompt: 'none', ...parameters }))

/** Signs in at the node without the plugin. */
async function signInBefore(parameters: Record<string, string> = {}): Promise<Page> {
  nodes.servedBy('before')
  let page = await goOn(await typePassword(await visit(parameters)))
  if (page.name === 'host-consent') page = await goOn(await browser.submit(page))
  expect(callbackOf(page).get('code')).to.be.a('string')
  return page
}

/** Every way in which this number of steps can be spread over two nodes. */
function spreads(steps: number): Node[][] {
  if (steps === 0) return [[]]
  return spreads(steps - 1).flatMap((rest) =>
    (['before', 'after'] as const).map((node) => [...rest, node]),
  )
}

for (const [name, storage] of Object.entries(STORAGES)) {
  describe(`the plugin put on one node after the other, then asking (${name})`, () => {
    let required: boolean
    beforeEach(async () => {
      required = false
      await start({ storage, mfa: { adopting: true, require: () => required } })
    })
    afterEach(async () => nodes.close())

    it('R17 lets a password that a node without it has taken wait ten minutes, and no longer', async () => {
      required = true
      for (const [seconds, page] of [
        [9 * 60, 'totp-enrol'],
        [10 * 60, 'host-login'],
      ] as const) {
        browser = new HttpClient()
        nodes.servedBy('before')
        const answer = await typePassword(await visit())
        nodes.servedBy('after')
        nodes.clock.at += seconds
        expect((await goOn(answer)).name, `after ${seconds} s`).to.equal(page)
      }
    })

    /** Signs in, redeems the code and refreshes the tokens in seven steps; `served` names the node for each step. */
    const signInAcross = async (served: readonly Node[]): Promise<void> => {
      const steps = served.values()
      const next = (): void => nodes.servedBy(steps.next().value ?? 'after')
      next()
      const login = await visit({ prompt: 'login consent', scope: 'openid offline_access' })
      next()
      const answer = await typePassword(login)
      next()
      const consent = await goOn(answer)
      expect(consent.name).to.equal('host-consent')
      next()
      const granted = await browser.submit(consent)
      next()
      const back = await goOn(granted)
      next()
      const { status, tokens, claims } = await redeem(nodes, callbackOf(back))
      expect([status, claims.sub]).to.deep.equal([200, 'noor'])
      next()
      expect((await refresh(nodes, tokens.refresh_token!)).status).to.equal(200)
      expect(nodes.passwords.before + nodes.passwords.after).to.equal(1)
    }

    for (const served of spreads(5))
      it(`R17 asks for one password, and for the factor afterwards: ${served.join(', ')}`, async () => {
        await signInAcross([...served, served[1]!, served[2]!])
        const sessions = signedInSessions(nodes.writes)
        expect(new Set(sessions.map(({ uid }) => uid)), 'sessions').to.have.property('size', 1)
        nodes.servedBy('after')
        expect((await silently()).get('code')).to.be.a('string')
        required = true
        expect((await silently()).get('error')).to.equal('interaction_required')
        expect((await visit()).name).to.equal('totp-enrol')
      })

    it('R17 takes the password of a node without it for a first factor, and for no more', async () => {
      required = true
      const login = await visit()
      nodes.servedBy('before')
      const answer = await typePassword(login)
      nodes.servedBy('after')
      expect((await goOn(answer)).name).to.equal('totp-enrol')
      expect(signedInSessions(nodes.writes)).to.deep.equal([])
      expect((await silently()).get('error')).to.equal('login_required')
    })

    it('R20 does not take it for an account that has changed', async () => {
      nodes.servedBy('before')
      const answer = await typePassword(await visit())
      nodes.servedBy('after')
      await nodes.mfa.accounts.passwordChanged('noor')
      expect((await goOn(answer)).name).to.equal('host-login')
      expect(signedInSessions(nodes.writes)).to.deep.equal([])
    })

    it('R17 hands on no login of a later page whose session is not there', async () => {
      nodes.servedBy('before')
      const login = await visit()
      const interactions = nodes.storage.hostRecords('Interaction')
      const stored = await interactions.find(uidOf(login))
      const lastSubmission = { login: { accountId: 'noor' }, terms: {} }
      for (const session of [undefined, { accountId: 'mira', uid: 'x', cookie: 'x' }]) {
        await interactions.upsert(uidOf(login), { ...stored, session, lastSubmission }, 60)
        const read = await nodes.after.Interaction.find(uidOf(login))
        expect(read?.lastSubmission).to.deep.equal({ terms: {} })
      }
    })

    it('does not take it for nobody', async () => {
      nodes.servedBy('before')
      const answer = await typePassword(await visit(), 'nobody-here')
      nodes.servedBy('after')
      expect((await goOn(answer)).name).to.equal('host-login')
    })

    it('R17 takes no login with a seal of something else', async () => {
      nodes.servedBy('before')
      const login = await visit()
      const interactions = nodes.storage.hostRecords('Interaction')
      const stored = await interactions.find(uidOf(login))
      const result = { login: { accountId: 'noor', seal: 'x'.repeat(43) } }
      await interactions.upsert(uidOf(login), { ...stored, result }, 60)
      nodes.servedBy('after')
      const resume = new URL(`/auth/${uidOf(login)}`, nodes.issuer)
      expect((await goOn(await browser.get(resume))).name).to.equal('host-login')
    })
  })

  describe(`one node without the plugin and one with it, asking at once (${name})`, () => {
    let mira: Person
    const begin = async (options: TwoNodesOptions = {}): Promise<void> => {
      await start({ storage, ...options })
      nodes.servedBy('after')
      mira = await enrolledPerson(nodes)
      nodes.writes.length = 0
      nodes.passwords.after = 0
    }
    beforeEach(() => begin())
    afterEach(async () => nodes.close())

    const typeCode = (verify: Page): Promise<Page> =>
      browser.submit(verify, { code: nextCode(nodes, mira) })
    const expectSecondLevel = async (back: Page): Promise<void> => {
      expect(await claimsOf(back)).to.deep.include({
        sub: 'mira',
        acr: MULTI_FACTOR_ACR,
        amr: ['pwd', 'otp', 'mfa'],
      })
    }

    it('R17 takes one password and the factor for a sign-in that was begun before', async () => {
      nodes.servedBy('before')
      const login = await visit()
      nodes.servedBy('after')
      const verify = await goOn(await typePassword(login, 'mira'))
      expect(verify.name).to.equal('totp-verify')
      expect(signedInSessions(nodes.writes)).to.deep.equal([])
      await expectSecondLevel(await goOn(await typeCode(verify)))
      expect(nodes.passwords).to.deep.equal({ before: 0, after: 1 })
    })

    it('R17 asks for the factor after a sign-in that was begun after and finished before', async () => {
      nodes.servedBy('after')
      const login = await visit()
      nodes.servedBy('before')
      expect(callbackOf(await goOn(await typePassword(login))).get('code')).to.be.a('string')
      nodes.servedBy('after')
      expect((await silently()).get('error')).to.equal('interaction_required')
      expect((await visit()).name).to.equal('totp-enrol')
      expect(nodes.passwords).to.deep.equal({ before: 1, after: 0 })
    })

    for (const [username, next] of [
      ['mira', 'totp-verify'],
      ['noor', 'totp-enrol'],
    ] as const)
      it(`R17 believes no login page of before that it does not expect: ${username} types the password again`, async () => {
        nodes.servedBy('before')
        const answer = await typePassword(await visit(), username)
        nodes.servedBy('after')
        const again = await goOn(answer)
        expect(again.name).to.equal('host-login')
        expect(signedInSessions(nodes.writes)).to.deep.equal([])
        expect((await goOn(await typePassword(again, username))).name).to.equal(next)
      })

    it('R17 never lets the other node finish what waits for the factor', async () => {
      const verify = await goOn(await typePassword(await visit(), 'mira'))
      nodes.servedBy('before')
      expect((await browser.get(verify.url)).status).to.equal(404)
      expect((await silently()).get('error')).to.equal('login_required')
      const resumed = await browser.get(new URL(`/auth/${uidOf(verify)}`, nodes.issuer))
      expect((await goOn(resumed)).name).to.equal('host-login')
      expect(signedInSessions(nodes.writes)).to.deep.equal([])
    })

    it('R17 signs nobody in where the password was answered after and resumed before', async () => {
      const answer = await typePassword(await visit(), 'mira')
      nodes.servedBy('before')
      expect((await goOn(answer)).name).to.equal('host-login')
      expect(signedInSessions(nodes.writes)).to.deep.equal([])
    })

    it('R17 takes the factor after a consent that was asked for before, and asks for neither again', async () => {
      nodes.servedBy('before')
      const consent = await goOn(await typePassword(await visit({ prompt: 'consent' })))
      expect(consent.name).to.equal('host-consent')
      nodes.servedBy('after')
      expect((await goOn(await browser.submit(consent))).name).to.equal('totp-enrol')
      expect(nodes.passwords).to.deep.equal({ before: 1, after: 0 })
    })

    it('lets the other node finish what has shown the factor', async () => {
      const verify = await goOn(
        await typePassword(await visit({ prompt: 'login consent' }), 'mira'),
      )
      const answer = await typeCode(verify)
      nodes.servedBy('before')
      const consent = await goOn(answer)
      expect(consent.name).to.equal('host-consent')
      expect(callbackOf(await goOn(await browser.submit(consent))).get('code')).to.be.a('string')
    })

    it('R20 asks a person who has set up a factor again, in a session that the other node has saved', async () => {
      await signIn(nodes, browser, mira)
      nodes.servedBy('before')
      expect((await silently()).get('code')).to.be.a('string')
      nodes.servedBy('after')
      expect((await silently()).get('error')).to.equal('login_required')
    })

    it('R20 accepts no code that the other node has issued for an account with a factor', async () => {
      nodes.servedBy('before')
      const code = callbackOf(await goOn(await typePassword(await visit(), 'mira')))
      nodes.servedBy('after')
      expect((await redeem(nodes, code)).tokens.error).to.equal('invalid_grant')
    })
  })

  describe(`what there is from before the plugin (${name})`, () => {
    beforeEach(() => start({ storage }))
    afterEach(async () => nodes.close())

    it('R10 is a password of just now, on which a factor is set up; not of ten minutes ago', async () => {
      await signInBefore()
      nodes.servedBy('after')
      expect((await visit()).name).to.equal('totp-enrol')
      nodes.clock.at += 660
      expect((await visit()).name).to.equal('host-login')
    })

    it('is a session that says the level of a password where no more is required', async () => {
      await nodes.close()
      await start({ storage, mfa: { require: false } })
      await signInBefore()
      nodes.servedBy('after')
      const back = await visit({ prompt: 'none', ...essential(PASSWORD_ACR) })
      expect(await claimsOf(back)).to.include({ sub: 'noor', acr: PASSWORD_ACR })
    })

    for (const amr of [undefined, ['pwd'], ['pwd', 'mfa'], ['otp']])
      it(`R26 is no second level by the word of a login page that shows ${amr?.join(' and ') ?? 'nothing'}`, async () => {
        await nodes.close()
        const saidBefore = { acr: MULTI_FACTOR_ACR, ...(amr === undefined ? {} : { amr }) }
        await start({ storage, saidBefore })
        await signInBefore()
        nodes.servedBy('after')
        // A password in place of that first factor, and a second one beside it, reach the level.
        const step = amr?.includes('otp') === true ? 'login_required' : 'interaction_required'
        expect((await silently()).get('error')).to.equal(step)
      })

    it('is the second level where two factors were shown', async () => {
      await nodes.close()
      await start({ storage, saidBefore: { acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp'] } })
      await signInBefore()
      nodes.servedBy('after')
      expect((await claimsOf(await visit({ prompt: 'none' }))).acr).to.equal(MULTI_FACTOR_ACR)
    })

    it('is a level of its own, kept as it is', async () => {
      await nodes.close()
      const configuration = { acrValues: ['urn:host:gold'] }
      const saidBefore = { acr: 'urn:host:gold' }
      await start({ storage, mfa: { require: false }, saidBefore, configuration })
      await signInBefore()
      nodes.servedBy('after')
      expect((await claimsOf(await visit({ prompt: 'none' }))).acr).to.equal('urn:host:gold')
      const silent = await silently(essential(MULTI_FACTOR_ACR))
      expect(silent.get('error')).to.equal('interaction_required')
    })

    it('is a refresh token and an access token that go on working where no more is required', async () => {
      await nodes.close()
      await start({ storage, mfa: { require: false } })
      const { tokens } = await redeem(nodes, callbackOf(await signInBefore(OFFLINE)))
      nodes.servedBy('after')
      expect((await introspect(nodes, tokens.access_token!)).json.active).to.equal(true)
      expect((await refresh(nodes, tokens.refresh_token!)).status).to.equal(200)
    })

    it('R45 is a refresh token and an access token of a password, where more is required', async () => {
      const { tokens } = await redeem(nodes, callbackOf(await signInBefore(OFFLINE)))
      nodes.servedBy('after')
      expect((await introspect(nodes, tokens.access_token!)).json.active).to.equal(false)
      expect((await refresh(nodes, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
    })

    it('R20 ends with the first change of the account: session, refresh token and code', async () => {
      await nodes.close()
      await start({ storage, mfa: { require: false } })
      const { tokens } = await redeem(nodes, callbackOf(await signInBefore(OFFLINE)))
      const code = callbackOf(await visit())
      nodes.servedBy('after')
      await nodes.mfa.accounts.passwordChanged('noor')
      expect((await refresh(nodes, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
      expect((await redeem(nodes, code)).tokens.error).to.equal('invalid_grant')
      expect((await visit()).name).to.equal('host-login')
    })
  })

  describe(`going back to an application without the plugin (${name})`, () => {
    let mira: Person
    beforeEach(async () => {
      await start({ storage })
      nodes.servedBy('after')
      mira = await enrolledPerson(nodes)
    })
    afterEach(async () => nodes.close())

    const signInWithRefresh = async (): Promise<Record<string, string>> => {
      const consent = await signIn(nodes, browser, mira, OFFLINE)
      return (await redeem(nodes, callbackOf(await goOn(await browser.submit(consent))))).tokens
    }

    it('leaves sessions, refresh tokens and access tokens as they are', async () => {
      const tokens = await signInWithRefresh()
      nodes.servedBy('before')
      expect((await claimsOf(await visit({ prompt: 'none' }))).sub).to.equal('mira')
      expect((await introspect(nodes, tokens.access_token!)).json.active).to.equal(true)
      expect((await refresh(nodes, tokens.refresh_token!)).status).to.equal(200)
    })

    it('lets a sign-in that waited for the factor begin again, with the password alone', async () => {
      const verify = await goOn(await typePassword(await visit(), 'mira'))
      nodes.servedBy('before')
      const resume = new URL(`/auth/${uidOf(verify)}`, nodes.issuer)
      const login = await goOn(await browser.get(resume))
      expect(login.name).to.equal('host-login')
      const back = await goOn(await typePassword(login, 'mira'))
      expect(callbackOf(back).get('code')).to.be.a('string')
    })

    it('finds nothing in what is left of an ended interaction', async () => {
      const verify = await goOn(await typePassword(await visit(), 'mira'))
      const answer = await browser.submit(verify, { code: nextCode(nodes, mira) })
      const jar = browser.jar.copy()
      await goOn(answer)
      nodes.servedBy('before')
      expect((await new HttpClient({ jar }).get(answer.location!)).status).to.equal(400)
    })

    it('brings back what the epoch alone has ended, as the guide says', async () => {
      const tokens = await signInWithRefresh()
      await nodes.mfa.accounts.passwordChanged('mira')
      nodes.servedBy('before')
      expect((await refresh(nodes, tokens.refresh_token!)).status).to.equal(200)
    })
  })
}

const OFFLINE = { scope: 'openid offline_access', prompt: 'consent login' }

function essential(acr: string): Record<string, string> {
  return { claims: JSON.stringify({ id_token: { acr: { essential: true, value: acr } } }) }
}
