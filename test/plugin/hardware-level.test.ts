import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import {
  backupCodes,
  HARDWARE_PROTECTED_ACR,
  PHISHING_RESISTANT_ACR,
  totp,
  type MfaOptions,
} from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { authorizeUrl, callbackOf, CLIENT, follow, redeem, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { signedInSessions } from './recorded-storage.ts'

const CERTIFIED = 'ee882879-721c-4913-9775-3dfcce97072a'
const RULES = [{ name: 'hardware', when: {}, require: HARDWARE_PROTECTED_ACR }]
const essential = (value: string): Record<string, string> => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
})

/** Passkeys of which one model counts as certified hardware, as if its maker had vouched for it. */
function certifiedPasskeys(): MfaOptions['factors'][number] {
  const own = passkeys()
  const models = new Map<string, string>()
  const hardware = (aaguid: string | undefined) =>
    aaguid === CERTIFIED ? ({ hardware: true } as const) : {}
  return {
    ...own,
    strength: { ...own.strength!, hardware: true },
    strengthOf: ({ aaguid }: { aaguid: string }) => ({ ...own.strength!, ...hardware(aaguid) }),
    async confirmEnrolment(...given: Parameters<NonNullable<typeof own.confirmEnrolment>>) {
      const confirmed = await own.confirmEnrolment!(...given)
      if (confirmed === undefined) return undefined
      const assurance = { ...confirmed.assurance, ...hardware(confirmed.state.aaguid) }
      return { ...confirmed, assurance }
    },
    async examine(input: Parameters<typeof own.examine>[0]) {
      const examined = await own.examine(input)
      if (examined.outcome === 'refused') return examined
      const { authenticatorId, proof } = examined
      const owned = input.states.find((one) => one.authenticatorId === authenticatorId)
      models.set(proof.challenge, owned!.state.aaguid)
      return examined
    },
    assurance: (proof: Parameters<typeof own.assurance>[0]) => ({
      ...own.assurance(proof),
      ...hardware(models.get(proof.challenge)),
    }),
  }
}

