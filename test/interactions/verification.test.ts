import { expect } from 'chai'
import {
  preferredFactor,
  choose,
  send,
  showOtherWays,
  showVerification,
  verify,
} from '../../interactions/mfa/verification.ts'
import type { Place } from '../../src/application/place.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { Form } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import {
  ADDRESS,
  begin,
  confirm,
  factorOf,
  keyOwner,
  owner,
  type Owner,
} from '../application/person.ts'
import { placeOf, settledRecord, world, type World } from '../application/world.ts'
import { BACK, refusalOf, visiting, type Ended } from './visits.ts'

const EXPIRED = ['interaction-expired', 410]
const FORM = { cancelAction: '/mfa/uid/cancel' }

describe('the pages that verify a code', () => {
  let of: World
  let mira: Owner
  let place: Place
  beforeEach(async () => {
    of = world()
    mira = await owner(of)
    place = mira.place({ interaction: 'signing-in' })
  })
  const show = (id: string, at = place): Promise<Ended> =>
    visiting(of, { place: at }, (visit) => showVerification(visit, factorOf(of, id)))
  const type = (id: string, form: Form, at = place): Promise<Ended> =>
    visiting(of, { place: at }, (visit) => verify(visit, factorOf(of, id), form))
  const TOTP = {
    ...FORM,
    action: '/mfa/uid/verify/totp',
    verification: { digits: 6 },
    otherWayHref: '/mfa/uid/choose',
    authenticatorName: 'Phone',
  }

  it('show the authenticator, and another way where there is one', async () => {
    const page = await show('totp')
    expect([page.status, page.page]).to.deep.equal([200, 'totp-verify'])
    expect(page.model).to.deep.equal(TOTP)
    const codes = await show('backup-codes')
    expect(codes.page).to.equal('backup-code-verify')
    expect(codes.model).to.deep.equal({
      ...FORM,
      action: '/mfa/uid/verify/backup-codes',
      verification: codes.model['verification'],
      otherWayHref: '/mfa/uid/choose',
    })
  })

  it('are over for a factor that the account has not, and after the epoch has changed', async () => {
    expect(await refusalOf(show('imported-codes'))).to.deep.equal(EXPIRED)
    expect(await refusalOf(show('totp', { ...place, epoch: place.epoch - 1 }))).to.deep.equal(
      EXPIRED,
    )
    expect(await refusalOf(type('totp', mira.code(), { ...place, epoch: 1 }))).to.deep.equal(
      EXPIRED,
    )
  })

  it('answer what cannot be a code, a wrong code and a right one', async () => {
    const unreadable = await type('totp', { code: 'abc' })
    expect([unreadable.status, unreadable.page]).to.deep.equal([400, 'totp-verify'])
    expect(unreadable.model).to.deep.equal({ ...TOTP, error: { code: 'unreadable' } })
    const wrong = await type('totp', { code: String(mira.wrong['code']).slice(0, 6) })
    expect([wrong.status, wrong.page]).to.deep.equal([422, 'totp-verify'])
    expect(wrong.model).to.deep.equal({ ...TOTP, error: { code: 'refused' } })
    expect(await type('totp', mira.code())).to.include({ status: 303, to: BACK })
  })

  it('say how far behind the clock of a phone is', async () => {
    const late = await type('totp', mira.code(-120))
    expect(late.status).to.equal(422)
    expect(late.model['error']).to.deep.equal({ code: 'refused', behindSeconds: 120 })
  })

  it('lead to the page about the last codes after one of them', async () => {
    for (const code of mira.codes.slice(0, 6))
      await type('backup-codes', { backupCode: code }, mira.place({ interaction: code }))
    of.clock.advance(3600)
    const ended = await type('backup-codes', { backupCode: mira.codes[6]! })
    expect(ended).to.include({ status: 303, to: '/mfa/uid/backup-codes-low' })
  })

  it('R2 are closed after too many wrong codes, with the time left', async () => {
    const wrong = { code: String(mira.wrong['code']).slice(0, 6) }
    for (let nth = 0; nth < 5; nth += 1) await type('totp', wrong)
    for (const page of [await show('totp'), await type('totp', mira.code())]) {
      expect([page.status, page.page]).to.deep.equal([429, 'locked'])
      const { retryAfterSeconds } = page.model
      expect(page.model).to.deep.equal({
        ...FORM,
        reason: 'code',
        retryAfterSeconds,
        retryHref: '/mfa/uid/verify/totp',
      })
      expect(page.headers['Retry-After']).to.equal(String(retryAfterSeconds))
    }
  })

  it('choose between the ways, the last used one first', async () => {
    const ways = async () => {
      const page = await visiting(of, { place }, showOtherWays)
      expect([page.status, page.page]).to.deep.equal([200, 'mfa-choose'])
      const { methods, ...rest } = page.model
      expect(rest).to.deep.equal({
        ...FORM,
        mode: 'verify',
        reason: 'policy',
        action: '/mfa/uid/choose',
      })
      return methods
    }
    expect(await ways()).to.deep.equal([
      { factor: 'totp', name: 'Phone', lastUsed: true },
      { factor: 'backup-codes', remaining: 10 },
    ])
    await type('backup-codes', { backupCode: mira.codes[0]! })
    expect(await ways()).to.deep.equal([
      { factor: 'totp', name: 'Phone' },
      { factor: 'backup-codes', remaining: 9, lastUsed: true },
    ])
  })

  it('are chosen by a form, and only those of the account', async () => {
    const pick = (id: string) => visiting(of, { place }, (visit) => choose(visit, factorOf(of, id)))
    expect(await pick('backup-codes')).to.include({
      status: 303,
      to: '/mfa/uid/verify/backup-codes',
    })
    expect(await refusalOf(pick('imported-codes'))).to.deep.equal(EXPIRED)
    const sending = visiting(of, { place }, (visit) => send(visit, factorOf(of, 'totp')))
    expect(await refusalOf(sending)).to.deep.equal(EXPIRED)
  })

  it('begin with the factor that lasts', async () => {
    await visiting(of, { place }, async (visit) => {
      expect(preferredFactor(visit).id).to.equal('totp')
    })
    const bare = world()
    await visiting(bare, {}, async (visit) => {
      expect(() => preferredFactor(visit))
        .to.throw()
        .that.includes({ code: 'interaction-expired' })
    })
  })
})

