import { expect } from 'chai'
import { bindAuthenticator } from '../../src/application/authenticator.ts'
import { readStatus } from '../../src/application/manage-accounts.ts'
import { restoreAccount } from '../../src/application/restore-account.ts'
import { openState } from '../../src/application/sealed-state.ts'
import type { Json, JsonObject } from '../../src/domain/json.ts'
import type { Form } from '../../src/factors/factor.ts'
import { factorOf, owner, verify } from './person.ts'
import { heardOf, load, nodeBeside, placeOf, settledRecord, world, type World } from './world.ts'

let attempts = 0

/** Types a form in a new sign-in, as the page does. */
async function type(of: World, id: string, form: Form) {
  attempts += 1
  const { record } = await load(of)
  return verify(of, id, form, placeOf({ interaction: `i${attempts}`, epoch: record.epoch }))
}

describe('an account after a restore from a backup', () => {
  let one: World
  beforeEach(() => {
    one = world()
  })

  it('R37 accepts no code that may have been used since the backup was made', async () => {
    const mira = await owner(one)
    const used = mira.code()
    await restoreAccount(one.deps, 'mira')
    expect(await type(one, 'totp', used)).to.include({ outcome: 'refused' })
    for (const backupCode of mira.codes)
      expect((await type(one, 'backup-codes', { backupCode })).outcome).not.to.equal('accepted')
    expect((await readStatus(one.deps, 'mira')).factors[1]).to.include({ remaining: 0 })
    one.clock.advance(3_700)
    expect(await type(one, 'totp', mira.code())).to.include({ outcome: 'accepted' })
  })

  it('R20 R37 ends sessions and grants, forgets browsers, and makes an event', async () => {
    await owner(one)
    const { epoch } = await settledRecord(one)
    expect(await restoreAccount(one.deps, 'mira')).to.equal(true)
    const record = await settledRecord(one)
    expect(record.epoch).to.be.greaterThan(epoch + 1_000_000)
    expect(record.browsers).to.deep.equal([])
    expect((await heardOf(one)).map(({ type }) => type)).to.deep.equal(['restored', 'epoch-raised'])
  })

  it('is not changed again by a run that continues', async () => {
    await owner(one)
    const since = one.clock.now()
    expect(await restoreAccount(one.deps, 'mira', since)).to.equal(true)
    const before = await settledRecord(one)
    one.clock.advance(10)
    expect(await restoreAccount(one.deps, 'mira', since)).to.equal(false)
    expect(await settledRecord(one)).to.deep.equal(before)
    expect(await restoreAccount(one.deps, 'mira', since + 1)).to.equal(true)
    expect(await restoreAccount(one.deps, 'mira')).to.equal(true)
  })

  it('R5 R40 leaves one authenticator of each key, of a record that has one twice', async () => {
    const mira = await owner(one)
    const totpFactor = factorOf(one, 'totp')
    const { record, version } = await load(one)
    const [first] = record.authenticators
    if (first === undefined) throw new Error('there is no authenticator')
    const state = totpFactor.parseState(openState(one.deps.box, 'mira', first)) as Json
    const about = { name: 'again', now: one.clock.now() }
    const again = bindAuthenticator(one.deps, 'mira', totpFactor, state, about)
    const twice = { ...record, authenticators: [...record.authenticators, again] }
    await one.storage.records.save('mira', twice as unknown as JsonObject, version)
    await restoreAccount(one.deps, 'mira')
    const { authenticators } = await settledRecord(one)
    expect(authenticators.map(({ id }) => id)).not.to.include(again.id)
    expect(authenticators).to.have.length(2)
    one.clock.advance(3_700)
    const used = mira.code()
    expect(await type(one, 'totp', used)).to.include({ outcome: 'accepted' })
    expect(await type(one, 'totp', used)).to.include({ outcome: 'refused' })
  })

  it('keeps a factor that is not offered here as it is', async () => {
    await owner(one)
    const [kept] = (await settledRecord(one)).authenticators
    const none = nodeBeside(one, { listed: [] })
    await restoreAccount(none.deps, 'mira')
    expect((await settledRecord(one)).authenticators[0]).to.deep.equal(kept)
  })
})
