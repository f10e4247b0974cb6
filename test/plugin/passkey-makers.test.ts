import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'

describe('a passkey whose maker is no longer allowed', () => {
  let host: Host | undefined
  afterEach(() => host?.close())

  it('is not offered, and the page leads to the other ways', async () => {
    const root = makeCertificate({ name: 'Acme Root', isCa: true })
    const allowed = passkeys({ attestation: 'direct', trustRoots: [root.pem], allow: [MODEL] })
    let current = passkeys()
    // The server is started again with other options, which only what it asks later tells.
    const factor: typeof current = {
      ...current,
      describeVerification: (...given) => current.describeVerification!(...given),
      examine: (given) => current.examine(given),
    }
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [factor, totp(), backupCodes()] },
    })
    const client = new HttpClient()
    const key = new SoftAuthenticator({ origin: new URL(host.issuer).origin, aaguid: MODEL })
    const choose = await follow(host, client, await showPassword(host, client, 'mira'))
    const set = await client.submit(choose, { factor: 'passkey' })
    const page = await follow(host, client, set)
    const credential = key.create(optionsOf(page))
    const codes = await follow(host, client, await client.submit(page, { credential }))
    await follow(host, client, await client.submit(codes, { saved: 'yes' }))

    const later = new HttpClient()
    const offered = await showPassword(host, later, 'mira')
    const answer = key.get(optionsOf(offered))
    current = allowed
    const refused = await later.submit(offered, { credential: answer })
    expect(refused.status).to.equal(422)
    const asked = await showPassword(host, new HttpClient(), 'mira')
    for (const each of [refused, asked]) {
      expect(each.body).to.include('data-page="passkey-verify"').and.include('data-passkey-maker')
      expect(each.body).to.include('data-other-way').and.not.include('data-passkey-options')
    }
  })
})
