import { expect } from 'chai'
import { makeChange, showChange } from '../../interactions/mfa/change.ts'
import type { MfaDetails } from '../../interactions/mfa/prompt.ts'
import type { Place } from '../../src/application/place.ts'
import { owner, verify, type Owner } from '../application/person.ts'
import { settledRecord, world, type World } from '../application/world.ts'
import { BACK, refusalOf, visiting } from './visits.ts'

type Change = NonNullable<MfaDetails['change']>

const FORM = { action: '/mfa/uid/change', cancelAction: '/mfa/uid/cancel' }

describe('the pages that change a person’s factors', () => {
  let of: World
  let mira: Owner
  let place: Place
  let phone: string
  beforeEach(async () => {
    of = world()
    mira = await owner(of)
    place = mira.place({ interaction: 'changing' })
    expect(await verify(of, 'totp', mira.code(), place)).to.include({ outcome: 'accepted' })
    phone = (await settledRecord(of)).authenticators[0]!.id
  })
  const show = (change: Change | undefined, at = place) =>
    visiting(of, { place: at, details: change === undefined ? {} : { change } }, showChange)
  const make = (change: Change | undefined, form: object = {}, at = place) =>
    visiting(of, { place: at, details: change === undefined ? {} : { change } }, (visit) =>
      makeChange(visit, form as never),
    )
  const EXPIRED = ['interaction-expired', 410]

  it('R11 come after a fresh proof of the second factor', async () => {
    const before = mira.place({ interaction: 'not-proved' })
    for (const change of [
      { kind: 'add' },
      { kind: 'renew', factor: 'backup-codes' },
      { kind: 'remove', authenticatorId: phone },
      { kind: 'rename', authenticatorId: phone },
    ] as const)
      expect(await show(change, before)).to.include({ status: 303, to: '/mfa/uid' })
    expect(await refusalOf(show(undefined))).to.deep.equal(EXPIRED)
    expect(await refusalOf(make(undefined))).to.deep.equal(EXPIRED)
  })

  it('ask for a new name', async () => {
    const change = { kind: 'rename', authenticatorId: phone } as const
    const page = await show(change)
    expect([page.status, page.page]).to.deep.equal([200, 'factor-rename'])
    expect(page.model).to.deep.equal({ ...FORM, factor: 'totp', name: 'Phone' })
    for (const [form, typed, error] of [
      [{}, '', 'nameless'],
      [{ name: ' ' }, ' ', 'nameless'],
      [{ name: 'n'.repeat(65) }, 'n'.repeat(65), 'too-long'],
    ] as const) {
      const again = await make(change, form)
      expect([again.status, again.page]).to.deep.equal([422, 'factor-rename'])
      expect(again.model).to.deep.equal({ ...FORM, factor: 'totp', name: 'Phone', typed, error })
    }
    expect(await make(change, { name: 'Old phone' })).to.include({ status: 303, to: BACK })
    expect((await settledRecord(of)).authenticators[0]?.name).to.equal('Old phone')
  })

  it('say how many codes a renewal replaces, and lead to the new ones', async () => {
    const change = { kind: 'renew', factor: 'backup-codes' } as const
    const page = await show(change)
    expect([page.status, page.page]).to.deep.equal([200, 'factor-renew'])
    expect(page.model).to.deep.equal({ ...FORM, factor: 'backup-codes', remaining: 10 })
    const made = await make(change)
    expect(made).to.include({ status: 303, to: '/mfa/uid/backup-codes' })
    expect(made.headers['Set-Cookie']).to.contain('mfa_codes=')
    // A second tap on another node has only hashes, and shows nothing.
    expect(await make(change)).to.include({ status: 303, to: BACK })
  })

  it('refuse to remove the last factor, before and after the button', async () => {
    const change = { kind: 'remove', authenticatorId: phone } as const
    for (const page of [await show(change), await make(change)]) {
      expect([page.status, page.page]).to.deep.equal([403, 'factor-remove-refused'])
      expect(page.model).to.deep.equal({
        cancelAction: '/mfa/uid/cancel',
        factor: 'totp',
        name: 'Phone',
      })
    }
  })

  it('are over where the authenticator is gone', async () => {
    for (const kind of ['remove', 'rename'] as const) {
      const change = { kind, authenticatorId: 'gone' }
      expect(await refusalOf(make(change, { name: 'x' }))).to.deep.equal(EXPIRED)
      expect(await refusalOf(show(change))).to.deep.equal(EXPIRED)
    }
  })

  it('add the factor that the app has named, and no other', async () => {
    const change = { kind: 'add', factor: 'totp' } as const
    expect(await refusalOf(make(change, { factor: 'backup-codes' }))).to.deep.equal(EXPIRED)
    expect(await refusalOf(make(change, {}))).to.deep.equal(['form-unreadable', 400])
    const made = await make(change, { factor: 'totp' })
    expect(made).to.include({ status: 303, to: '/mfa/uid/enrol/totp' })
    expect(await make({ kind: 'add' }, { factor: 'totp' })).to.include({ status: 303 })
  })
})
