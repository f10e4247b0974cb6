import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, HARDWARE_PROTECTED_ACR, totp } from '../../src/index.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { entryOf, makeBlob, METADATA_ROOT } from '../support/metadata-blob.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const root = makeCertificate({ name: 'Acme Root', isCa: true })
const leaf = makeCertificate({ name: 'Acme Key', issuer: root })
const ESSENTIAL = JSON.stringify({
  id_token: { acr: { essential: true, value: HARDWARE_PROTECTED_ACR } },
})

describe('a request for a key in hardware', () => {
  let host: Host
  before(async () => {
    const metadata = makeBlob({ entries: [entryOf(MODEL, { roots: [root] })] })
    const factor = passkeys({
      attestation: 'direct',
      metadata,
      metadataRoots: [METADATA_ROOT.pem],
    })
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [factor, totp(), backupCodes()] },
    })
  })
  after(() => host.close())

  /** Sets up the first factor of a person, with an answer that is attested or not. */
  async function keyOf(person: string, isAttested: boolean): Promise<SoftAuthenticator> {
    const client = new HttpClient()
    const key = new SoftAuthenticator({ origin: new URL(host.issuer).origin, aaguid: MODEL })
    const choose = await follow(host, client, await showPassword(host, client, person))
    const page = await follow(host, client, await client.submit(choose, { factor: 'passkey' }))
    const options = optionsOf(page)
    const credential = isAttested
      ? key.attested(options, leaf.privateKey, [leaf.der])
      : key.create(options)
    const codes = await follow(host, client, await client.submit(page, { credential }))
    await follow(host, client, await client.submit(codes, { saved: 'yes' }))
    return key
  }

  async function signIn(person: string, key: SoftAuthenticator): Promise<Page> {
    const client = new HttpClient()
    const asked = await showPassword(host, client, person, { claims: ESSENTIAL })
    expect(asked.name).to.equal('passkey-verify')
    const credential = key.get(optionsOf(asked))
    return follow(host, client, await client.submit(asked, { credential }))
  }

  it('is met by a certified passkey that its maker has attested', async () => {
    const done = await signIn('mira', await keyOf('mira', true))
    const { claims } = await redeem(host, callbackOf(done))
    expect(claims.acr).to.equal(HARDWARE_PROTECTED_ACR)
    expect(claims.amr).to.deep.equal(['pwd', 'hwk', 'user', 'mfa'])
  })

  it('is not met by the same model without an attestation: its owner has to set up another one', async () => {
    const left = await signIn('noor', await keyOf('noor', false))
    expect(left.name).to.equal('passkey-enrol')
  })

  it('is met by the key of an earlier passkey that is set up once more, and the earlier one goes on to work', async () => {
    const earlier = await keyOf('pia', false)
    const client = new HttpClient()
    const asked = await showPassword(host, client, 'pia', { claims: ESSENTIAL })
    const credential = earlier.get(optionsOf(asked))
    const setUp = await follow(host, client, await client.submit(asked, { credential }))
    const options = optionsOf(setUp)
    const { user, excludeCredentials } = JSON.parse(options) as {
      user: { id: string }
      excludeCredentials: readonly unknown[]
    }
    expect(excludeCredentials).to.deep.equal([])
    // A key has one passkey for each handle: with the handle of the earlier one it would replace it.
    expect(user.id).not.to.equal(earlier.userHandle)
    const again = new SoftAuthenticator({ origin: new URL(host.issuer).origin, aaguid: MODEL })
    const attested = again.attested(options, leaf.privateKey, [leaf.der])
    const done = await follow(host, client, await client.submit(setUp, { credential: attested }))
    const { claims } = await redeem(host, callbackOf(done))
    expect(claims.acr).to.equal(HARDWARE_PROTECTED_ACR)
    const other = new HttpClient()
    const page = await showPassword(host, other, 'pia')
    const answer = earlier.get(optionsOf(page))
    await redeem(
      host,
      callbackOf(await follow(host, other, await other.submit(page, { credential: answer }))),
    )
  })

  it('is in the discovery document where a passkey can meet it, and only there', async () => {
    const levelsOf = async ({ issuer }: Host): Promise<readonly string[]> => {
      const found = await fetch(`${issuer}/.well-known/openid-configuration`)
      return ((await found.json()) as { acr_values_supported: string[] }).acr_values_supported
    }
    expect(await levelsOf(host)).to.include(HARDWARE_PROTECTED_ACR)
    const without = await startHost({
      hostname: 'localhost',
      mfa: { factors: [passkeys(), totp(), backupCodes()] },
    })
    try {
      expect(await levelsOf(without)).not.to.include(HARDWARE_PROTECTED_ACR)
    } finally {
      await without.close()
    }
  })
})
