import { expect } from 'chai'
import type { MfaOptions } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { follow, PASSWORD, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

const DAY = 86_400
const MANAGE = 'https://app.example.com/settings'

describe('the page after a backup code', () => {
  let host: Host
  let mira: Person
  afterEach(async () => host.close())

  const begin = async (options: Partial<MfaOptions>): Promise<void> => {
    host = await startHost({
      mfa: {
        sendMail: async () => undefined,
        youngSeconds: 0,
        describe: ({ accountId }) => ({
          label: accountId,
          addresses: [{ address: 'mira@example.com', verifiedAt: host.clock.at - 90 * DAY }],
        }),
        ...options,
      },
    })
    mira = await enrolledPerson(host)
  }
  /** Answers a verify page with a backup code. */
  const giveCode = async (browser: HttpClient, verify: Page, nth: number): Promise<Page> => {
    host.clock.at += 60
    const form = await browser.submit(await browser.visit(verify.link('[data-other-way]')), {
      factor: 'backup-codes',
    })
    const answer = await browser.submit(await browser.follow(form), {
      backupCode: mira.codes[nth] ?? '',
    })
    return follow(host, browser, answer)
  }
  const useCode = async (browser: HttpClient, nth: number): Promise<Page> =>
    giveCode(browser, await showPassword(host, browser, 'mira'), nth)
  /** Uses all codes but the last `left`; returns the page after the last one. */
  const useUp = async (left: number): Promise<{ page: Page; browser: HttpClient }> => {
    for (let nth = 0; nth < 9 - left; nth += 1) await useCode(new HttpClient(), nth)
    const browser = new HttpClient()
    return { browser, page: await useCode(browser, 9 - left) }
  }
  const links = (page: Page): number => page.all('[data-replace]').length
  const names = async (): Promise<string[]> =>
    (await host.mfa.accounts.status('mira')).factors.map(({ factor }) => factor).sort()

  it('R11 leads to the replacement of the phone, which asks for another code', async () => {
    await begin({ account: true, recovery: true })
    const browser = new HttpClient()
    const used = await useCode(browser, 0)
    expect([used.name, links(used)]).to.deep.equal(['backup-code-used', 1])
    const login = await browser.visit(used.link('[data-replace]'))
    expect(login.name).to.equal('host-login')
    const before = (await host.mfa.accounts.status('mira')).factors
    const verify = await follow(
      host,
      browser,
      await browser.submit(login, { username: 'mira', password: PASSWORD }),
    )
    const repeated = await giveCode(browser, verify, 0)
    expect(repeated.status).to.equal(422)
    const setUp = await giveCode(browser, repeated, 1)
    expect(setUp.name).to.equal('totp-enrol')
    expect((await host.mfa.accounts.status('mira')).factors.map(({ id }) => id)).to.have.members(
      before.map(({ id }) => id),
    )
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const account = await browser.follow(await browser.submit(setUp, { code }))
    expect(account.name).to.equal('account')
    expect(await names()).to.deep.equal(['backup-codes', 'totp'])
    const { factors } = await host.mfa.accounts.status('mira')
    const idOf = (list: typeof factors) => list.find(({ factor }) => factor === 'totp')?.id
    expect(idOf(factors)).not.to.equal(idOf(before))
  })

  it('goes on to the app with its first button', async () => {
    await begin({ account: true })
    const browser = new HttpClient()
    const callback = await follow(host, browser, await browser.submit(await useCode(browser, 0)))
    expect(callback.location?.searchParams.get('code')).to.be.a('string')
  })

  it('leads to recovery after the last code, where nothing else could prove a factor, and back', async () => {
    await begin({ account: true, recovery: true })
    const { page, browser } = await useUp(0)
    expect([page.name, links(page)]).to.deep.equal(['backup-codes-low', 1])
    const recovery = await browser.visit(page.link('[data-replace]'))
    expect([recovery.status, recovery.name]).to.deep.equal([200, 'recovery'])
    const back = await browser.visit(recovery.link('.aside a'))
    expect(back.name).to.equal('backup-codes-low')
    const callback = await follow(host, browser, await browser.submit(back))
    expect(callback.location?.searchParams.get('code')).to.be.a('string')
  })

  it('offers the replacement with few codes left, and none after the last one where recovery is off', async () => {
    await begin({ account: true })
    const { page, browser } = await useUp(1)
    expect([page.name, links(page)]).to.deep.equal(['backup-codes-low', 1])
    expect(page.link('[data-replace]').href).to.contain('/account/replace?id=')
    await browser.submit(page)
    const last = await useCode(new HttpClient(), 9)
    expect([last.name, links(last)]).to.deep.equal(['backup-codes-low', 0])
  })

  it('leads to the list of factors where there are two to choose from', async () => {
    await begin({ account: true, manage: { clients: ['app'] } })
    await addPhone()
    const used = await useCode(new HttpClient(), 0)
    expect(used.link('[data-replace]').href).to.equal(`${host.issuer}/account`)
  })

  it("leads to the application's own page where there are no account pages, and is left out without one", async () => {
    await begin({ manage: { clients: ['app'], url: MANAGE } })
    expect((await useCode(new HttpClient(), 0)).link('[data-replace]').href).to.equal(MANAGE)
    await host.close()
    await begin({})
    const callback = await useCode(new HttpClient(), 0)
    expect(callback.location?.searchParams.get('code')).to.be.a('string')
  })

  it('is left out of a sign-in that changes a factor already', async () => {
    await begin({ account: true, manage: { clients: ['app'] } })
    const [phone] = (await host.mfa.accounts.status('mira')).factors
    const browser = new HttpClient()
    const parameters = { mfa_action: `rename:${phone?.id}` }
    const verify = await showPassword(host, browser, 'mira', parameters)
    expect((await giveCode(browser, verify, 0)).name).to.equal('factor-rename')
  })

  it('begins nothing with an address that names no authenticator', async () => {
    await begin({ account: true })
    for (const query of ['', '?id=', '?id=a&id=b', '?id=a%20b']) {
      const answer = await mira.browser.get(`${host.issuer}/account/replace${query}`)
      expect([answer.status, answer.location?.pathname], query).to.deep.equal([303, '/account'])
    }
    const foreign = await mira.browser.get(`${host.issuer}/account/replace?id=somebody-elses`)
    const refused = await mira.browser.follow(foreign)
    expect(refused.name).to.equal('account-closed')
    const posted = await mira.browser.post(`${host.issuer}/account/replace?id=x`, {})
    expect(posted.status).to.equal(404)
  })

  /** Adds a second authenticator app. */
  const addPhone = async (): Promise<void> => {
    host.clock.at += 60
    const { browser } = mira
    const parameters = { mfa_action: 'add', prompt: 'login' }
    const verify = await showPassword(host, browser, 'mira', parameters)
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    const setUp = await follow(host, browser, answer)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    await follow(host, browser, await browser.submit(setUp, { code }))
    expect(await names()).to.deep.equal(['backup-codes', 'totp', 'totp'])
  }
})
