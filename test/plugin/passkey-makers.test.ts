import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, PHISHING_RESISTANT_ACR, totp } from '../../src/index.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'
import { enrolPasskey } from './passkey-sign-in.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const ROOT = makeCertificate({ name: 'Acme Root', isCa: true })
const NARROW = passkeys({ attestation: 'direct', trustRoots: [ROOT.pem], allow: [MODEL] })
const RULES = [{ name: 'keys', when: {}, require: PHISHING_RESISTANT_ACR }]

describe('a passkey whose maker is no longer allowed', () => {
  let host: Host
  let current: typeof NARROW
  let key: SoftAuthenticator
  let secret: string
  afterEach(() => host.close())

  const code = (): string => totpCode({ secret }, (host.clock.at += 30))

  /** A person with a passkey and, if `hasApp`, an authenticator app. The server is then started with other options. */
  const begin = async (hasApp = false): Promise<void> => {
    current = passkeys()
    // The members of the factor that are asked later are all that can tell another start.
    const factor: typeof NARROW = {
      ...current,
      describeVerification: (...given) => current.describeVerification!(...given),
      examine: (given) => current.examine(given),
      isUsable: (...given) => current.isUsable!(...given),
    }
    host = await startHost({
      hostname: 'localhost',
      mfa: {
        factors: [factor, totp(), backupCodes()],
        manage: { clients: ['app'] },
        recovery: true,
        youngSeconds: 0,
        sendMail: async () => undefined,
        describe: ({ accountId }) => ({
          label: accountId,
          addresses: [{ address: 'mira@example.com', verifiedAt: 1 }],
        }),
      },
    })
    key = new SoftAuthenticator({ origin: new URL(host.issuer).origin, aaguid: MODEL })
    await enrolPasskey(host, new HttpClient(), key)
    if (!hasApp) return
    const client = new HttpClient()
    const verify = await showPassword(host, client, 'mira', { mfa_action: 'add:totp' })
    const credential = key.get(optionsOf(verify))
    const setUp = await follow(host, client, await client.submit(verify, { credential }))
    secret = secretOf(setUp)
    await follow(host, client, await client.submit(setUp, { code: code() }))
  }

  it('is not offered, and the page leads to the other ways', async () => {
    await begin()
    const later = new HttpClient()
    const offered = await showPassword(host, later, 'mira', { prompt: 'login' })
    const answer = key.get(optionsOf(offered))
    current = NARROW
    const refused = await later.submit(offered, { credential: answer })
    expect(refused.status).to.equal(422)
    const asked = await showPassword(host, new HttpClient(), 'mira')
    for (const each of [refused, asked]) {
      expect(each.name).to.equal('passkey-verify')
      expect(each.body).to.include('data-passkey-maker')
      expect(each.body).to.include('data-other-way').and.not.include('data-passkey-options')
    }
  })

  it('R10 leads under a rule for a passkey to a recovery, and to no set-up by the password', async () => {
    await begin()
    host.mfa.setPolicy({ rules: RULES })
    current = NARROW
    const client = new HttpClient()
    const page = await showPassword(host, client, 'mira')
    expect(page.name).to.equal('passkey-verify')
    expect(page.body).to.include('data-passkey-maker')
    const recovery = await client.get(page.link('[data-lost]'))
    expect(recovery.status).to.equal(200)
    expect(recovery.name).to.match(/^recovery/)
    const enrol = page.url.href.replace(/\/verify\/.*/, '/enrol/passkey')
    expect((await follow(host, client, await client.get(enrol))).name).to.equal('passkey-verify')
  })

  it('R11 makes a person with an app set up another passkey, after a code', async () => {
    await begin(true)
    host.mfa.setPolicy({ rules: RULES })
    current = NARROW
    const client = new HttpClient()
    const first = await showPassword(host, client, 'mira')
    const page =
      first.name === 'totp-verify'
        ? first
        : await follow(
            host,
            client,
            await client.submit(await client.get(first.link('[data-other-way]')), {
              factor: 'totp',
            }),
          )
    const setUp = await follow(host, client, await client.submit(page, { code: code() }))
    expect(setUp.name).to.equal('passkey-enrol')
    const other = new SoftAuthenticator({ origin: new URL(host.issuer).origin })
    const credential = other.create(optionsOf(setUp))
    const back = await follow(host, client, await client.submit(setUp, { credential }))
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(PHISHING_RESISTANT_ACR)
  })

  const factorsOf = async () => (await host.mfa.accounts.status('mira')).factors
  const idOf = async (factor: string): Promise<string> =>
    (await factorsOf()).find((one) => one.factor === factor)!.id

  it('R11 does not let the app beside it be removed: nothing would be left to sign in with', async () => {
    await begin(true)
    current = NARROW
    const app = await idOf('totp')
    const refused = await showPassword(host, new HttpClient(), 'mira', {
      mfa_action: `remove:${app}`,
    })
    expect(refused.status).to.equal(403)
    expect(refused.name).to.equal('factor-remove-refused')
  })

  it('R11 is itself removed beside an app', async () => {
    await begin(true)
    current = NARROW
    const client = new HttpClient()
    const mfa_action = `remove:${await idOf('passkey')}`
    const asked = await showPassword(host, client, 'mira', { mfa_action })
    const page =
      asked.name === 'totp-verify'
        ? asked
        : await follow(
            host,
            client,
            await client.submit(await client.get(asked.link('[data-other-way]')), {
              factor: 'totp',
            }),
          )
    const remove = await follow(host, client, await client.submit(page, { code: code() }))
    expect(remove.name).to.equal('factor-remove')
    await follow(host, client, await client.submit(remove))
    expect((await factorsOf()).map(({ factor }) => factor)).to.deep.equal(['backup-codes', 'totp'])
  })

  it('R36 does not stay alone when the app is reset: the next sign-in sets up a factor', async () => {
    await begin(true)
    current = NARROW
    await host.mfa.accounts.reset('mira', { factor: 'totp' })
    expect(await factorsOf()).to.deep.equal([])
  })
})
