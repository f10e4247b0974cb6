import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { openVisit, passedOrNot, pathOf, redirect } from '../../interactions/mfa/visit.ts'
import { recordedName } from '../../interactions/place.ts'
import { sealFirstFactor } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { withEpoch } from '../../src/host/session.ts'
import { NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'
import { firstProof } from '../../src/domain/policy/session-proofs.ts'

const CID = 'the-authorization'
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const FIRST = { accountId: 'mira', amr: ['pwd'], ts: NOW - 60, answeredAt: NOW - 60, epoch: 3 }
const SESSION = { accountId: 'mira', acr: 'x', amr: ['pwd', 'otp'], loginTs: NOW - 600 }

interface Given {
  readonly uid?: string
  readonly prompt?: string
  readonly firstFactor?: unknown
  readonly session?: object
  readonly record?: Partial<MfaRecord>
  readonly params?: object
  readonly now?: number
}

function open(given: Given = {}) {
  const { uid = 'uid', prompt = 'mfa', session, params = {}, now = NOW } = given
  const record = { ...newRecord('mira'), epoch: 3, ...given.record }
  const interaction = {
    uid: 'uid',
    cid: CID,
    params,
    prompt: { name: prompt, details: { mfa: { label: 'mira' } } },
    lastSubmission: 'firstFactor' in given ? { firstFactor: given.firstFactor } : undefined,
    session: session === undefined ? undefined : { uid: 'session' },
  }
  const core = {
    ...corePolicy,
    deps: { box, clock: { now: () => now } },
    path: '/mfa',
    provider: {
      issuer: 'http://op.example',
      interactionDetails: async () => interaction,
      Session: { findByUid: async () => session },
    },
    record: async (_: unknown, accountId: string) => ({
      record: { ...record, accountId },
      version: 1,
    }),
    views: { localeFor: ({ uiLocales }: { uiLocales?: string }) => uiLocales ?? 'en' },
  } as unknown as Core
  const ctx = { req: { headers: {} }, headers: {}, res: {}, ip: '192.0.2.1' }
  return openVisit(core, ctx as never, uid)
}
const refusal = async (given: Given): Promise<unknown> =>
  open(given).then(
    () => undefined,
    ({ code, status }: { code: string; status: number }) => [code, status],
  )
const EXPIRED = ['interaction-expired', 410]
const sealed = (changes: object = {}) => sealFirstFactor(box, CID, { ...FIRST, ...changes })

describe('a visit to a page of the second factor', () => {
  it('is of the interaction in its address, and of its prompt', async () => {
    const visit = await open({ firstFactor: sealed(), params: { ui_locales: 'fr' } })
    expect(visit.details).to.deep.equal({ label: 'mira' })
    expect(visit.locale).to.equal('fr')
    expect(visit.place).to.deep.include({ accountId: 'mira', epoch: 3 })
    expect(visit.place.detail).to.include({ ip: '192.0.2.1' })
    expect(pathOf(visit, 'a', 'b')).to.equal('/mfa/uid/a/b')
    expect(await refusal({ firstFactor: sealed(), uid: 'another' })).to.deep.equal(EXPIRED)
    expect(await refusal({ firstFactor: sealed(), prompt: 'login' })).to.deep.equal([
      'wrong-prompt',
      410,
    ])
  })

  it('R17 is of the person who showed the first factor, while that counts', async () => {
    const { subject, stepUp, seen } = await open({ firstFactor: sealed(), session: SESSION })
    expect(subject).to.deep.include(FIRST)
    expect([stepUp, seen.version]).to.deep.equal([false, 1])
    for (const given of [
      { firstFactor: {} },
      { firstFactor: false },
      { firstFactor: { ...sealed(), accountId: 'eve' } },
      { firstFactor: sealed(), now: NOW + 540 },
      { firstFactor: sealed(), record: { epoch: 4 } },
    ])
      expect(await refusal({ session: SESSION, ...given })).to.deep.equal(EXPIRED)
  })

  it('goes on under the epoch that an enrolment of this interaction has raised', async () => {
    const attempt = (interaction: string) =>
      ({ interaction, factor: 'totp', at: NOW, epoch: 4 }) as never
    const own = attempt(recordedName({ uid: 'uid' }))
    const visit = await open({
      firstFactor: sealed(),
      record: { epoch: 4, accepted: [attempt('another'), own] },
    })
    expect(visit.subject.epoch).to.equal(3)
    const other = { epoch: 4, accepted: [attempt('another')] }
    expect(await refusal({ firstFactor: sealed(), record: other })).to.deep.equal(EXPIRED)
  })

  it('is of the person of the session where no first factor was shown', async () => {
    for (const firstFactor of [undefined, null]) {
      const { subject, stepUp } = await open({ firstFactor, session: withEpoch(SESSION, 3) })
      expect(stepUp).to.equal(true)
      expect(subject).to.deep.equal({
        accountId: 'mira',
        amr: ['pwd', 'otp'],
        ts: NOW - 600,
        epoch: 3,
        proofs: [firstProof(['pwd'], NOW - 600)],
      })
    }
    const proofs = [firstProof(['pwd'], NOW - 500)]
    const kept = { ...withEpoch(SESSION, 3), mfaProofs: { accountId: 'mira', proofs } }
    expect((await open({ session: kept })).subject).to.deep.include({ proofs })
    const { amr: _, ...before } = SESSION
    const transient = await open({ session: { ...before, transient: true } })
    expect(transient.subject).to.deep.equal({
      accountId: 'mira',
      amr: ['pwd'],
      ts: NOW - 600,
      epoch: 1,
      remember: false,
      proofs: [firstProof(['pwd'], NOW - 600)],
    })
    expect(await refusal({})).to.deep.equal(EXPIRED)
    expect(await refusal({ session: {} })).to.deep.equal(EXPIRED)
  })

  it('has passed where this interaction has an accepted attempt', async () => {
    const attempt = (uid: string) =>
      ({ interaction: recordedName({ uid }), factor: 'totp', at: NOW, epoch: 3 }) as never
    const passedWith = async (uid: string) =>
      passedOrNot(await open({ firstFactor: sealed(), record: { accepted: [attempt(uid)] } }))
    expect(await passedWith('another')).to.equal(undefined)
    expect(await passedWith('uid')).to.deep.equal(attempt('uid'))
  })

  it('R22 leads on by 303, and is not stored', () => {
    const headers: Record<string, string> = {}
    const ctx = {
      status: 302,
      location: '',
      set: (name: string, value: string) => (headers[name] = value),
      redirect: (to: string) => (ctx.location = to),
    }
    redirect({ ctx } as never, '/next')
    expect([ctx.status, ctx.location, headers]).to.deep.equal([
      303,
      '/next',
      { 'Cache-Control': 'no-store' },
    ])
  })
})
