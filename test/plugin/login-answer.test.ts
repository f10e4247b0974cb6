import { expect } from 'chai'
import type { MfaError } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

describe('what a login page answers with', () => {
  let host: Host
  let told: MfaError[]
  let login: Record<string, unknown>
  /** Whether `findAccount` returns null for every account, as a database driver does for an unknown one. */
  let forgets: boolean

  beforeEach(async () => {
    told = []
    login = {}
    forgets = false
    host = await startHost({
      configuration: {
        findAccount: (_ctx, sub) =>
          forgets || sub.startsWith('nobody')
            ? (null as never)
            : { accountId: sub, claims: () => ({ sub, email: `${sub}@example.com` }) },
      },
      async answer({ mfa }, request, response, accountId) {
        try {
          await mfa.interactionFinished(request, response, {
            login: { accountId, ...login },
          })
        } catch (error) {
          told.push(error as MfaError)
          throw error
        }
      },
    })
  })
  afterEach(async () => host.close())

  for (const [kind, wrong, named] of [
    ['no account', { accountId: undefined }, 'accountId must be'],
    ['an empty account', { accountId: '' }, 'accountId must be'],
    ['an operator for an account', { accountId: { $ne: null } }, 'accountId must be'],
    ['an amr that is no list', { amr: 'pwd' }, 'amr must be'],
    ['an amr of other things', { amr: ['pwd', 7] }, 'amr must be'],
    ['a time in milliseconds', { ts: Date.now() }, 'ts must be'],
    ['a time as text', { ts: '1700000000' }, 'ts must be'],
    ['a remember that is a text', { remember: 'no' }, 'remember must be'],
  ] as const)
    it(`R34 is refused by name with ${kind}`, async () => {
      login = wrong
      const refused = await showPassword(host, new HttpClient(), 'mira')
      expect(refused.body).to.equal('options-invalid')
      expect(told[0]!.message).to.contain(named)
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

  it('names all its faults at once', async () => {
    login = { accountId: 7, amr: 'pwd', ts: 'now', remember: 1 }
    await showPassword(host, new HttpClient(), 'mira')
    expect(told[0]!.message.match(/^- /gm)).to.have.length(4)
  })

  it('is refused by name for an account that findAccount does not know', async () => {
    const refused = await showPassword(host, new HttpClient(), 'nobody-here')
    expect(refused.body).to.equal('account-unknown')
    expect(told[0])
      .to.include({ status: 404 })
      .and.have.property('message')
      .that.contains('findAccount')
    expect((await host.mfa.accounts.status('nobody-here')).epoch).to.equal(1)
  })

  it('says why somebody who has enrolled is asked again and again, where findAccount does not know them', async () => {
    await enrolledPerson(host)
    forgets = true
    const again = await showPassword(host, new HttpClient(), 'mira')
    expect(again.url.pathname).to.match(/^\/interaction\//)
    expect(host.faults.map((fault) => (fault as MfaError).code)).to.deep.equal(['account-unknown'])
    expect(host.faults[0]?.message).to.contain('findAccount').and.not.contain('mira')
  })

  it('may say that the first factor was shown long ago, and waits ten minutes from now', async () => {
    const mira = await enrolledPerson(host)
    const ts = host.clock.at - 7200
    login = { ts, amr: ['pwd', 'kba'] }
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    expect(verify.name).to.equal('totp-verify')
    host.clock.at += 500
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answer)))
    expect(claims).to.deep.include({ auth_time: ts, amr: ['pwd', 'kba', 'otp', 'mfa'] })
  })

  it('R26 makes no second level of two factors of one kind, and is not asked again for ever', async () => {
    const mira = await enrolledPerson(host)
    login = { amr: ['mfa', 'hwk'] }
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    const back = callbackOf(await follow(host, browser, answer))
    expect(back.get('error')).to.equal('unmet_authentication_requirements')
    const silent = callbackOf(await browser.get(authorizeUrl(host, { prompt: 'none' })))
    expect(silent.get('error')).to.equal('interaction_required')
  })

  it('R26 cannot say mfa of one kind of factor', async () => {
    await host.close()
    host = await startHost({
      mfa: { require: false },
      answer: async ({ mfa }, request, response, accountId) =>
        mfa.interactionFinished(request, response, { login: { accountId, amr: ['pwd', 'mfa'] } }),
    })
    const back = callbackOf(await showPassword(host, new HttpClient(), 'mira'))
    expect((await redeem(host, back)).claims.amr).to.deep.equal(['pwd'])
  })

  it('R17 cannot carry what only the pages of the factor may say', async () => {
    await host.close()
    host = await startHost({
      answer: async ({ mfa }, request, response, accountId) =>
        mfa.interactionFinished(request, response, {
          login: { accountId },
          mfa: { factor: 'totp', at: 1 },
          firstFactor: { accountId: 'mira', amr: ['pwd'], ts: 1, epoch: 1, seal: 'x' },
        }),
    })
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mallory', { prompt: 'mfa' })
    expect(page.name).to.equal('totp-enrol')
    expect(page.text).to.contain('mallory')
    expect(signedInSessions(host.writes)).to.deep.equal([])
    for (const result of storedResults()) {
      expect(Object(result)).to.have.property('mfa', undefined)
      expect(result).to.have.nested.property('firstFactor.accountId', 'mallory')
    }
  })

  it('R17 cannot carry it without a login either', async () => {
    await host.close()
    host = await startHost({
      answer: async ({ mfa }, request, response) =>
        mfa.interactionFinished(request, response, {
          mfa: { factor: 'totp', at: 1 },
          firstFactor: { accountId: 'mira', amr: ['pwd'], ts: 1, epoch: 1, seal: 'x' },
          note: 1,
        }),
    })
    await showPassword(host, new HttpClient(), 'mallory')
    expect(storedResults()).to.deep.equal([{ note: 1 }])
  })

  const storedResults = (): object[] =>
    host.writes
      .filter(({ deed }) => deed === 'Interaction.upsert')
      .map(({ value }) => (value as { result?: object }).result)
      .filter((result) => result !== undefined)
})
