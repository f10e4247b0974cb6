import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { CLIENT, authorizeUrl, callbackOf, follow } from './host.ts'
import {
  ask,
  begin,
  end,
  eventsOf,
  factors,
  host,
  ids,
  isSignedIn,
  mira,
  press,
  prove,
} from './managed-host.ts'
import { asClient } from './relying-party.ts'
import { signIn, uidOf, wrongCode } from './sign-in.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const defaultFeatures = { devInteractions: { enabled: false }, claimsParameter: { enabled: true } }

describe('a change of factors', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('is for the apps that the application names', async () => {
    const other = await mira.browser.get(
      authorizeUrl(host, { client_id: 'other', mfa_action: 'add' }),
    )
    expect(callbackOf(other).get('error')).to.equal('invalid_request')
  })

  for (const action of [
    'adds',
    'add:',
    'add:pigeon',
    'add:backup-codes',
    'renew',
    'renew:totp',
    'remove:',
    'remove:../x',
    'rename',
    'replace',
    'replace:',
  ])
    it(`is one of those that there are: not "${action}"`, async () => {
      const answer = await mira.browser.get(authorizeUrl(host, { mfa_action: action }))
      expect(callbackOf(answer).get('error')).to.equal('invalid_request')
    })

  it('is of what the account has', async () => {
    const [codes] = await ids('backup-codes')
    for (const action of [
      'remove:another',
      'rename:another',
      'replace:another',
      `replace:${codes}`,
    ])
      expect(callbackOf(await ask(action)).get('error')).to.equal('invalid_request')
  })

  it('R25 never shows a page for prompt=none', async () => {
    const silent = await mira.browser.get(authorizeUrl(host, { mfa_action: 'add', prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('interaction_required')
  })

  it('R11 asks for a fresh factor, however fresh the session is', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    for (const action of ['add', 'renew:backup-codes', `rename:${(await ids('totp'))[0]}`]) {
      const page = await ask(action)
      expect(page.name, action).to.equal('totp-verify')
    }
  })

  it('R11 R17 is not made by a stolen session: no page and no form leads past the code', async () => {
    const before = await factors()
    const [phone] = await ids('totp')
    for (const action of ['add', 'renew:backup-codes', `rename:${phone}`, `replace:${phone}`]) {
      const verify = await ask(action)
      const base = `${host.issuer}/mfa/${uidOf(verify)}`
      const { csrf = '' } = verify.form().fields
      const shown = await follow(host, mira.browser, await mira.browser.get(`${base}/change`))
      expect(shown.name).to.equal('totp-verify')
      const fields = { csrf, factor: 'totp', name: 'Mine', saved: 'yes', code: '000000' }
      for (const path of ['change', 'choose', 'enrol/totp', 'backup-codes', 'backup-codes-low']) {
        const answer = await follow(
          host,
          mira.browser,
          await mira.browser.post(`${base}/${path}`, fields),
        )
        expect(answer.location, `${action} ${path}`).to.equal(undefined)
      }
    }
    expect(await factors()).to.deep.equal(before)
    expect(await eventsOf('factor-removed', 'factor-renamed', 'enrolment-started')).to.have.length(
      1,
    )
  })

  it('R11 is made with a code typed for it alone: not with one of another sign-in', async () => {
    const change = await ask('renew:backup-codes')
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    const { csrf = '' } = change.form().fields
    const answer = await mira.browser.post(`${host.issuer}/mfa/${uidOf(change)}/change`, { csrf })
    expect([answer.status, answer.name]).to.deep.equal([410, 'expired'])
  })

  it('R11 is over ten minutes after its code', async () => {
    const page = await prove('renew:backup-codes')
    host.clock.at += 600
    const late = await mira.browser.submit(page)
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
  })

  it('R2 is guarded like a sign-in: five wrong codes, then nothing is examined', async () => {
    for (let nth = 0; nth < 5; nth += 1) {
      const verify = await ask('add')
      await mira.browser.submit(verify, { code: wrongCode(host, mira, nth) })
    }
    expect((await ask('add')).name).to.equal('locked')
  })

  it('R30 needs the form’s own token', async () => {
    const page = await prove('renew:backup-codes')
    const forged = await mira.browser.submit(page, { csrf: 'x' })
    expect([forged.status, forged.name]).to.deep.equal([403, 'forbidden'])
    expect(await eventsOf('factor-removed')).to.deep.equal([])
  })

  it('R11 changes nothing when its pages are only looked at', async () => {
    const page = await prove('renew:backup-codes')
    await host.mfa.settled()
    const writes = host.writes.length
    for (const path of ['', '/change', '/choose'])
      await mira.browser.get(`${host.issuer}/mfa/${uidOf(page)}${path}`)
    expect(host.writes).to.have.length(writes)
  })

  it('is refused by the person with access_denied', async () => {
    const page = await prove('renew:backup-codes')
    const back = await follow(
      host,
      mira.browser,
      await mira.browser.submit(page, {}, { form: '[action$="/cancel"]' }),
    )
    expect(callbackOf(back).get('error')).to.equal('access_denied')
  })
})

describe('who may ask for a change, and where', () => {
  afterEach(end)

  it('is decided by a function of the application as well', async () => {
    await begin({ mfa: { manage: { clients: async ({ clientName }) => clientName === 'Ledger' } } })
    const ask = async (clientId: string): Promise<Page> =>
      follow(
        host,
        mira.browser,
        await mira.browser.get(authorizeUrl(host, { client_id: clientId, mfa_action: 'add' })),
      )
    expect(callbackOf(await ask('app')).get('error')).to.equal('invalid_request')
    expect((await ask('other')).name).to.equal('totp-verify')
  })

  it('goes on to no app where the issuer itself asks, which the name alone does not show', async () => {
    const named = { ...CLIENT, client_name: 'Acme' }
    await begin({
      configuration: {
        clients: [named, { ...named, client_id: 'other' }, { ...CLIENT, client_id: 'third' }],
      },
      mfa: { manage: { clients: ['app', 'third'] } },
    })
    const said = async (client_id: string): Promise<string> => {
      const url = authorizeUrl(host, { client_id, prompt: 'mfa' })
      const page = await follow(host, mira.browser, await mira.browser.get(url))
      expect(page.name).to.equal('totp-verify')
      return page.text
    }
    expect(await said('app')).to.not.include('Continue to ')
    expect(await said('other')).to.include('Continue to Acme')
    expect(await said('third')).to.include('Continue to Fieldnotes')
  })

  it('is nobody, unless the application says who', async () => {
    await begin({ mfa: { manage: { clients: [] } } })
    expect(callbackOf(await ask('add')).get('error')).to.equal('invalid_request')
  })

  it('R17 goes through a pushed request, and through no device', async () => {
    const features = { ...defaultFeatures, deviceFlow: { enabled: true } }
    const pushed = { pushedAuthorizationRequests: { enabled: true } }
    await begin({
      configuration: {
        clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, DEVICE] }],
        features: { ...features, ...pushed },
      },
    })
    const device = await asClient(host, '/device/auth', { scope: 'openid', mfa_action: 'add' })
    expect([device.status, device.json.error]).to.deep.equal([400, 'invalid_request'])
    const parameters = Object.fromEntries(authorizeUrl(host, { mfa_action: 'add' }).searchParams)
    const { json } = await asClient(host, '/request', parameters)
    const url = new URL('/auth', host.issuer)
    url.search = new URLSearchParams({
      client_id: 'app',
      request_uri: String(json.request_uri),
    }).toString()
    const page = await follow(host, mira.browser, await mira.browser.get(url))
    expect(page.name).to.equal('totp-verify')
  })
})

