import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import {
  firstFactorOf,
  newBrowser,
  passwordLoginOf,
  proofsOf,
  withoutResult,
  withResult,
  writeFirstFactor,
  writeFirstFactorAgain,
  writeLoginRequired,
  writeMultiFactorLogin,
  writeNothing,
  writePasswordLogin,
  writeRefusal,
  type Subject,
} from '../../interactions/result.ts'
import { parseFirstFactor, parseLogin } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { newRecord, type AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { DEFAULT_LEVELS, MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { NO_MEASURES, type SignInStep } from '../../src/ports/measures.ts'
import type { Interaction } from '../../src/host/interaction.ts'

const CID = 'the-authorization'
const NOW = 1_700_000_100
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const mira: Subject = { accountId: 'mira', amr: ['pwd'], ts: 1_700_000_000, epoch: 3 }

const record = newRecord('mira')

const steps: SignInStep[] = []
const measures = { ...NO_MEASURES, step: (step: SignInStep) => void steps.push(step) }

function coreAt(issuer: string): Core {
  const deps = { box, clock: { now: () => NOW }, measures }
  const policy = { levels: DEFAULT_LEVELS }
  return { deps, policy, sessionSeconds: 86_400, provider: { issuer } } as unknown as Core
}
const core = coreAt('http://op.example')

type Results = Record<string, unknown>

/** An interaction whose earlier pages were answered with `lastSubmission`; `stored` is what was persisted last. */
function interactionWith(lastSubmission?: Results, result?: Results) {
  const stored: Results[] = []
  const interaction = {
    cid: CID,
    returnTo: 'http://op.example/auth/the-interaction?x=1',
    lastSubmission,
    result,
    persist: async () =>
      void stored.push(JSON.parse(JSON.stringify(interaction.result)) as Results),
  }
  return { stored, interaction: interaction as unknown as Interaction }
}

/** The answers of a sign-in that was complete before its account changed. */
const EARLIER = {
  login: passwordLoginOf(core, CID, mira) as { login: object },
  mfa: { factor: 'totp', at: 1 },
}

describe('R17 the result of a first factor', () => {
  it('has a seal for its authorization, and the time of the answer', () => {
    const { firstFactor } = firstFactorOf(core, CID, mira) as { firstFactor: object }
    expect(firstFactor).to.deep.include({ ...mira, answeredAt: NOW })
    expect(parseFirstFactor(box, CID, firstFactor)).to.deep.equal(firstFactor)
    const early = firstFactorOf(core, CID, mira, NOW - 60) as { firstFactor: object }
    expect(early.firstFactor).to.have.property('answeredAt', NOW - 60)
  })

  it('keeps no login of an earlier step, which the host would apply again', async () => {
    const { interaction, stored } = interactionWith(EARLIER)
    await writeFirstFactor(core, interaction, { ...mira, accountId: 'noor' }, { note: 1 })
    expect(stored).to.have.length(1)
    expect(stored[0]).not.to.have.property('login')
    expect(stored[0]).to.have.nested.property('firstFactor.accountId', 'noor')
    expect(stored[0]).to.include({ note: 1 }).and.to.have.property('mfa')
  })

  it('takes no first factor and no login from the other results of the login page', async () => {
    const { interaction, stored } = interactionWith()
    const rest = { firstFactor: { accountId: 'eve' }, login: { accountId: 'eve' } }
    await writeFirstFactor(core, interaction, mira, rest)
    expect(JSON.stringify(stored)).not.to.contain('eve')
  })
})

describe('R17 the result of a login', () => {
  it('of the password alone says so, and ends the pending first factor', async () => {
    const { interaction, stored } = interactionWith({ firstFactor: { accountId: 'mira' } })
    const subject = { ...mira, amr: ['pwd', 'mfa'] }
    await writePasswordLogin(core, interaction, { subject, record }, { note: 1 })
    expect(stored[0]).to.include({ firstFactor: null, note: 1 })
    const login = parseLogin(box, CID, stored[0]?.['login'])
    expect(login).to.include({ accountId: 'mira', acr: PASSWORD_ACR, ts: mira.ts, epoch: 3 })
    expect(login?.amr).to.deep.equal(['pwd'])
  })

  const accepted = {
    factor: 'totp',
    at: NOW,
    epoch: 4,
    assurance: { amr: ['otp'], kinds: ['possession'], phishingResistant: false },
  } as unknown as AcceptedAttempt

  it('of both factors has their level, and the epoch in which the second one was accepted', async () => {
    const { interaction, stored } = interactionWith({ firstFactor: {}, note: 1 })
    await writeMultiFactorLogin(core, interaction, mira, { accepted, record })
    expect(stored[0]).to.deep.include({
      firstFactor: null,
      note: 1,
      mfa: { factor: 'totp', at: NOW, since: mira.ts },
    })
    const login = parseLogin(box, CID, stored[0]?.['login'])
    expect(login).to.include({ acr: MULTI_FACTOR_ACR, ts: mira.ts, epoch: 4 })
    expect(login?.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('R25 of a step-up begins with its factor, and that of a sign-in with the first one', async () => {
    const sinceOf = async (subject: Subject): Promise<unknown> => {
      const { interaction, stored } = interactionWith()
      await writeMultiFactorLogin(core, interaction, subject, { accepted, record })
      return (stored[0]?.['mfa'] as { since?: number }).since
    }
    const proofs = proofsOf(mira)
    expect(await sinceOf({ ...mira, proofs })).to.equal(NOW)
    // The proofs of a sign-in that has asked for one more factor.
    expect(await sinceOf({ ...mira, proofs, answeredAt: mira.ts })).to.equal(mira.ts)
    expect(await sinceOf({ ...mira, isEarlier: true })).to.equal(NOW)
  })

  it('counts the end of a sign-in with its factor, once it is stored', async () => {
    steps.length = 0
    const { interaction } = interactionWith()
    await writePasswordLogin(core, interaction, { subject: mira, record }, {})
    await writeMultiFactorLogin(core, interaction, mira, { accepted, record })
    const broken = { ...interaction, persist: () => Promise.reject(new Error('away')) }
    const away = writePasswordLogin(
      core,
      broken as unknown as Interaction,
      { subject: mira, record },
      {},
    )
    await away.catch(() => undefined)
    expect(steps).to.deep.equal([
      { step: 'sign-in', outcome: 'accepted' },
      { step: 'sign-in', factor: 'totp', outcome: 'accepted' },
    ])
  })

  it('R26 of two factors of one kind has the level of one', async () => {
    const { interaction, stored } = interactionWith()
    await writeMultiFactorLogin(core, interaction, { ...mira, amr: ['otp'] }, { accepted, record })
    const login = parseLogin(box, CID, stored[0]?.['login'])
    expect(login).to.include({ acr: PASSWORD_ACR })
    expect(login?.amr).not.to.include('mfa')
  })

  it('R11 answers no prompt for a factor where the proof is for the sign-in alone', async () => {
    const { interaction, stored } = interactionWith()
    await writeMultiFactorLogin(core, interaction, mira, {
      accepted,
      record,
      answersMfa: false,
    })
    expect(stored[0]).to.have.property('login')
    expect(stored[0]).not.to.have.property('mfa')
  })

  it('keeps `remember`, and the members of the application under those of the plugin', () => {
    const extra = { tenant: 'a', acr: 'forged', seal: 'forged' }
    const { login } = passwordLoginOf(core, CID, { ...mira, remember: false, extra }) as {
      login: object
    }
    expect(login).to.include({ tenant: 'a', remember: false, acr: PASSWORD_ACR })
    expect(parseLogin(box, CID, login)).to.deep.equal(login)
    const plain = passwordLoginOf(core, CID, mira) as { login: object }
    expect(plain.login).not.to.have.property('remember')
  })
})

describe('a result that signs nobody in', () => {
  it('R17 has the first factor asked for again, and keeps no proof of this authorization', async () => {
    const { interaction, stored } = interactionWith({ ...EARLIER, firstFactor: { x: 1 }, note: 1 })
    await writeFirstFactorAgain(core, interaction)
    expect(stored).to.deep.equal([{ firstFactor: false, note: 1 }])
  })

  it('leaves out what earlier pages were answered with', async () => {
    for (const [write, result] of [
      [writeNothing, {}],
      [writeRefusal, { error: 'access_denied', error_description: 'End-User aborted interaction' }],
      [writeLoginRequired, { error: 'login_required', error_description: 'max_age has passed' }],
    ] as const) {
      const { interaction, stored } = interactionWith(EARLIER)
      await write(core, interaction)
      expect(stored).to.deep.equal([result])
    }
  })

  it('may be a value kept with the interaction, beside the earlier answers', async () => {
    const { interaction, stored } = interactionWith({ a: 1, b: 1 }, { b: 2 })
    await withResult(interaction, 'c', 3)
    await withoutResult(interaction, 'a')
    expect(stored).to.deep.equal([
      { a: 1, b: 2, c: 3 },
      { b: 2, c: 3 },
    ])
  })
})

describe('the address at which the host goes on', () => {
  it('is the one that the host has made', async () => {
    const { interaction } = interactionWith()
    for (const issuer of ['http://op.example', 'http://another.example'])
      expect(await writeNothing(coreAt(issuer), interaction)).to.equal(
        'http://op.example/auth/the-interaction?x=1',
      )
  })

  it('is at the issuer where that has TLS and the request had none', async () => {
    const { interaction } = interactionWith()
    expect(await writeNothing(coreAt('https://id.example/op'), interaction)).to.equal(
      'https://id.example/auth/the-interaction?x=1',
    )
  })
})

describe('the facts of a sign-in before its second step', () => {
  it('are the first factor, or no proof where its page names no method', () => {
    expect(proofsOf(mira)).to.have.length(1)
    expect(proofsOf({ ...mira, amr: [] })).to.deep.equal([])
  })

  it('keep for which account the browser was new', () => {
    expect(newBrowser('mira', false)).to.deep.equal({ mfaNewBrowser: 'mira' })
    expect(newBrowser('mira', true)).to.deep.equal({})
  })
})
