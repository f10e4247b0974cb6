import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { adoptLogin, adoptSignedIn } from '../../interactions/login/adopt.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { importRules } from '../../src/import/rules.ts'
import { enrolled, NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })

/** A plugin beside nodes without it. `client`: what the host finds for the client of the interaction. */
function coreWith(
  record: MfaRecord = enrolled(),
  client: () => Promise<unknown> = async () => undefined,
): Core {
  return {
    ...corePolicy,
    adopting: true,
    deps: { box, clock: { now: () => NOW }, rules: importRules, factors: new Map() },
    provider: { issuer: 'http://op.example', Client: { find: client } },
    record: async () => ({ record }),
  } as unknown as Core
}
const ctx = { req: { headers: {} }, res: {} } as never
const asked = { cid: 'the-authorization', iat: NOW - 60, params: { client_id: 'app' } }

const adopt = (core: Core, changes: object = {}, login: unknown = { accountId: 'mira' }) =>
  adoptLogin(core, ctx, { ...asked, ...changes }, login)

describe('R17 a login from a node without the plugin', () => {
  it('is a first factor for ten minutes from the beginning of its interaction', async () => {
    const result = await adopt(coreWith(), { iat: NOW - 599 })
    expect(result).to.have.nested.property('firstFactor.answeredAt', NOW - 599)
    expect(await adopt(coreWith(), { iat: NOW - 600 })).to.equal(undefined)
    expect(await adopt(coreWith(), { iat: undefined })).to.have.nested.property(
      'firstFactor.answeredAt',
      NOW,
    )
  })

  it('counts for nothing in an interaction that no authorization has made', async () => {
    expect(await adopt(coreWith(), { cid: undefined })).to.equal(undefined)
  })

  it('counts for nothing with a fault', async () => {
    for (const login of [null, {}, { accountId: 7 }, { accountId: 'mira', amr: 'pwd' }])
      expect(await adopt(coreWith(), {}, login)).to.equal(undefined)
  })

  it('counts for nothing where its client or its account is gone', async () => {
    expect(await adopt(coreWith(newRecord('mira')))).to.equal(undefined)
  })

  it('R17 R25 is no new login for a device that asks for one, where it names an earlier time', async () => {
    const core = coreWith(newRecord('mira'))
    const codes: string[] = []
    const DeviceCode = {
      find: async (id: string) => {
        codes.push(id)
        return { params: { prompt: 'login' } }
      },
    }
    Object.assign(core.provider as object, { DeviceCode })
    const login = { accountId: 'mira', ts: asked.iat - 31 }
    const result = await adopt(core, { deviceCode: 'of-the-device' }, login)
    expect(result?.login).to.equal(undefined)
    expect(result).to.have.nested.property('firstFactor.isEarlier', true)
    expect(codes).to.deep.equal(['of-the-device'])
  })

  it('is no answer where the storage is away', async () => {
    for (const error of [
      new MfaError('storage-unavailable', 'away', { status: 503 }),
      new MfaError('not-attached', 'a fault of the set-up'),
      Object.assign(new Error('of the host'), { status: 404 }),
    ]) {
      const failing = coreWith(newRecord('mira'), () => Promise.reject(error))
      expect(await adopt(failing).catch((reason: unknown) => reason)).to.equal(error)
    }
  })
})

describe('R17 a session from a node without the plugin', () => {
  const signedIn = (changes: object = {}, login: unknown = { accountId: 'mira' }) =>
    adoptSignedIn(coreWith(), { ...asked, session: { accountId: 'mira' }, ...changes }, login)

  it('passes its login on, shown when the interaction began', async () => {
    expect(await signedIn()).to.have.nested.property('login.ts', asked.iat)
    expect(await signedIn({ iat: undefined })).to.have.nested.property('login.ts', NOW)
  })

  it('passes none on without an authorization, of another account or with a fault', async () => {
    for (const changes of [
      { cid: undefined },
      { session: { accountId: 'noor' } },
      { session: undefined },
    ])
      expect(await signedIn(changes)).to.equal(undefined)
    expect(await signedIn({}, { accountId: 'mira', ts: 'now' })).to.equal(undefined)
  })
})