describe('renaming an authenticator', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R11 takes a fresh code, and signs nobody out', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const [phone] = await ids('totp')
    const page = await prove(`rename:${phone}`)
    expect(page.name).to.equal('factor-rename')
    const nameless = await mira.browser.submit(page, { name: '  ' })
    expect([nameless.status, nameless.name]).to.deep.equal([422, 'factor-rename'])
    const long = await mira.browser.submit(page, { name: 'n'.repeat(65) })
    expect([long.status, long.form().fields['name']]).to.deep.equal([422, 'n'.repeat(65)])
    expect(long.alert).to.contain('64 characters')
    const back = await press(page, { name: 'Old phone' })
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect((await factors())[0]?.name).to.equal('Old phone')
    expect(await isSignedIn(elsewhere)).to.equal(true)
    expect(await eventsOf('factor-renamed')).to.have.length(1)
  })

  it('R11 R38 spends the proof: the same name again is a double tap, another name is refused', async () => {
    const [phone] = await ids('totp')
    const page = await prove(`rename:${phone}`)
    const first = await mira.browser.submit(page, { name: 'One' })
    const tap = await mira.browser.submit(page, { name: 'One' })
    expect([first.status, tap.status]).to.deep.equal([303, 303])
    const second = await mira.browser.submit(page, { name: 'Two' })
    expect(second.status).to.equal(410)
    expect((await factors())[0]?.name).to.equal('One')
  })
})
