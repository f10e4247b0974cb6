import { expect } from 'chai'
import { errors } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { decideFor, isWishMissed, mfaPrompt } from '../../interactions/mfa/prompt.ts'
import { OFFER } from '../../interactions/step-up-offer.ts'
import { sealFirstFactor } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { importRules } from '../../src/import/rules.ts'
import { enrolled, NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const CID = 'the-authorization'
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const CLIENT = { clientId: 'app', clientName: 'Fieldnotes' }

interface Given {
  readonly record?: MfaRecord
  /** Noor has just shown the first factor; otherwise mira has a session. */
  readonly pending?: boolean
  readonly sessionAcr?: string
  readonly params?: object
  readonly results?: object
  readonly prompts?: readonly string[]
  readonly route?: string
  /** The answer of the application's rule. */
  readonly required?: boolean
  readonly rule?: string
  readonly address?: string
  readonly client?: object
  readonly manages?: boolean
}

function requestWith(given: Given = {}) {
  const { record = newRecord('mira'), pending = false, params = {}, prompts = [] } = given
  const asked: Record<string, unknown>[] = []
  const core = {
    ...corePolicy,
    deps: {
      box,
      clock: { now: () => NOW },
      rules: importRules,
      factors: new Map([['totp', { enrolment: 'confirmed' }]]),
      measures: { told: () => undefined },
      random: { bytes: (length: number) => new Uint8Array(length) },
      publish: async () => undefined,
    },
    views: { localeFor: () => 'en' },
    taken: { firstFactorPrompts: new Set(['login']) },
    provider: { issuer: 'http://op.example' },
    serviceName: 'Acme',
    issuerName: 'Acme Ltd',
    record: async (_: unknown, accountId: string) => ({ record: { ...record, accountId } }),
    account: async (_: unknown, accountId: string) => ({ accountId }),
    demands: async (question: object) => {
      asked.push({ requires: question })
      return given.required === true ? [{}] : []
    },
    firstEnrolmentRule: async (question: object) => {
      asked.push({ rule: question })
      return given.rule ?? 'allowed'
    },
    describe: async ({ accountId }: { accountId: string }) => ({
      label: `${accountId}!`,
      ...(given.address && { address: given.address }),
    }),
    mayManage: async () => given.manages ?? false,
  } as unknown as Core
  const firstFactor = sealFirstFactor(box, CID, {
    accountId: 'noor',
    amr: ['pwd'],
    ts: NOW,
    answeredAt: NOW,
    epoch: record.epoch,
  })
  const ctx = {
    req: { headers: {} },
    oidc: {
      params,
      route: given.route ?? 'authorization',
      client: given.client ?? CLIENT,
      entities: { Interaction: { cid: CID } },
      session: { loginTs: NOW, accountId: 'mira', acr: given.sessionAcr },
      result: { ...(pending && { firstFactor }), ...given.results },
      provider: { Grant: class {} },
      promptPending: (name: string) => prompts.includes(name),
    },
  } as never
  return { core, ctx, asked }
}

/** Whether the prompt asks for a page. */
async function asks(given: Given = {}): Promise<unknown> {
  const { core, ctx } = requestWith(given)
  const check = [...mfaPrompt(core).checks].at(-1)
  return check?.check(ctx)
}
async function detailsOf(given: Given = {}) {
  const { core, ctx, asked } = requestWith(given)
  const { mfa } = (await mfaPrompt(core).details(ctx)) as { mfa: Record<string, unknown> }
  return { ...mfa, asked }
}
const errorOf = async (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
const essential = (value: string) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
})
const WISH = { acr_values: MULTI_FACTOR_ACR }

