import { expect } from 'chai'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { deedsOf } from '../../support/account-forms.ts'
import { formOf } from '../../support/html.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  addPerson,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from '../support.ts'

const OTHER_SITE = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

interface Form {
  readonly page: string
  readonly action: URL
  readonly fields: Readonly<Record<string, string>>
}

describe('the forms of the account pages', () => {
  let server: TestServer
  let alice: HttpClient
  let bob: HttpClient
  let aliceId: string
  let bobId: string

  const account = (path = ''): URL => new URL(`/account${path}`, server.issuer)
  const arrive = async (
    browser: HttpClient,
    username: string,
  ): Promise<Person & { id: string }> => {
    const person = await addPerson(server, { username })
    await signIn(browser, account(), person, server)
    return person
  }
  before(async () => {
    server = await startServer()
    alice = new HttpClient()
    bob = new HttpClient()
    aliceId = (await arrive(alice, 'alice')).id
    bobId = (await arrive(bob, 'bob')).id
  })
  after(stopServers)

  /** Every page that the overview leads to, and the overview. */
  const pagesOf = async (browser: HttpClient): Promise<Page[]> => {
    const overview = await browser.visit(account())
    const links = overview.all('.aside a').map((link) => link.getAttribute('href') ?? '')
    const own = links.filter((href) => href.startsWith('/account/'))
    expect(own.length).to.be.greaterThan(2)
    const others = await Promise.all(own.map((href) => browser.visit(new URL(href, server.issuer))))
    return [overview, ...others.filter(({ url }) => url.pathname.startsWith('/account'))]
  }
  const formsOf = (pages: readonly Page[]): Form[] =>
    pages.flatMap((page) =>
      page.all('form').flatMap((element) => {
        const { action, fields } = formOf(element)
        return [...element.querySelectorAll('button[data-do]')].map((button) => ({
          page: page.name ?? '',
          action: new URL(action, page.url),
          fields: { ...fields, do: button.getAttribute('data-do') ?? '' },
        }))
      }),
    )
  const recordOf = async (id: string): Promise<MfaRecord | undefined> =>
    (await server.storage.records.load(id))?.record as MfaRecord | undefined
  const stateOf = async (): Promise<string> =>
    JSON.stringify([
      await recordOf(aliceId),
      await recordOf(bobId),
      await server.storage.accounts.byId(aliceId),
      await server.storage.accounts.byId(bobId),
    ])

  it('R30 do nothing without their token, with an empty, a foreign or a forged one, or from another site', async () => {
    const forms = formsOf(await pagesOf(alice))
    const { csrf: foreign = '' } = formsOf(await pagesOf(bob))[0]?.fields ?? {}
    expect(forms.map(({ fields }) => fields['do'])).to.include.members([
      'add',
      'rename',
      'renew',
      'export',
      'language',
      'lock',
    ])
    const before = await stateOf()
    for (const { page, action, fields } of forms) {
      const { csrf = '', ...rest } = fields
      const about = `${page} ${fields['do']}`
      expect(csrf, about).not.to.equal('')
      for (const token of [
        {},
        { csrf: '' },
        { csrf: foreign },
        { csrf: `${csrf}A` },
        { csrf: csrf.slice(1) },
      ])
        expect((await alice.post(action, { ...rest, ...token })).status, about).to.equal(403)
      expect((await alice.post(action, fields, { headers: OTHER_SITE })).status, about).to.equal(
        403,
      )
    }
    expect(await stateOf()).to.equal(before)
  })

  it('R30 R42 do nothing for a browser without the session, and with the token of a session that is over', async () => {
    const forms = formsOf(await pagesOf(alice))
    const before = await stateOf()
    for (const { page, action, fields } of forms) {
      const answer = await new HttpClient().post(action, fields)
      expect([answer.status, answer.location?.pathname], `${page} ${fields['do']}`).to.deep.equal([
        303,
        '/account',
      ])
    }
    // Bob signs in to the browser of Alice: her forms are still open in a tab.
    for (const { page, action, fields } of forms)
      expect((await bob.post(action, fields)).status, `${page} ${fields['do']}`).to.equal(403)
    expect(await stateOf()).to.equal(before)
  })

  it('R11 change nothing of another account, whatever id they name', async () => {
    const [overview] = await pagesOf(alice)
    const ids = (await recordOf(bobId))?.authenticators.map(({ id }) => id) ?? []
    expect(ids.length).to.be.greaterThan(1)
    const { csrf = '' } = formsOf([overview!])[0]?.fields ?? {}
    const before = await stateOf()
    for (const id of [...ids, bobId, '../x', '__proto__', "' OR 1=1", '{"$ne":1}', ''])
      for (const deed of [
        'rename',
        'remove',
        'renew',
        'add',
        'lock',
        'export',
        'constructor',
        'toString',
        '',
      ]) {
        const fields = { csrf, do: deed, id, factor: id, accountId: bobId, sub: bobId }
        const answer = await alice.post(account(), fields)
        expect(answer.status, `${deed} ${id}`).to.be.oneOf([303, 400])
        if (answer.status === 303) await alice.follow(answer)
      }
    expect(await stateOf()).to.equal(before)
  })

  it('have addresses that say nothing of other accounts, whatever is added to them', async () => {
    for (const path of [
      `/activity?accountId=${bobId}`,
      `/activity?sub=${bobId}&before=1`,
      `/${bobId}`,
      '/__proto__',
      '/constructor',
      '/activity/..%2f..%2fadmin',
    ]) {
      const page = await alice.visit(account(path))
      expect(page.status, path).to.be.oneOf([200, 404])
      expect(page.body, path).not.to.contain('>bob<').and.not.to.contain(bobId)
    }
  })

  it('R44 R42 are dead after the lock: each leads to the sign-in, and none acts', async () => {
    const forms = formsOf(await pagesOf(alice))
    const lock = forms.find(({ fields }) => fields['do'] === 'lock')!
    expect((await alice.post(lock.action, lock.fields)).status).to.equal(303)
    const before = await stateOf()
    for (const { page, action, fields } of forms) {
      const answer = await alice.post(action, fields)
      expect([answer.status, answer.location?.pathname], `${page} ${fields['do']}`).to.deep.equal([
        303,
        '/account',
      ])
    }
    expect(await stateOf()).to.equal(before)
    expect(deedsOf(await bob.visit(account())).length).to.be.greaterThan(1)
  })
})
