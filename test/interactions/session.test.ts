import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { sessionOf } from '../../interactions/session.ts'
import { giveProof, withEpoch } from '../../src/host/session.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { enrolled } from '../domain/records.ts'

const NOW = 1_700_000_000
const MIRA = { accountId: 'mira', acr: 'high', amr: ['pwd', 'otp'], loginTs: NOW }

const look = (session: object, { epoch = 3, later = 0, record = enrolled() } = {}) => {
  const core = {
    provider: { createContext: () => ({}), Session: { get: async () => session } },
    record: async () => ({ record: { ...record, epoch } }),
    sessionSeconds: 3600,
    deps: { clock: { now: () => NOW + later } },
  } as unknown as Core
  return sessionOf(core, {} as never)
}

describe('the session of a page of the application’s own', () => {
  it('says who is signed in, how and since when', async () => {
    expect(await look(withEpoch(MIRA, 3))).to.deep.equal({
      accountId: 'mira',
      acr: 'high',
      amr: ['pwd', 'otp'],
      signedInAt: NOW,
    })
  })

  it('R41 says when a factor was last shown in it, and the first one where there is no other', async () => {
    const proved = withEpoch(MIRA, 3)
    giveProof(proved, { accountId: 'mira', at: NOW + 60 })
    expect(await look(proved)).to.include({ provedAt: NOW + 60 })
    const record = newRecord('mira')
    expect(await look(withEpoch(MIRA, 3), { record })).to.include({ provedAt: NOW })
  })

  it('R20 is none where it is of another epoch', async () => {
    for (const other of [2, 4]) expect(await look(withEpoch(MIRA, other))).to.equal(undefined)
    expect(await look(MIRA)).to.equal(undefined)
    expect(await look(MIRA, { epoch: 1 })).to.include({ accountId: 'mira' })
  })

  it('R15 is none after its time', async () => {
    expect(await look(withEpoch(MIRA, 3), { later: 3599 })).to.include({ accountId: 'mira' })
    expect(await look(withEpoch(MIRA, 3), { later: 3600 })).to.equal(undefined)
  })

  it('is none where nobody is signed in', async () => {
    expect(await look({})).to.equal(undefined)
    expect(await look(withEpoch({ accountId: 'mira' }, 3))).to.equal(undefined)
  })
})