describe('the prompt for the second factor', () => {
  it('has a name that an app may ask for, and an error for an app that wants no page', () => {
    const prompt = mfaPrompt(requestWith().core)
    expect([prompt.name, prompt.requestable]).to.deep.equal(['mfa', true])
    expect([...prompt.checks].at(-1)).to.include({
      reason: 'second_factor_required',
      description: 'a second authentication factor is required',
      error: 'interaction_required',
    })
  })

  it('R17 asks while a first factor is pending, whatever the policy says', async () => {
    expect(await asks({ pending: true })).to.equal(true)
    expect(await asks()).to.equal(false)
  })

  it('asks where the policy or the app does, unless the session has the level', async () => {
    expect(await asks({ record: enrolled() })).to.equal(true)
    expect(await asks({ record: enrolled(), sessionAcr: MULTI_FACTOR_ACR })).to.equal(false)
    expect(await asks({ record: enrolled(), sessionAcr: 'urn:of-the-host' })).to.equal(true)
    expect(await asks({ required: true })).to.equal(true)
    const fresh = { record: enrolled(), sessionAcr: MULTI_FACTOR_ACR, prompts: ['mfa'] }
    expect(await asks(fresh)).to.equal(true)
  })

  it('R17 counts no session in the device flow, unless its factor was shown there', async () => {
    const given = { record: enrolled(), sessionAcr: MULTI_FACTOR_ACR }
    for (const route of ['code_verification', 'device_resume']) {
      expect(await asks({ ...given, route })).to.equal(true)
      expect(await asks({ ...given, route, results: { mfa: { at: NOW } } })).to.equal(false)
    }
  })

  it('R24 ends where no way of signing in leads to the level', async () => {
    for (const given of [
      { params: essential('urn:unknown') },
      { record: enrolled(), results: { mfa: {} } },
    ]) {
      const error = await errorOf(asks(given))
      expect(error)
        .to.be.instanceOf(errors.UnmetAuthenticationRequirements)
        .with.property('error_description', 'the requested ACR cannot be obtained')
    }
    expect(await asks({ pending: true, record: enrolled(), results: { mfa: {} } })).to.equal(true)
  })

  it('R11 asks for a change of what the account has, once', async () => {
    const given = { record: enrolled(), sessionAcr: MULTI_FACTOR_ACR }
    const id = given.record.authenticators[0]?.id ?? ''
    const change = (mfa_action: string) => ({ ...given, params: { mfa_action } })
    expect(await asks(change(`remove:${id}`))).to.equal(true)
    expect(await asks({ ...change(`remove:${id}`), results: { mfa: {} } })).to.equal(false)
    const error = await errorOf(asks(change('remove:gone')))
    expect(error)
      .to.be.instanceOf(errors.InvalidRequest)
      .with.property('error_description', 'mfa_action names nothing of this account')
  })

  it('asks for an offer where the app asked for a level that can be set up', async () => {
    const given = { params: WISH }
    expect(await asks(given)).to.equal(true)
    expect(await asks({ ...given, results: { [OFFER]: 'refused' } })).to.equal(false)
    expect(await asks({ ...given, prompts: ['none'] })).to.equal(false)
    for (const route of ['code_verification', 'device_resume'])
      expect(await asks({ ...given, route })).to.equal(false)
    expect(await asks({ params: { acr_values: PASSWORD_ACR } })).to.equal(false)
  })

  it('notes an answer below the level that was asked for', async () => {
    const isMissed = async (given: Given): Promise<boolean> => {
      const { core, ctx } = requestWith(given)
      await decideFor(core, ctx)
      return isWishMissed(ctx)
    }
    expect(await isMissed({ params: WISH })).to.equal(true)
    expect(await isMissed({ params: WISH, prompts: ['none'] })).to.equal(false)
    expect(await isMissed({ params: WISH, route: 'device_resume' })).to.equal(false)
    expect(await isMissed({})).to.equal(false)
  })

  it('decides once in a request, with the application’s rule for the account, the client and the request', async () => {
    const { core, ctx, asked } = requestWith({ params: { a: 1 } })
    expect(await decideFor(core, ctx)).to.equal(await decideFor(core, ctx))
    expect(asked).to.deep.equal([
      { requires: { account: { accountId: 'mira' }, client: CLIENT, params: { a: 1 } } },
    ])
  })
})

describe('what the pages of the second factor know', () => {
  it('is the person, the reason and the rule for a first factor', async () => {
    const params = { a: 1 }
    const { asked, ...details } = await detailsOf({ pending: true, params, required: true })
    expect(details).to.deep.equal({
      reason: 'policy',
      label: 'noor!',
      rule: 'allowed',
      firstSignIn: true,
      client: { name: 'Fieldnotes', ofIssuer: false },
    })
    const question = { account: { accountId: 'noor' }, client: CLIENT, params }
    expect(asked.at(-1)).to.deep.equal({ rule: { ...question, firstSignIn: true } })
    expect(await detailsOf({ required: true, address: 'm@example.com' })).to.include({
      address: 'm@example.com',
    })
  })

  it('is no rule for a person who has a factor', async () => {
    const details = await detailsOf({ record: enrolled() })
    expect(details).to.include({ rule: 'refused' })
    expect(details.asked).to.deep.equal([{ requires: details.asked[0]?.['requires'] }])
  })

  it('is the change that was asked for', async () => {
    const params = { mfa_action: 'add' }
    expect(await detailsOf({ params, record: enrolled() })).to.deep.include({
      reason: 'change',
      change: { kind: 'add' },
    })
    expect(await detailsOf({ params })).to.deep.include({ reason: 'chosen' })
    expect(await detailsOf({ record: enrolled() })).not.to.have.property('change')
  })

  it('is the reason of the policy', async () => {
    const app = await detailsOf({ params: essential(MULTI_FACTOR_ACR) })
    expect(app).to.have.property('reason').that.is.not.equal('policy')
  })

  it('is the offer that is due', async () => {
    expect(await detailsOf({ params: WISH })).to.deep.include({
      offer: { canSetUp: true, repeated: false },
    })
    expect(await detailsOf({ params: WISH, rule: 'refused' })).not.to.have.property('offer')
    // Another tab has answered it since the login page.
    const answered = { params: WISH, pending: true, results: { [OFFER]: 'refused' } }
    expect(await detailsOf(answered)).to.deep.include({
      offer: { canSetUp: true, repeated: false },
    })
    const inSession = { params: WISH, results: { [OFFER]: 'refused' } }
    expect(await detailsOf(inSession)).not.to.have.property('offer')
  })

  it('is whether the issuer itself asks: by its name, as an app that may manage factors', async () => {
    const isOfIssuer = async (given: Given): Promise<unknown> =>
      ((await detailsOf(given)) as { client?: { ofIssuer: boolean } }).client?.ofIssuer
    for (const clientName of ['Acme', 'Acme Ltd']) {
      const client = { ...CLIENT, clientName }
      expect(await isOfIssuer({ client, manages: true })).to.equal(true)
      expect(await isOfIssuer({ client })).to.equal(false)
    }
    expect(await isOfIssuer({ manages: true })).to.equal(false)
  })
})
