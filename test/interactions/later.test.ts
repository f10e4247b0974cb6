import { expect } from 'chai'
import type { Later } from '../../interactions/later.ts'
import { isOffered, postpone, showLater } from '../../interactions/mfa/later.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import type { AcceptedAttempt, MfaRecord } from '../../src/domain/mfa-record.ts'
import { OTP } from '../domain/records.ts'
import { owner, type Owner } from '../application/person.ts'
import { heardOf, world, type World } from '../application/world.ts'
import { BACK, refusalOf, visiting, type VisitOptions } from './visits.ts'

describe('the page of a set-up that can be put off', () => {
  let of: World
  let mira: Owner
  let later: Later
  beforeEach(async () => {
    of = world()
    mira = await owner(of)
    later = { until: of.clock.now() + 600, rules: ['grace'], afterFactor: false }
  })
  /** A step-up in the browser that the account knows. */
  const at = (
    look: (visit: Visit) => Promise<void>,
    place: VisitOptions['place'] = mira.place({ tokenHashes: ['laptop'] }),
    changes: Partial<MfaRecord> = {},
  ) =>
    visiting(of, { place, details: { later } }, async (visit) =>
      look({
        ...visit,
        stepUp: true,
        seen: { ...visit.seen, record: { ...visit.seen.record, ...changes } },
      }),
    )
  const isOfferedAt = async (place: VisitOptions['place']): Promise<boolean> => {
    let offered = false
    await at(async (visit) => void (offered = isOffered(visit)), place)
    return offered
  }
  const postponements = async () => heardOf(of, 'enrolment-postponed')

  it('shows the last day on which it can be put off, which ends at the moment it is due', async () => {
    const page = await at(showLater)
    expect([page.status, page.page]).to.deep.equal([200, 'enrol-later'])
    expect(page.model).to.include({ lastDay: later.until - 1, laterAction: '/mfa/uid/later' })
  })

  it('R10 is offered in a browser that the account knows, by a token of before or of this sign-in', async () => {
    expect(await isOfferedAt(mira.place({ tokenHashes: ['laptop'] }))).to.equal(true)
    expect(await isOfferedAt(mira.place({ newTokenHash: 'laptop' }))).to.equal(true)
    expect(await isOfferedAt(mira.place({ tokenHashes: ['another'] }))).to.equal(false)
    of.clock.advance(600)
    expect(await isOfferedAt(mira.place({ tokenHashes: ['laptop'] }))).to.equal(false)
  })

  it('goes on with the person’s answer, which is kept', async () => {
    const done = await at(postpone)
    expect([done.status, done.to]).to.deep.equal([303, BACK])
    expect(done.stored[0]).to.deep.equal({ mfaLater: 'mira' })
    expect(await postponements()).to.have.length(1)
  })

  it('R20 is over, and nothing goes on, once the account is in another epoch', async () => {
    const { epoch } = mira.place()
    const place = mira.place({ tokenHashes: ['laptop'], epoch: epoch - 1 })
    expect(await refusalOf(at(postpone, place))).to.deep.equal(['interaction-expired', 410])
    expect(await postponements()).to.deep.equal([])
  })

  it('R11 puts nothing off after the set-up was made', async () => {
    const place = mira.place({ tokenHashes: ['laptop'] })
    const { interaction, epoch } = place
    const accepted: AcceptedAttempt = {
      interaction,
      epoch,
      fingerprint: 'fingerprint-1',
      factor: 'totp',
      authenticatorId: 'phone',
      assurance: OTP,
      at: of.clock.now(),
      spentOn: 'set-up',
    }
    const made = { accepted: [accepted] }
    const page = await at(postpone, place, made)
    expect([page.status, page.to]).to.deep.equal([303, '/mfa/uid'])
    expect(page.stored).to.deep.equal([])
    expect(await postponements()).to.deep.equal([])
  })
})
