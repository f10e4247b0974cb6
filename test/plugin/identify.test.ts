import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PHISHING_RESISTANT_ACR, totp } from '../../src/index.ts'
import {
  challengeFactor,
  namedKeyFactor,
  softKey,
  type SoftKey,
} from '../../src/testing/factors.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { modelOf, renderModels } from './rendered-models.ts'

const ID = 'test-named-key'

for (const storage of ['memory', 'sqlite'] as const)
  describe(`signing in with a credential that names its owner, on ${storage}`, () => {
    let host: Host
    let key: SoftKey
    let disabled: Set<string>

    beforeEach(async () => {
      disabled = new Set()
      host = await startHost({
        storage: STORAGES[storage]!,
        keyPage: ID,
        mfa: {
          factors: [namedKeyFactor(), challengeFactor()],
          render: renderModels,
          manage: { clients: ['app'] },
        },
        configuration: {
          findAccount: async (_ctx, sub) =>
            disabled.has(sub) ? undefined : { accountId: sub, claims: async () => ({ sub }) },
        },
      })
      key = await enrol('mira')
      host.writes.length = 0
    })
    afterEach(async () => host.close())

    async function enrol(username: string, factor = ID, own = softKey()): Promise<SoftKey> {
      const browser = new HttpClient()
      const ways = await showPassword(host, browser, username)
      const page = await follow(host, browser, await browser.submit(ways, { factor }))
      const { enrolment } = modelOf(page) as unknown as { enrolment: { challenge: string } }
      const credential = own.answer(enrolment.challenge)
      const confirmed = await browser.submit(page, { credential })
      expect(confirmed.status, confirmed.body).to.equal(303)
      await host.mfa.settled()
      return own
    }

    /** Opens the login page of an authorization request and its key page; returns the challenge of the key page. */
    async function open(parameters: Record<string, string> = {}, browser = new HttpClient()) {
      const login = await follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
      const url = `${login.url.href}/key`
      const { challenge } = JSON.parse((await browser.get(url)).body) as { challenge: string }
      const answer = (credential: string): Promise<Page> => browser.post(url, { credential })
      return { browser, url, challenge, answer }
    }

    it('R26 signs in without a user name and a password, at the level that the key proves', async () => {
      const { browser, challenge, answer } = await open()
      const answered = await answer(key.answer(challenge, true))
      expect(answered.status, answered.body).to.equal(303)
      const { claims } = await redeem(host, callbackOf(await follow(host, browser, answered)))
      expect(claims).to.include({ sub: 'mira', acr: PHISHING_RESISTANT_ACR })
      expect(claims.amr).to.deep.equal(['swk', 'user', 'mfa'])
      await host.mfa.settled()
      expect(host.events.at(-1)).to.deep.include({ type: 'factor-accepted', accountId: 'mira' })
    })

    it('R4 makes a browser known to the account once', async () => {
      const browser = new HttpClient()
      const given: boolean[] = []
      for (let visit = 0; visit < 2; visit += 1) {
        const { challenge, answer } = await open({ prompt: 'login' }, browser)
        const answered = await answer(key.answer(challenge, true))
        given.push(String(answered.headers['set-cookie']).includes('mfa_browser='))
        await follow(host, browser, answered)
      }
      expect(given).to.deep.equal([true, false])
    })

    it('R20 R33 refuses an unknown, a disabled and another account alike, and nobody is signed in', async () => {
      const theos = await enrol('theo')
      const stranger = softKey()
      const cases: readonly [what: string, credential: (challenge: string) => string][] = [
        ['unknown', (challenge) => stranger.answer(challenge, true)],
        ['disabled', (challenge) => theos.answer(challenge, true)],
        ['not the owner', (challenge) => stranger.answer(challenge, true, key.handle)],
        ['another challenge', () => key.answer('another', true)],
        ['one kind of factor only', (challenge) => key.answer(challenge, false)],
        ['no response at all', () => '{'],
      ]
      disabled.add('theo')
      host.writes.length = 0
      for (const [what, credential] of cases) {
        const { challenge, answer } = await open()
        const { status, body, headers } = await answer(credential(challenge))
        expect([status, body], what).to.deep.equal([422, 'refused'])
        expect(headers['set-cookie'], what).to.equal(undefined)
      }
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

    it('R20 refuses what an account of another epoch answers, alike', async () => {
      const { browser, challenge, answer } = await open()
      const answered = await answer(key.answer(challenge, true))
      expect(answered.status).to.equal(303)
      // The account's epoch changes before the browser comes back, so the sealed login is of an earlier epoch.
      await host.mfa.accounts.endEverything('mira', 'stolen')
      const back = await follow(host, browser, answered)
      expect(back.name).to.equal('host-login')
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

    it('R28 takes one response to a challenge, right or wrong', async () => {
      const first = await open()
      expect((await first.answer(key.answer('another', true))).status).to.equal(422)
      expect((await first.answer(key.answer(first.challenge, true))).status).to.equal(422)
      const other = await open()
      expect((await other.answer(key.answer(first.challenge, true))).status).to.equal(422)
      const fresh = await first.browser.get(first.url)
      const { challenge } = JSON.parse(fresh.body) as { challenge: string }
      expect((await first.answer(key.answer(challenge, true))).status).to.equal(303)
    })

    it('R28 takes no response after ten minutes', async () => {
      const { challenge, answer } = await open()
      host.clock.at += 600
      expect((await answer(key.answer(challenge, true))).status).to.equal(422)
    })

    it('R46 R47 registers no credential whose handle is another account\u2019s', async () => {
      const browser = new HttpClient()
      const ways = await showPassword(host, browser, 'theo')
      const page = await follow(host, browser, await browser.submit(ways, { factor: ID }))
      const { enrolment } = modelOf(page) as unknown as { enrolment: { challenge: string } }
      const credential = softKey().answer(enrolment.challenge, false, key.handle)
      expect((await browser.submit(page, { credential })).status).to.equal(422)
      expect((await host.mfa.accounts.status('theo')).enrolled).to.equal(false)
      await host.mfa.settled()
      const told = host.events.filter(({ type }) => type === 'factor-refused')
      expect(told.map(({ accountId, detail: { reason } }) => [accountId, reason])).to.deep.equal([
        ['theo', 'wrong-confirmation'],
      ])
    })

    it('satisfies prompt=mfa and an essential acr with that one proof', async () => {
      const claims = JSON.stringify({
        id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
      })
      const { browser, challenge, answer } = await open({ prompt: 'login mfa', claims })
      const answered = await answer(key.answer(challenge, true))
      const back = await follow(host, browser, answered)
      expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(MULTI_FACTOR_ACR)
    })

    it('R11 is no proof for a change of factors that the same authorization asks for', async () => {
      const { browser, challenge, answer } = await open({ mfa_action: 'add' })
      const answered = await answer(key.answer(challenge, true))
      const page = await follow(host, browser, answered)
      expect(page.name, page.body).to.equal('test-named-key-verify')
    })

    it('is no answer to another prompt, and no factor that names nobody', async () => {
      const browser = new HttpClient()
      const page = await showPassword(host, browser, 'mira')
      const uid = page.url.pathname.split('/')[2]
      const refused = await browser.get(`${host.issuer}/interaction/${uid}/key`)
      expect(refused.body).to.be.oneOf(['wrong-prompt', 'SessionNotFound'])
    })
  })

describe('a factor that names its owner', () => {
  it('R4 is refused by createMfa where it can be guessed, sends something or has no handle', async () => {
    const { handlesOf: _handles, ...withoutHandles } = namedKeyFactor()
    const { challenge: _challenge, ...withoutChallenge } = namedKeyFactor()
    for (const factor of [
      { ...namedKeyFactor(), guessable: true },
      { ...namedKeyFactor(), delivers: true as const },
      withoutHandles,
      withoutChallenge,
    ])
      try {
        const host = await startHost({ mfa: { factors: [totp(), factor] } })
        await host.close()
        expect.fail('it was taken')
      } catch (error) {
        expect(error).to.include({ code: 'options-invalid' })
        expect((error as Error).message).to.contain('identify')
      }
  })
})
