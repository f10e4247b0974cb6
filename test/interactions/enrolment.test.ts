import { expect } from 'chai'
import {
  begin,
  confirm,
  refuse,
  send,
  showChoice,
  showEnrolment,
  stepOf,
} from '../../interactions/mfa/enrolment.ts'
import { checkProof, sendProof, showProof } from '../../interactions/mfa/owner-proof.ts'
import type { MfaDetails } from '../../interactions/mfa/prompt.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import type { Place } from '../../src/application/place.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { ADDRESS, factorOf, owner, verify } from '../application/person.ts'
import { heardOf, placeOf, settledRecord, world, type World } from '../application/world.ts'
import { ownCode } from '../support/totp.ts'
import { BACK, refusalOf, visiting, type Ended, type VisitOptions } from './visits.ts'

const EXPIRED = ['interaction-expired', 410]
const FORM = { cancelAction: '/mfa/uid/cancel' }
const ALLOWED: Partial<MfaDetails> = { rule: 'allowed', address: ADDRESS }

describe('the pages that set up a factor', () => {
  let of: World
  beforeEach(() => (of = world()))
  const at = (look: (visit: Visit) => Promise<void>, options: VisitOptions = {}): Promise<Ended> =>
    visiting(of, { ...options, details: { ...ALLOWED, ...options.details } }, look)
  const start = (id = 'totp', options?: VisitOptions) =>
    at((visit) => begin(visit, factorOf(of, id)), options)
  const show = (id = 'totp', options?: VisitOptions) =>
    at((visit) => showEnrolment(visit, factorOf(of, id)), options)
  const type = (form: object, id = 'totp', options?: VisitOptions) =>
    at((visit) => confirm(visit, factorOf(of, id), form as never), options)
  const codeOf = ({ model }: Ended): string => {
    const { secret } = model['enrolment'] as { secret: string }
    return ownCode({ secret }, of.clock.now())
  }

  it('begin at once where there is one factor to set up', async () => {
    const page = await at(showChoice)
    expect([page.status, page.to]).to.deep.equal([303, '/mfa/uid/enrol/totp'])
  })

  it('choose between several factors, and name those that send a code', async () => {
    of = world({ listed: [totp(), challengeFactor(), deliveredCodeFactor()] })
    const page = await at(showChoice)
    expect([page.status, page.page]).to.deep.equal([200, 'mfa-choose'])
    const choice = { ...FORM, mode: 'enrol', reason: 'policy' }
    expect(page.model).to.deep.equal({
      ...choice,
      action: '/mfa/uid/choose',
      methods: [
        { factor: 'totp' },
        { factor: 'test-key' },
        { factor: 'test-mailed-code', sends: true },
      ],
    })
    of = world({ listed: [deliveredCodeFactor()] })
    const sending = await at(showChoice)
    expect(sending.model['methods']).to.deep.equal([{ factor: 'test-mailed-code', sends: true }])
    expect(of.mails).to.deep.equal([])
  })

  it('choose the factor that the app has named', async () => {
    of = world({ listed: [totp(), challengeFactor()] })
    const change = { kind: 'add', factor: 'test-key' } as const
    const named = await at(showChoice, { details: { change } })
    expect(named.to).to.equal('/mfa/uid/enrol/test-key')
    const other = { kind: 'renew', factor: 'totp' } as const
    expect((await at(showChoice, { details: { change: other } })).model['methods']).to.have.length(
      2,
    )
  })

  it('choose between the factors that the policy asks for alone', async () => {
    of = world({ listed: [totp(), challengeFactor(), deliveredCodeFactor()] })
    const one = await at(showChoice, { details: { factors: ['test-key'] } })
    expect(one.to).to.equal('/mfa/uid/enrol/test-key')
    const two = await at(showChoice, { details: { factors: ['totp', 'test-key'] } })
    expect(two.model['methods']).to.deep.equal([{ factor: 'totp' }, { factor: 'test-key' }])
  })

  it('show the key, the time left and the reason, and come back with the name that was typed', async () => {
    expect(await show()).to.include({ status: 303, to: '/mfa/uid' })
    await start()
    of.clock.advance(60)
    const page = await show()
    expect([page.status, page.page]).to.deep.equal([200, 'totp-enrol'])
    const { enrolment, ...rest } = page.model
    expect(enrolment).to.include.keys('secret')
    const model = {
      ...FORM,
      action: '/mfa/uid/enrol/totp',
      reason: 'policy',
      endsInSeconds: 1740,
    }
    expect(rest).to.deep.include(model)
    expect((await show('totp', { seconds: 90 })).model['endsInSeconds']).to.equal(90)
    for (const [form, status, more] of [
      [{ code: 'abc', name: 'Tablet' }, 400, { error: { code: 'unreadable' }, name: 'Tablet' }],
      [{ code: '000000', name: 'Tablet' }, 422, { error: { code: 'refused' }, name: 'Tablet' }],
      [{ code: '000000', name: 'n'.repeat(65) }, 422, { nameError: 'too-long' }],
    ] as const) {
      const again = await type(form)
      expect([again.status, again.page]).to.deep.equal([status, 'totp-enrol'])
      expect(again.model).to.deep.include({ ...model, ...more })
    }
    for (const absent of ['nth', 'delivery', 'error', 'nameError'])
      expect(rest).not.to.have.property(absent)
  })

  it('lead to the fresh backup codes, and a second tap to the app', async () => {
    await start()
    const form = { code: codeOf(await show()), name: 'Phone' }
    const done = await type(form)
    expect([done.status, done.to]).to.deep.equal([303, '/mfa/uid/backup-codes'])
    expect(done.headers['Set-Cookie']).to.contain('mfa_codes=')
    expect(await type(form)).to.include({ status: 303, to: BACK })
    const { authenticators } = await settledRecord(of)
    expect(authenticators.map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['totp', 'Phone'],
      ['backup-codes', ''],
    ])
  })

  it('R10 are over where the rule does not allow a set-up', async () => {
    const refused = { details: { rule: 'refused' } } as const
    expect(await refusalOf(start('totp', refused))).to.deep.equal(EXPIRED)
    await start()
    const code = codeOf(await show())
    expect(await refusalOf(type({ code }, 'totp', refused))).to.deep.equal(EXPIRED)
    expect(await refusalOf(start('backup-codes'))).to.deep.equal(EXPIRED)
  })

  it('R2 are closed after too many wrong codes', async () => {
    await start()
    for (let nth = 0; nth < 10; nth += 1) {
      const { status } = await type({ code: '000000' })
      if (status === 429) break
    }
    const page = await type({ code: '000000' })
    expect([page.status, page.page]).to.deep.equal([429, 'locked'])
    expect(page.model).to.include({ retryHref: '/mfa/uid/enrol/totp' })
  })

  it('count the authenticators that are there already', async () => {
    const mira = await owner(of)
    const place = mira.place({ interaction: 'adding' })
    await verify(of, 'totp', mira.code(), place)
    const details = { change: { kind: 'add' } } as const
    expect(await start('totp', { place, details })).to.include({ status: 303 })
    expect((await show('totp', { place, details })).model).to.include({ nth: 2 })
    const choice = world({ listed: [totp(), challengeFactor()] })
    const theo = await owner(choice)
    of = choice
    const page = await at(showChoice, { place: theo.place(), details })
    expect(page.model).to.include({ action: '/mfa/uid/change' })
  })

  it('R3 send a code by their button, and say that the next one has to wait', async () => {
    of = world({ listed: [deliveredCodeFactor()] })
    expect(await start('test-mailed-code')).to.include({
      status: 303,
      to: '/mfa/uid/enrol/test-mailed-code',
    })
    const page = await show('test-mailed-code')
    const { sentTo, ...delivery } = page.model['delivery'] as Record<string, unknown>
    expect(sentTo).to.match(/^m.*@/).and.not.equal(ADDRESS)
    expect(delivery).to.deep.equal({
      sendAction: '/mfa/uid/enrol/test-mailed-code/send',
      waitSeconds: 60,
    })
    const press = () => at((visit) => send(visit, factorOf(of, 'test-mailed-code')))
    for (const early of [await press(), await start('test-mailed-code')]) {
      expect(early.status).to.equal(429)
      expect(early.model['delivery']).to.include({ notice: 'wait' })
    }
    of.clock.advance(60)
    const sent = await press()
    expect(sent.status).to.equal(200)
    expect(sent.model['delivery']).to.include({ notice: 'sent' })
    expect(of.mails).to.have.length(2)
  })

  it('have a button that sends for a factor that sends, in a set-up that may go on', async () => {
    const press = (id: string, details: Partial<MfaDetails> = {}) =>
      at((visit) => send(visit, factorOf(of, id)), { details })
    expect(await refusalOf(press('totp'))).to.deep.equal(EXPIRED)
    of = world({ listed: [deliveredCodeFactor()] })
    expect(await refusalOf(press('test-mailed-code', { rule: 'refused' }))).to.deep.equal(EXPIRED)
    expect(of.mails).to.deep.equal([])
  })
})

