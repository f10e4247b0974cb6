import { expect } from 'chai'
import {
  answerFactorOffer,
  leadOn,
  offersBeside,
  showFactorOffer,
} from '../../interactions/mfa/factor-offer.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { factorOf, owner, proveFor } from '../application/person.ts'
import { settledRecord, world, type World } from '../application/world.ts'
import { BACK, refusalOf, visiting, type VisitOptions } from './visits.ts'

describe('the offer of a factor', () => {
  let of: World
  let place: NonNullable<VisitOptions['place']>
  let accepted: AcceptedAttempt
  beforeEach(async () => {
    of = world({ listed: [totp(), passkeys(), backupCodes()] })
    place = await proveFor(of, await owner(of), 'here')
    const { accepted: attempts } = await settledRecord(of)
    accepted = attempts.find(({ interaction }) => interaction === place.interaction)!
  })
  const answer = (given: string, changed: (visit: Visit) => Visit = (visit) => visit) =>
    visiting(of, { place }, (visit) =>
      answerFactorOffer(changed(visit), accepted, factorOf(of, 'passkey'), { answer: given }),
    )

  it('is for a plain sign-in with a typed password, and for nothing else', async () => {
    const isOffered = async (changed: object, id = 'totp', options: VisitOptions = {}) => {
      let offers: readonly unknown[] = []
      await visiting(of, { place, ...options }, async (visit) => {
        const { subject } = visit
        const more =
          'subject' in changed ? { subject: { ...subject, ...Object(changed.subject) } } : {}
        offers = offersBeside({ ...visit, ...changed, ...more }, factorOf(of, id))
      })
      return offers.length > 0
    }
    expect(await isOffered({})).to.equal(true)
    expect(await isOffered({}, 'backup-codes')).to.equal(false)
    expect(await isOffered({}, 'passkey')).to.equal(false)
    expect(await isOffered({ stepUp: true })).to.equal(false)
    for (const subject of [{ amr: ['otp'] }, { upstream: {} }, { isEarlier: true }, { proofs: [] }])
      expect(await isOffered({ subject }), JSON.stringify(subject)).to.equal(false)
    for (const details of [
      { change: { kind: 'add' } },
      { later: { until: 1, rules: [], afterFactor: true } },
      { countingFactors: ['totp'] },
      { notEnough: ['totp'] },
    ] as const)
      expect(await isOffered({}, 'totp', { details }), JSON.stringify(details)).to.equal(false)
    expect(await isOffered({}, 'totp', { params: { prompt: 'consent' } })).to.equal(false)
    const device = { interaction: { uid: 'uid', params: {}, deviceCode: 'code' } }
    expect(await isOffered(device)).to.equal(false)
  })

  it('comes after a page that has something to tell', async () => {
    const after = (notices: readonly object[]) =>
      visiting(of, { place }, (visit) => {
        const core = { ...visit.core, notices: notices as Visit['core']['notices'] }
        const shown = factorOf(of, 'totp')
        return leadOn({ ...visit, core }, accepted, { shown, form: { offer: 'passkey' } })
      })
    expect((await after([])).to).to.match(/\/offer\/passkey$/)
    const notice = { page: 'word', model: () => ({}) }
    expect((await after([notice])).to).to.match(/\/word$/)
  })

  it('ends at the app where the account changes too often to keep the answer', async () => {
    of.deps.storage.records.save = async () => false
    const done = await answer('not-now')
    expect([done.status, done.to]).to.deep.equal([303, BACK])
  })

  it('R32 ends nowhere while the storage is away', async () => {
    const away = new MfaError('storage-unavailable', 'away')
    of.deps.storage.records.save = async () => Promise.reject(away)
    expect(await refusalOf(answer('never'))).to.include('storage-unavailable')
  })

  it('keeps nothing for an account of another epoch, and begins no set-up', async () => {
    const other = { ...place, epoch: place.epoch - 1 }
    await answer('set-up', (visit) => ({ ...visit, place: other }))
    const { offers, pending } = await settledRecord(of)
    expect([offers, pending]).to.deep.equal([undefined, []])
  })

  it('is no page out of order, and its answer then leads on', async () => {
    const spent = { ...accepted, spentOn: 'a set-up' }
    const passkey = factorOf(of, 'passkey')
    const shown = visiting(of, { place }, (visit) => showFactorOffer(visit, spent, passkey))
    expect(await refusalOf(shown)).to.deep.equal(['interaction-expired', 410])
    const answered = await visiting(of, { place }, (visit) =>
      answerFactorOffer(visit, spent, passkey, { answer: 'set-up' }),
    )
    expect([answered.status, answered.to]).to.deep.equal([303, BACK])
    expect((await settledRecord(of)).pending).to.deep.equal([])
  })

  it('takes what a browser has made without asking, and goes on if the account is busy', async () => {
    const passkey = factorOf(of, 'passkey')
    const shown = await visiting(of, { place }, (visit) =>
      showFactorOffer(visit, accepted, passkey),
    )
    const { options } = shown.model['silent'] as { readonly options: string }
    const device = new SoftAuthenticator({ origin: 'http://op.example' })
    const credential = device.create(options, { userPresent: false })
    const send = () =>
      visiting(of, { place, result: shown.stored[0] ?? {} }, (visit) =>
        answerFactorOffer(visit, accepted, passkey, { answer: 'silent', credential }),
      )
    const passkeysOf = async () =>
      (await settledRecord(of)).authenticators.filter(({ factor }) => factor === 'passkey').length
    // No other visit than a plain sign-in takes it, whatever was kept with its interaction.
    const others: ((visit: Visit) => Visit)[] = [
      (visit) => ({ ...visit, stepUp: true }),
      (visit) => ({ ...visit, details: { ...visit.details, change: { kind: 'add' } } }),
      (visit) => ({ ...visit, details: { ...visit.details, notEnough: ['totp'] } }),
      (visit) => ({ ...visit, subject: { ...visit.subject, amr: ['otp'] } }),
      (visit) => ({ ...visit, subject: { ...visit.subject, isEarlier: true } }),
      (visit) => ({ ...visit, place: { ...place, epoch: place.epoch + 1 } }),
      (visit) => ({ ...visit, place: { ...place, interaction: 'elsewhere' } }),
    ]
    for (const changed of others) {
      const given = { place, result: shown.stored[0] ?? {} }
      await visiting(of, given, (visit) =>
        answerFactorOffer(changed(visit), accepted, passkey, { answer: 'silent', credential }),
      ).catch(() => undefined)
      expect(await passkeysOf(), String(changed)).to.equal(0)
    }
    const save = of.deps.storage.records.save.bind(of.deps.storage.records)
    of.deps.storage.records.save = async () => false
    const contended = await send()
    expect([contended.status, contended.to]).to.deep.equal([303, '/mfa/uid/offer/passkey'])
    expect(await passkeysOf()).to.equal(0)

    const away = new MfaError('storage-unavailable', 'away')
    of.deps.storage.records.save = async () => Promise.reject(away)
    expect(await refusalOf(send())).to.include('storage-unavailable')

    of.deps.storage.records.save = async () => {
      throw new MfaError('too-many-attempts', 'busy', { status: 429 })
    }
    const busy = await send()
    expect([busy.status, busy.to]).to.deep.equal([303, '/mfa/uid/offer/passkey'])
    expect(await passkeysOf()).to.equal(0)

    of.deps.storage.records.save = save
    const made = await send()
    expect([made.status, made.to]).to.deep.equal([303, '/mfa/uid/offer/passkey'])
    expect(await passkeysOf()).to.equal(1)
    const told = await visiting(of, { place, result: made.stored[0] ?? {} }, (visit) =>
      showFactorOffer(visit, accepted, passkey),
    )
    expect(told.model).to.include({ made: true })
  })

  it('has nothing for a browser to make where the factor makes no such challenge', async () => {
    const { enrolmentChallenge: _, ...without } = passkeys()
    of = world({ listed: [totp(), without, backupCodes()] })
    place = await proveFor(of, await owner(of), 'here')
    const [proof] = (await settledRecord(of)).accepted.filter(
      ({ interaction }) => interaction === place.interaction,
    )
    const shown = await visiting(of, { place }, (visit) =>
      showFactorOffer(visit, proof!, factorOf(of, 'passkey')),
    )
    expect([shown.page, shown.model['silent']]).to.deep.equal(['passkey-offer', undefined])
  })

  it('forgets a silent response where none was asked for', async () => {
    const ended = await answer('silent')
    expect([ended.status, ended.to]).to.deep.equal([303, '/mfa/uid/offer/passkey'])
    const spent = { ...accepted, spentOn: 'a change' }
    const over = await visiting(of, { place }, (visit) =>
      answerFactorOffer(visit, spent, factorOf(of, 'passkey'), { answer: 'silent' }),
    )
    expect(over.to).to.equal(BACK)
  })
})
