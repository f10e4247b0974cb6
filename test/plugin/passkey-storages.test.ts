import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'
import { STORAGES } from './recorded-storage.ts'

/** The options of the browser's call, as a page has them. */
function optionsOf({ body: html }: Page): string {
  const [, written = ''] = /data-passkey-options="([^"]*)"/.exec(html) ?? []
  return written.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

for (const [name, storage] of Object.entries(STORAGES))
  describe(`passkeys on ${name}`, () => {
    let host: Host
    let client: HttpClient
    let key: SoftAuthenticator
    beforeEach(async () => {
      host = await startHost({
        storage,
        hostname: 'localhost',
        mfa: { factors: [passkeys(), backupCodes()] },
      })
      client = new HttpClient()
      key = new SoftAuthenticator({ origin: new URL(host.issuer).origin })
    })
    afterEach(() => host.close())

    /** Sets up the passkey in a first sign-in. */
    async function enrol(): Promise<void> {
      const page = await follow(host, client, await showPassword(host, client, 'mira'))
      const credential = key.create(optionsOf(page))
      const codes = await follow(host, client, await client.submit(page, { credential }))
      expect(codes.body).to.include('data-page="backup-codes"')
      await follow(host, client, await client.submit(codes, { saved: 'yes' }))
    }

    it('R28 are set up and used, with a challenge that one response spends', async () => {
      await enrol()
      const later = new HttpClient()
      const page = await showPassword(host, later, 'mira')
      expect(page.body).to.include('data-page="passkey-verify"')
      const wrong = key.get(optionsOf(page), { origin: 'https://evil.example' })
      const refused = await later.submit(page, { credential: wrong })
      expect(refused.status).to.equal(422)
      expect(optionsOf(refused)).not.to.equal(optionsOf(page))
      const late = key.get(optionsOf(page))
      expect((await later.submit(refused, { credential: late })).status).to.equal(422)
      const again = await showPassword(host, later, 'mira')
      const answer = await later.submit(again, { credential: key.get(optionsOf(again)) })
      expect(answer.status).to.equal(303)
    })

    it('R29 tell of a counter that did not grow', async () => {
      await enrol()
      const later = new HttpClient()
      const page = await showPassword(host, later, 'mira')
      await later.submit(page, { credential: key.get(optionsOf(page)) })
      const again = await showPassword(host, later, 'mira', { prompt: 'login' })
      const credential = key.get(optionsOf(again), { counter: 1 })
      expect((await later.submit(again, { credential })).status).to.equal(422)
      await host.mfa.settled()
      expect(host.events.map(({ type }) => type)).to.include('passkey-cloned')
    })
  })