describe('R10 the pages that prove who sets up the first factor', () => {
  const PROVE: Partial<MfaDetails> = {
    rule: 'mailed-code',
    address: ADDRESS,
    client: { name: 'Fieldnotes' } as never,
  }
  const OWNER = {
    ...FORM,
    action: '/mfa/uid/proof',
    address: 'm•••@example.com',
  }
  let of: World
  let place: Place
  beforeEach(() => {
    of = world()
    place = placeOf()
  })
  const at = (look: (visit: Visit) => Promise<void>, details: Partial<MfaDetails> = PROVE) =>
    visiting(of, { place, details }, look)
  const type = (code: string | undefined) => at((visit) => checkProof(visit, { code } as never))
  const mailed = (): string => String(of.mails.at(-1)?.values?.['code'])

  it('mail a code by their button, in the language of the page', async () => {
    const before = await at((visit) => showProof(visit))
    expect([before.status, before.page]).to.deep.equal([200, 'owner-proof'])
    expect(before.model).to.deep.equal({
      ...OWNER,
      address: before.model['address'],
      delivery: { sendAction: '/mfa/uid/proof/send' },
    })
    expect(before.model['address']).to.match(/^m.*@/).and.not.equal(ADDRESS)
    expect(await at(sendProof)).to.include({ status: 303, to: '/mfa/uid/proof' })
    expect(of.mails[0]).to.include({ to: ADDRESS, locale: 'de' })
    expect(of.mails[0]?.values).to.include({ app: 'Fieldnotes' })
    const after = await at((visit) => showProof(visit))
    expect(after.model['delivery']).to.deep.include({
      sendAction: '/mfa/uid/proof/send',
      sentTo: before.model['address'],
      waitSeconds: 60,
    })
    const early = await at(sendProof)
    expect(early.status).to.equal(429)
    expect(early.model['delivery']).to.include({ notice: 'wait' })
    of.clock.advance(60)
    const again = await at(sendProof)
    expect(again.status).to.equal(200)
    expect(again.model['delivery']).to.include({ notice: 'sent' })
  })

  it('take the code, after which the set-up begins', async () => {
    await at(sendProof)
    for (const [code, status, error] of [
      [undefined, 400, 'unreadable'],
      ['x', 400, 'unreadable'],
      [mailed() === '00000000' ? '00000001' : '00000000', 422, 'refused'],
    ] as const) {
      const page = await type(code)
      expect([page.status, page.page]).to.deep.equal([status, 'owner-proof'])
      expect(page.model['error']).to.deep.equal({ code: error })
    }
    expect(await type(mailed())).to.include({ status: 303, to: '/mfa/uid' })
    for (const over of [await at((visit) => showProof(visit)), await type('00000000')])
      expect(over).to.include({ status: 303, to: '/mfa/uid' })
    expect(await refusalOf(at(sendProof))).to.deep.equal(EXPIRED)
    await at(async (visit) => void expect(stepOf(visit)).not.to.equal('prove'))
  })

  it('R2 are closed after too many wrong codes', async () => {
    await at(sendProof)
    for (let nth = 0; nth < 5; nth += 1) await type('00000000')
    const page = await type(mailed())
    expect([page.status, page.page]).to.deep.equal([429, 'locked'])
    expect(page.model).to.include({ retryHref: '/mfa/uid/proof' })
  })

  it('examine no code in a sign-in that asks for none', async () => {
    await at(sendProof)
    const wrong = mailed() === '00000000' ? '00000001' : '00000000'
    for (const rule of ['allowed', 'refused'] as const)
      for (const code of [wrong, mailed()]) {
        const look = (visit: Visit) => checkProof(visit, { code })
        const page = await at(look, { ...PROVE, rule })
        expect([page.status, page.to], rule).to.deep.equal([303, '/mfa/uid'])
      }
    expect(await heardOf(of)).to.deep.equal([])
  })

  it('say that no code is open, and are over after the epoch has changed', async () => {
    const none = await type('12345678')
    expect([none.status, none.page]).to.deep.equal([410, 'owner-proof'])
    expect(none.model['error']).to.deep.equal({ code: 'over' })
    place = placeOf({ epoch: 2 })
    expect(await refusalOf(type('12345678'))).to.deep.equal(EXPIRED)
    expect(await refusalOf(at(sendProof))).to.deep.equal(EXPIRED)
  })

  it('R47 refuse a person without an address, and tell the listeners', async () => {
    const { address: _, ...noAddress } = PROVE
    const page = await at((visit) => showProof(visit), noAddress)
    expect([page.status, page.page]).to.deep.equal([403, 'enrolment-refused'])
    expect(page.model).to.deep.equal(FORM)
    const refused = await at((visit) => refuse(visit, 'no-proof'), noAddress)
    expect(refused.status).to.equal(403)
    const told = await heardOf(of, 'enrolment-refused')
    expect(told.map(({ detail }) => (detail as { reason?: string }).reason)).to.deep.equal([
      'no-address',
      'no-proof',
    ])
    expect(await refusalOf(at(sendProof, noAddress))).to.deep.equal(EXPIRED)
  })
})
