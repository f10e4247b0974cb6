import { expect } from 'chai'
import type { MfaEvent } from '../../src/index.ts'
import { noticeOf } from '../../src/plugin/notices.ts'

const AT = 1_767_261_600
const event = (type: string, detail: object = {}, more: object = {}): MfaEvent =>
  ({ id: 'e1', accountId: 'mira', at: AT, type, detail, ...more }) as unknown as MfaEvent
const templateOf = async (told: MfaEvent, firstSignInAt?: number) =>
  (await noticeOf(told, async () => firstSignInAt))?.template

describe('which mail tells of an event', () => {
  it('is one for each change of a factor, for codes, lockouts, suspicion and a reset', async () => {
    for (const [type, template] of [
      ['factor-enrolled', 'factor-enrolled'],
      ['factor-removed', 'factor-removed'],
      ['factor-renamed', 'factor-renamed'],
      ['backup-code-used', 'backup-code-used'],
      ['locked', 'locked'],
      ['password-suspected', 'password-suspected'],
      ['codes-disabled', 'codes-disabled'],
      ['reset', 'mfa-reset'],
    ] as const)
      expect(await templateOf(event(type)), type).to.equal(template)
    for (const type of ['factor-refused', 'enrolment-started', 'epoch-raised', 'pigeon-sent'])
      for (const detail of [{}, { browser: 'unknown' }])
        expect(await noticeOf(event(type, detail), async () => undefined), type).to.equal(undefined)
  })

  it('is another one for a factor that a browser has made without asking', async () => {
    const made = event('factor-enrolled', { reason: 'silent' })
    expect(await templateOf(made)).to.equal('factor-enrolled-silent')
  })

  it('is none for the first backup codes, which come with a factor', async () => {
    expect(await templateOf(event('backup-codes-created'))).to.equal(undefined)
    expect(await templateOf(event('backup-codes-created', { reason: 'renewed' }))).to.equal(
      'backup-codes-renewed',
    )
  })

  it('is one for a sign-in in a new browser, but not for the very first sign-in', async () => {
    for (const type of ['factor-accepted', 'signed-in']) {
      expect(await templateOf(event(type, { browser: 'unknown' }), AT - 60)).to.equal('new-browser')
      expect(await templateOf(event(type, { browser: 'unknown' }), AT)).to.equal(undefined)
      expect(await templateOf(event(type, { browser: 'known' }), AT - 60)).to.equal(undefined)
    }
  })

  it('is the same all day for lockouts, of which an attacker can cause many', async () => {
    const idOf = async (more: object) =>
      (await noticeOf(event('locked', {}, more), async () => undefined))?.id
    expect(await idOf({ id: 'e1' })).to.equal(await idOf({ id: 'e2', at: AT + 60 }))
    expect(await idOf({ id: 'e1' })).not.to.equal(await idOf({ id: 'e1', at: AT + 86_400 }))
    expect(await idOf({ id: 'e1' })).not.to.equal(await idOf({ id: 'e1', accountId: 'ole' }))
    const removed = await noticeOf(event('factor-removed'), async () => undefined)
    expect(removed?.id).to.equal('e1')
  })

  it('R44 is the same for a day of one lock, of which a stranger with a link can press the button often', async () => {
    const idOf = async (at: number, since: number) =>
      (await noticeOf(event('account-locked-by-owner', { since }, { at }), async () => undefined))
        ?.id
    const first = await idOf(AT, AT)
    expect(await idOf(AT + 86_399, AT)).to.equal(first)
    expect(await idOf(AT + 86_400, AT)).not.to.equal(first)
    expect(await idOf(AT + 60, AT + 60), 'another lock').not.to.equal(first)
    const ofOther = event('account-locked-by-owner', { since: AT }, { accountId: 'ole' })
    expect((await noticeOf(ofOther, async () => undefined))?.id).not.to.equal(first)
  })

  it('R44 is one for a lock that has cancelled a recovery, and says both', async () => {
    const lock = event('account-locked-by-owner', { since: AT, reason: 'recovery-cancelled' })
    expect(await templateOf(lock)).to.equal('account-locked-recovery')
    expect(await templateOf(event('recovery-cancelled', { reason: 'locked' }))).to.equal(undefined)
    expect(await templateOf(event('recovery-cancelled', { reason: 'mail' }))).to.equal(
      'recovery-cancelled',
    )
  })

  it('says when, where and with which browser, and never the whole address', async () => {
    const detail = {
      factor: 'totp',
      authenticatorName: 'phone',
      userAgent: 'Firefox',
      ip: '203.0.113.77',
    }
    const removed = await noticeOf(event('factor-removed', detail), async () => undefined)
    expect(removed?.values).to.deep.equal({
      at: String(AT),
      factor: 'totp',
      name: 'phone',
      browser: 'Firefox',
      place: '203.0.113.0/24',
    })
  })

  it('says how many backup codes are left and how long a lockout lasts, and leaves out what is unknown', async () => {
    const noticeFor = (type: string, detail: object) =>
      noticeOf(event(type, detail), async () => undefined)
    const at = String(AT)
    expect((await noticeFor('backup-code-used', { remaining: 0 }))?.values).to.deep.equal({
      at,
      remaining: '0',
    })
    expect((await noticeFor('locked', { until: AT + 900 }))?.values).to.deep.equal({
      at,
      until: String(AT + 900),
    })
    expect(await noticeFor('reset', { ip: 'no address' })).to.deep.equal({
      id: 'e1',
      template: 'mfa-reset',
      values: { at },
    })
  })

  it('is one a day for an event of a factor’s own that the factor has mailed, for each authenticator', async () => {
    const factors = [{ id: 'pigeon', mailedEvents: ['pigeon-copied'] }, { id: 'totp' }]
    const told = (type: string, detail: object, more: object = {}) =>
      noticeOf(event(type, detail, more), async () => undefined, factors)
    const detail = { factor: 'pigeon', authenticatorId: 'a1', authenticatorName: 'Blue' }
    const first = await told('pigeon-copied', detail)
    expect(first).to.deep.include({ template: 'pigeon-copied' })
    expect(first?.values).to.include({ factor: 'pigeon', name: 'Blue', at: String(AT) })
    expect((await told('pigeon-copied', detail, { id: 'e2' }))?.id).to.equal(first?.id)
    const tomorrow = await told('pigeon-copied', detail, { at: AT + 86_400 })
    const ofAnother = await told('pigeon-copied', { ...detail, authenticatorId: 'a2' })
    const ofOther = await told('pigeon-copied', detail, { accountId: 'ole' })
    expect(new Set([first, tomorrow, ofAnother, ofOther].map((each) => each?.id)).size).to.equal(4)
    expect(await told('pigeon-fed', detail), 'an event that is not mailed').to.equal(undefined)
    expect(await told('pigeon-copied', { factor: 'totp' }), 'of another factor').to.equal(undefined)
  })

  it('is in the language of the page only if its visitor was the owner', async () => {
    for (const [type, locale] of [
      ['factor-removed', 'de'],
      ['locked', undefined],
      ['password-suspected', undefined],
    ] as const) {
      const told = await noticeOf(event(type, { locale: 'de' }), async () => undefined)
      expect(told?.locale, type).to.equal(locale)
    }
  })
})
