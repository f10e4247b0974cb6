import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { deliveryModel, pressed } from '../../interactions/mfa/delivery.ts'
import { noticesOf } from '../../interactions/mfa/notices.ts'
import { groundOf, knownFactor } from '../../interactions/mfa/visit.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { NOW } from '../domain/records.ts'

describe('the button that sends a code', () => {
  it('is answered by the page: sent, not handed over, or too early', () => {
    expect(pressed('sent')).to.deep.equal({ notice: 'sent', status: 200 })
    expect(pressed('not-sent')).to.deep.equal({ notice: 'failed', status: 503 })
    expect(pressed({ notBefore: NOW })).to.deep.equal({ notice: 'wait', status: 429 })
  })

  const fresh = newRecord('mira')
  const modelAt = (now: number, press?: ReturnType<typeof pressed>, sentTo?: string) => {
    const headers: Record<string, string> = {}
    const visit = {
      core: { deps: { clock: { now: () => now } } },
      ctx: { set: (name: string, value: string) => (headers[name] = value) },
    } as never
    const record = { ...fresh, history: { ...fresh.history, deliveredAt: [NOW] } }
    const model = deliveryModel(visit, { record, sendAction: '/send', sentTo, press })
    return { model, headers }
  }

  it('R3 says how long the next code has to wait', () => {
    const early = modelAt(NOW + 20, pressed({ notBefore: NOW + 60 }), 'm•••@example.com')
    expect(early.model).to.deep.equal({
      sendAction: '/send',
      sentTo: 'm•••@example.com',
      waitSeconds: 40,
      notice: 'wait',
    })
    expect(early.headers).to.deep.equal({ 'Retry-After': '40' })
  })

  it('says nothing of a wait that is over, and of what was not pressed', () => {
    for (const press of [undefined, pressed({ notBefore: NOW + 60 })]) {
      const { model, headers } = modelAt(NOW + 60, press)
      expect(model).to.deep.equal({ sendAction: '/send', ...(press && { notice: 'wait' }) })
      expect(headers).to.deep.equal({})
    }
    const sent = modelAt(NOW + 20, pressed('sent'))
    expect(sent.model).to.deep.equal({ sendAction: '/send', waitSeconds: 40, notice: 'sent' })
    expect(sent.headers).to.deep.equal({})
  })
})

describe('the page about look-up secrets that run out', () => {
  const form = { csrf: 'token', action: '/low' }
  const modelWith = (remaining: number | undefined, manageUrl?: string) => {
    const core = { notices: [], manageUrl } as unknown as Core
    const low = noticesOf(core).find(({ page }) => page === 'backup-codes-low')
    return low?.model(
      { record: newRecord('mira'), now: NOW, isChange: false, accepted: { remaining } as never },
      form,
    )
  }

  it('is there for three or fewer, right after one was used', () => {
    for (const remaining of [0, 1, 3])
      expect(modelWith(remaining)).to.deep.equal({ ...form, remaining })
    for (const remaining of [4, 10, undefined]) expect(modelWith(remaining)).to.equal(undefined)
  })

  it('leads to the page for factors where the application names one', () => {
    expect(modelWith(1, 'https://app.example/account')).to.deep.include({
      manageHref: 'https://app.example/account',
    })
  })

  it('comes after the page of a running recovery, and before those of other parts of the product', () => {
    const other = { page: 'imported-codes' } as never
    const pages = noticesOf({ notices: [other] } as unknown as Core)
    expect(pages.map(({ page }) => page)).to.deep.equal([
      'recovery-status',
      'backup-codes-low',
      'backup-code-used',
      'imported-codes',
    ])
  })
})

describe('the factor that a form names', () => {
  it('R34 is one of the configured ones, or the form is unreadable', () => {
    const totp = { id: 'totp' }
    const core = { deps: { factors: new Map([['totp', totp]]) } } as unknown as Core
    expect(knownFactor(core, 'totp')).to.equal(totp)
    for (const id of [undefined, '', 'pigeon', '__proto__'])
      expect(() => knownFactor(core, id))
        .to.throw()
        .that.includes({
          code: 'form-unreadable',
          status: 400,
        })
  })
})

describe('the facts that a factor receives', () => {
  it('are the language, the issuer, and the verified address if there is one', () => {
    const issuer = 'https://id.example.com'
    const about = { core: { provider: { issuer } } as unknown as Core, locale: 'de' }
    expect(groundOf({ ...about, details: {} })).to.deep.equal({ locale: 'de', issuer })
    const details = { address: 'mira@example.com' }
    expect(groundOf({ ...about, details })).to.deep.equal({ locale: 'de', issuer, ...details })
  })
})