describe('the pages that verify one way alone', () => {
  it('name no other way, and skip the choice', async () => {
    const of = world({ listed: [challengeFactor()] })
    const somebody = await keyOwner(of)
    const place = somebody.place({ interaction: 'signing-in' })
    const page = await visiting(of, { place }, (visit) =>
      showVerification(visit, factorOf(of, 'test-key')),
    )
    expect(page.model).not.to.have.any.keys('otherWayHref', 'authenticatorName', 'delivery')
    expect(await visiting(of, { place }, showOtherWays)).to.include({
      status: 303,
      to: '/mfa/uid/verify/test-key',
    })
  })

  it('R28 keep a challenge until a response has spent it', async () => {
    const of = world({ listed: [challengeFactor(), backupCodes()] })
    const { key, ...somebody } = await keyOwner(of)
    const place = somebody.place({ interaction: 'signing-in' })
    const show = (result?: Readonly<Record<string, unknown>>) =>
      visiting(of, { place, ...(result && { result }) }, (visit) =>
        showVerification(visit, factorOf(of, 'test-key')),
      )
    const challengeOf = ({ model }: Ended) =>
      (model['verification'] as { challenge: string }).challenge
    const first = await show()
    const kept = first.stored[0]
    const again = await show(kept)
    expect(challengeOf(again)).to.equal(challengeOf(first))
    expect(again.stored).to.deep.equal([])
    const type = (credential: string) =>
      visiting(of, { place, ...(kept && { result: kept }) }, (visit) =>
        verify(visit, factorOf(of, 'test-key'), { credential }),
      )
    const wrong = await type(key.answer('another'))
    expect(wrong.status).to.equal(422)
    expect(challengeOf(wrong)).not.to.equal(challengeOf(first))
    expect(await type(key.answer(challengeOf(first)))).to.include({ status: 303, to: BACK })
  })
})

