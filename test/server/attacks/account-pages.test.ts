import { expect } from 'chai'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { deedsOf } from '../../support/account-forms.ts'
import { HttpClient } from '../../support/http-client.ts'
import { addPerson, PASSWORD, signIn, stopServers, type Person } from '../support.ts'
import { startRecorded, type RecordedServer } from './own-routes.ts'

const OTHER_SITE = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

/** The fields of all forms at once: each deed takes its own. */
const FIELDS = {
  factor: 'totp',
  email: 'eve@evil.example',
  code: '12345678',
  language: 'de',
  currentPassword: PASSWORD,
  password: 'a password that is new and long',
}

interface Form {
  readonly page: string
  readonly action: URL
  readonly fields: Readonly<Record<string, string>>
}

describe('the forms of the account pages', function () {
  this.timeout(60_000)
  let server: RecordedServer
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
    server = await startRecorded()
    alice = new HttpClient()
    bob = new HttpClient()
    aliceId = (await arrive(alice, 'alice')).id
    bobId = (await arrive(bob, 'bob')).id
  })
  after(stopServers)

  const tokenOf = async (browser: HttpClient): Promise<string> =>
    (await browser.visit(account())).form().fields['csrf'] ?? ''
  /** The form of every deed of every page, whether a page shows its button now or not. */
  const formsOf = async (browser: HttpClient, id: string): Promise<Form[]> => {
    const csrf = await tokenOf(browser)
    const [authenticator] = (await recordOf(id))?.authenticators ?? []
    return server.deeds.map(({ page, deed }) => ({
      page,
      action: account(page === '' ? '' : `/${page}`),
      fields: { ...FIELDS, id: authenticator?.id ?? '', csrf, do: deed },
    }))
  }
  const recordOf = async (id: string): Promise<MfaRecord | undefined> =>
    (await server.storage.records.load(id))?.record as MfaRecord | undefined
  const stateOf = async (...ids: readonly string[]): Promise<string> =>
    JSON.stringify(
      await Promise.all(
        (ids.length > 0 ? ids : [aliceId, bobId]).flatMap((id) => [
          recordOf(id),
          server.storage.accounts.byId(id),
        ]),
      ),
    )

  it('R30 do nothing without their token, with an empty, a foreign or a forged one, or from another site', async () => {
    const forms = await formsOf(alice, aliceId)
    const foreign = await tokenOf(bob)
    expect(forms.length).to.be.greaterThan(15)
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
    const forms = await formsOf(alice, aliceId)
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
    const sessions = await bob.visit(account('/sessions'))
    const ids = [
      ...((await recordOf(bobId))?.authenticators ?? []).map(({ id }) => id),
      ...sessions.tags('input[name=id]').map(({ value = '' }) => value),
    ]
    expect(ids.length).to.be.greaterThan(2)
    const csrf = await tokenOf(alice)
    const deeds = [
      // The lock takes no id, and ends this session.
      ...server.deeds.filter(({ deed }) => deed !== 'lock'),
      ...['constructor', 'toString', '__proto__', ''].map((deed) => ({ page: '', deed })),
    ]
    const before = await stateOf(bobId)
    for (const id of [...ids, bobId, 'bob@example.com', '{"$ne":1}'])
      for (const { page, deed } of deeds) {
        const named = { id, factor: id, email: id, accountId: bobId, sub: bobId, username: 'bob' }
        const path = page === '' ? '' : `/${page}`
        const answer = await alice.post(account(path), { csrf, do: deed, ...named })
        // 403 is the page that says why the account does not allow the change now.
        expect(answer.status, `${page} ${deed} ${id}`).to.be.oneOf([200, 303, 400, 403, 422])
        expect(answer.name, `${page} ${deed} ${id}`).not.to.equal('forbidden')
        if (answer.status === 303) await alice.follow(answer)
      }
    expect(await stateOf(bobId)).to.equal(before)
    expect((await bob.get(account('/sessions'))).text).to.equal(sessions.text)
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

  it('R11 show and change nothing of another account by a GET, whatever id the address names', async () => {
    const { authenticators } = (await recordOf(bobId))!
    const [phone, codes] = authenticators
    const sessions = await bob.visit(account('/sessions'))
    const ids = [bobId, phone!.id, codes!.id, 'bob', 'bob@example.com']
    ids.push(...sessions.tags('input[name=id]').map(({ value = '' }) => value))
    const paths = [...server.accountPaths, '/account/replace', '/account/callback']
    expect(paths.length).to.be.greaterThan(13)
    const before = await stateOf()
    for (const path of paths)
      for (const id of ids) {
        const url = new URL(path, server.issuer)
        for (const name of ['id', 'accountId', 'sub', 'email', 'username', 'code', 'state'])
          url.searchParams.set(name, id)
        const page = await alice.visit(url)
        expect(page.status, url.href).to.be.oneOf([200, 303, 400, 403, 404, 410])
        // A page of the provider names its own person, and an error nothing that was sent.
        expect(page.text, url.href).not.to.match(/\bbob\b/)
        expect(page.body, url.href).not.to.contain(`value="${id}"`)
      }
    expect(await stateOf()).to.equal(before)
    expect((await bob.get(account('/sessions'))).text).to.equal(sessions.text)
  })

  it('R44 R42 are dead after the lock: each leads to the sign-in, and none acts', async () => {
    const forms = await formsOf(alice, aliceId)
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
