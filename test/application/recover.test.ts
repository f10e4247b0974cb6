import { expect } from 'chai'
import { freezeAccount } from '../../src/application/manage-accounts.ts'
import {
  cancelRecovery,
  checkRecoveryCode,
  sendRecoveryCode,
} from '../../src/application/recover.ts'
import type { Place } from '../../src/application/place.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { owner, proveFor, type Owner } from './person.ts'
import { placeOf, settledRecord, world, type World } from './world.ts'

const GROUND = {
  addresses: [
    { address: 'mira@example.com', verifiedAt: 1 },
    { address: 'second@example.com', verifiedAt: 1 },
  ],
  hasPassword: true,
}
const ABOUT = { which: 0, app: 'Acme', locale: 'en' }

describe('a recovery', () => {
  let here: World
  let mira: Owner
  let place: Place

  beforeEach(async () => {
    here = world()
    mira = await owner(here)
    const { epoch } = await settledRecord(here, 'mira')
    place = placeOf({ accountId: 'mira', interaction: 'of the recovery', epoch })
  })

  const send = (at = place) => sendRecoveryCode(here.deps, at, GROUND, ABOUT)
  const mailed = (): string => here.mails.at(-1)?.values['code'] ?? ''
  const check = async (code: string, { at = place, ground = GROUND } = {}) =>
    (await checkRecoveryCode(here.deps, at, ground, code)).outcome
  const isRunning = async () => (await settledRecord(here, 'mira')).recovery !== undefined

  it('R9 begins with the code that was mailed', async () => {
    expect(await send()).to.equal('sent')
    expect(here.mails.at(-1)?.to).to.equal('mira@example.com')
    expect([await check(mailed()), await isRunning()]).to.deep.equal(['started', true])
  })

  it('R20 neither sends nor takes a code in a sign-in of another epoch', async () => {
    expect(await send()).to.equal('sent')
    const code = mailed()
    await freezeAccount(here.deps, 'mira')
    expect([await check(code), await isRunning()]).to.deep.equal(['stale', false])
    const earlier = { ...place, epoch: place.epoch - 1 }
    expect(await send(earlier)).to.equal('stale')
  })

  it('R20 sends no code in a sign-in of an earlier epoch, also where nothing else is in the way', async () => {
    expect(await send({ ...place, epoch: place.epoch - 1 })).to.equal('stale')
    expect(here.mails).to.deep.equal([])
    expect(await send()).to.equal('sent')
    const earlier = { ...place, epoch: place.epoch - 1 }
    expect([await check(mailed(), { at: earlier }), await isRunning()]).to.deep.equal([
      'stale',
      false,
    ])
  })

  it('R9 takes no code of an address that proves nothing any more', async () => {
    expect(await send()).to.equal('sent')
    const ground = { ...GROUND, addresses: GROUND.addresses.slice(1) }
    expect([await check(mailed(), { ground }), await isRunning()]).to.deep.equal(['over', false])
  })

  it('R3 sends no second code at once, and another one later', async () => {
    expect(await send()).to.equal('sent')
    const second = await send()
    expect(second).to.have.property('notBefore')
    here.clock.advance((second as { notBefore: number }).notBefore - here.clock.now())
    expect([await send(), here.mails.length]).to.deep.equal(['sent', 2])
  })

  it('says that a mail was not taken, and sends another one at once', async () => {
    const { mailer } = here.deps
    let isAway = true
    const deps = {
      ...here.deps,
      mailer: {
        send: (delivery: Parameters<NonNullable<typeof mailer>['send']>[0]) =>
          isAway ? Promise.reject(new MfaError('mail-failed', 'away')) : mailer!.send(delivery),
      },
    }
    expect(await sendRecoveryCode(deps, place, GROUND, ABOUT)).to.equal('not-sent')
    isAway = false
    expect(await sendRecoveryCode(deps, place, GROUND, ABOUT)).to.equal('sent')
    expect(await check(mailed())).to.equal('started')
  })

  it('R9 is cancelled by a factor that was proved in that sign-in, and not without one', async () => {
    await send()
    await check(mailed())
    const other = { ...place, interaction: 'another sign-in' }
    expect([await cancelRecovery(here.deps, other), await isRunning()]).to.deep.equal([false, true])
    const { interaction } = await proveFor(here, mira, 'cancelling', 'mira')
    const proved = { ...place, interaction }
    expect([await cancelRecovery(here.deps, proved), await isRunning()]).to.deep.equal([
      true,
      false,
    ])
    expect(await cancelRecovery(here.deps, proved)).to.equal(false)
  })
})