describe('the pages that verify a mailed code', () => {
  let of: World
  let place: Place
  beforeEach(async () => {
    of = world({ listed: [deliveredCodeFactor(), totp()] })
    await begin(of, 'test-mailed-code')
    const code = String(of.mails.at(-1)?.values?.['code'])
    expect(await confirm(of, 'test-mailed-code', { code })).to.include({ outcome: 'enrolled' })
    const { epoch } = await settledRecord(of)
    of.clock.advance(3600)
    place = placeOf({ interaction: 'signing-in', epoch })
    of.mails.length = 0
  })
  const factor = () => factorOf(of, 'test-mailed-code')
  const press = (): Promise<Ended> => visiting(of, { place }, (visit) => send(visit, factor()))
  const pick = (): Promise<Ended> => visiting(of, { place }, (visit) => choose(visit, factor()))

  it('R3 send a code when they are chosen, and show where it went', async () => {
    const unsent = await visiting(of, { place }, (visit) => showVerification(visit, factor()))
    expect(unsent.model['delivery']).to.deep.equal({
      sendAction: '/mfa/uid/verify/test-mailed-code/send',
    })
    expect(await pick()).to.include({ status: 303, to: '/mfa/uid/verify/test-mailed-code' })
    expect(of.mails).to.have.length(1)
    expect(of.mails[0]).to.include({ to: ADDRESS, locale: 'de' })
    const page = await visiting(of, { place }, (visit) => showVerification(visit, factor()))
    const { sentTo, ...delivery } = page.model['delivery'] as Record<string, unknown>
    expect(sentTo).to.match(/^m.*@/).and.not.equal(ADDRESS)
    expect(delivery).to.deep.equal({
      sendAction: '/mfa/uid/verify/test-mailed-code/send',
      waitSeconds: 60,
    })
    const listed = await visiting(of, { place }, showOtherWays)
    expect(listed).to.include({ status: 303 })
  })

  it('R3 say that a code was sent, or that the next one has to wait', async () => {
    const sent = await press()
    expect([sent.status, sent.page]).to.deep.equal([200, 'test-mailed-code-verify'])
    expect(sent.model['delivery']).to.include({ notice: 'sent' })
    for (const early of [await press(), await pick()]) {
      expect([early.status, early.page]).to.deep.equal([429, 'test-mailed-code-verify'])
      expect(early.model['delivery']).to.include({ notice: 'wait' })
    }
    expect(of.mails).to.have.length(1)
  })

  it('R3 take the code, and are over after the epoch has changed', async () => {
    await pick()
    const code = String(of.mails.at(-1)?.values?.['code'])
    place = { ...place, epoch: place.epoch + 1 }
    expect(await refusalOf(press())).to.deep.equal(EXPIRED)
    expect(await refusalOf(pick())).to.deep.equal(EXPIRED)
    place = { ...place, epoch: place.epoch - 1 }
    const typed = await visiting(of, { place }, (visit) => verify(visit, factor(), { code }))
    expect(typed).to.include({ status: 303, to: BACK })
  })

  it('R2 are closed after too many wrong codes: no further code is sent', async () => {
    await pick()
    for (let nth = 0; nth < 5; nth += 1)
      await visiting(of, { place }, (visit) => verify(visit, factor(), { code: '00000000' }))
    const closed = await press()
    expect([closed.status, closed.page]).to.deep.equal([429, 'locked'])
    expect(await pick()).to.include({ status: 303, to: '/mfa/uid/verify/test-mailed-code' })
    expect(of.mails).to.have.length(1)
  })
})