describe('R45 the level for a key in hardware', () => {
  let site: PasskeyHost
  let soft: SoftAuthenticator
  let hard: SoftAuthenticator
  let browser: HttpClient

  beforeEach(async () => {
    site = await startPasskeyHost({
      factors: [certifiedPasskeys(), totp(), backupCodes()],
      require: false,
      manage: { clients: [CLIENT.client_id] },
    })
    const { origin } = new URL(site.host.issuer)
    soft = new SoftAuthenticator({ origin })
    hard = new SoftAuthenticator({ origin, aaguid: CERTIFIED })
    browser = new HttpClient()
  })
  afterEach(() => site.host.close())

  const follows = (page: Page): Promise<Page> => follow(site.host, browser, page)
  const show = (parameters: Record<string, string> = {}): Promise<Page> =>
    showPassword(site.host, browser, 'mira', parameters)
  const send = async (page: Page, credential: string): Promise<Page> =>
    follows(await browser.submit(page, { credential }))
  const claimsOf = async (page: Page): Promise<Record<string, unknown>> =>
    (await redeem(site.host, callbackOf(page))).claims
  const allowed = (page: Page): string[] => {
    const { allowCredentials } = JSON.parse(optionsOf(page)) as {
      allowCredentials: readonly { id: string }[]
    }
    return allowCredentials.map(({ id }) => id)
  }
  const enrol = async (...keys: readonly SoftAuthenticator[]): Promise<void> => {
    site.host.mfa.setPolicy({ rules: [{ name: 'all', when: {}, require: 'multi-factor' }] })
    const [first, ...others] = keys
    await site.enrol('mira', first!)
    for (const key of others) {
      const verify = await show({ mfa_action: 'add:passkey', prompt: 'login' })
      const setUp = await send(verify, first!.get(optionsOf(verify)))
      await send(setUp, key.create(optionsOf(setUp)))
    }
    await site.host.mfa.settled()
    site.host.mfa.setPolicy({ rules: RULES })
    browser = new HttpClient()
    site.host.writes.length = 0
  }

  it('is advertised where a factor can tell hardware, and not where none can', async () => {
    const levels = async (of: PasskeyHost): Promise<unknown> => {
      const { body } = await new HttpClient().get(
        `${of.host.issuer}/.well-known/openid-configuration`,
      )
      return (JSON.parse(body) as Record<string, unknown>)['acr_values_supported']
    }
    expect(await levels(site)).to.include.members([PHISHING_RESISTANT_ACR, HARDWARE_PROTECTED_ACR])
    const plain = await startPasskeyHost()
    expect(await levels(plain)).to.include(PHISHING_RESISTANT_ACR)
    expect(await levels(plain)).not.to.include(HARDWARE_PROTECTED_ACR)
    expect(() => plain.host.mfa.setPolicy({ rules: RULES })).to.throw('can never be met')
    await plain.host.close()
  })

  it('is asked of the passkey in hardware alone, and another one is refused', async () => {
    await enrol(soft, hard)
    const page = await show()
    expect(page.body).to.include('data-hardware')
    expect(allowed(page)).to.deep.equal([hard.credentialId])
    const refused = await send(page, soft.get(optionsOf(page)))
    expect(refused.status).to.equal(422)
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
    expect(allowed(refused)).to.deep.equal([hard.credentialId])
    const back = await send(refused, hard.get(optionsOf(refused)))
    expect((await claimsOf(back)).acr).to.equal(HARDWARE_PROTECTED_ACR)
  })

  it('is asked after a sign-in with another passkey alone', async () => {
    await enrol(soft, hard)
    const { client, options, answer } = await site.open()
    const page = await follow(site.host, client, await answer(soft.get(options)))
    expect(allowed(page)).to.deep.equal([hard.credentialId])
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
    const credential = hard.get(optionsOf(page))
    const back = await follow(site.host, client, await client.submit(page, { credential }))
    expect((await claimsOf(back)).acr).to.equal(HARDWARE_PROTECTED_ACR)
  })

  it('makes a person without such a passkey set one up, after the one that they have', async () => {
    await enrol(soft)
    const verify = await show()
    expect(allowed(verify)).to.deep.equal([soft.credentialId])
    expect(verify.body).not.to.include('data-hardware')
    const setUp = await send(verify, soft.get(optionsOf(verify)))
    expect(setUp.name).to.equal('passkey-enrol')
    expect(setUp.body).to.include('data-hardware')
    const other = new SoftAuthenticator({ origin: new URL(site.host.issuer).origin })
    const refused = await send(setUp, other.create(optionsOf(setUp)))
    expect(refused.status).to.equal(422)
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
    const back = await send(refused, hard.create(optionsOf(refused)))
    expect((await claimsOf(back)).acr).to.equal(HARDWARE_PROTECTED_ACR)
  })

  it('makes a person without a factor set up a passkey in hardware', async () => {
    site.host.mfa.setPolicy({ rules: RULES })
    const setUp = await show()
    expect(setUp.name).to.equal('passkey-enrol')
    const refused = await send(setUp, soft.create(optionsOf(setUp)))
    expect(refused.status).to.equal(422)
    const codes = await send(refused, hard.create(optionsOf(refused)))
    const back = await follows(await browser.submit(codes, { saved: 'yes' }))
    expect((await claimsOf(back)).acr).to.equal(HARDWARE_PROTECTED_ACR)
  })

  it('answers a request by the level that it names, and is asked for in a step-up', async () => {
    await enrol(soft, hard)
    site.host.mfa.setPolicy({ rules: [] })
    const first = await show()
    expect(allowed(first)).to.have.members([soft.credentialId, hard.credentialId])
    const back = await send(first, soft.get(optionsOf(first)))
    expect((await claimsOf(back)).acr).to.equal(PHISHING_RESISTANT_ACR)
    const again = async (acr: string): Promise<Page> =>
      follows(await browser.get(authorizeUrl(site.host, essential(acr))))
    const stepUp = await again(HARDWARE_PROTECTED_ACR)
    expect(allowed(stepUp)).to.deep.equal([hard.credentialId])
    const raised = await send(stepUp, hard.get(optionsOf(stepUp)))
    expect((await claimsOf(raised)).acr).to.equal(HARDWARE_PROTECTED_ACR)
    expect((await claimsOf(await again(PHISHING_RESISTANT_ACR))).acr).to.equal(
      PHISHING_RESISTANT_ACR,
    )
    // Another passkey that is shown later takes nothing away.
    const fresh = await follows(await browser.get(authorizeUrl(site.host, { prompt: 'mfa' })))
    await send(fresh, soft.get(optionsOf(fresh)))
    expect((await claimsOf(await again(HARDWARE_PROTECTED_ACR))).acr).to.equal(
      HARDWARE_PROTECTED_ACR,
    )
  })
})
