import { expect } from 'chai'
import {
  raiseEpoch,
  resetFactors,
  settleEnrolled,
  settlePasswordChanged,
} from '../../src/domain/enrolment.ts'
import { pass } from '../../src/domain/attempt.ts'
import { settleRemoved } from '../../src/domain/factor-change.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { settleLocked } from '../../src/domain/lock.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { settleRecovered } from '../../src/domain/recovery.ts'
import { settleRestored } from '../../src/domain/restore.ts'
import {
  reusedIn,
  revokeTrust,
  settleReused,
  settleTrusted,
} from '../../src/domain/trusted-browser.ts'
import { settleTurnedOff } from '../../src/domain/turn-off.ts'
import { settleImported } from '../../src/import/rules.ts'
import { acceptance, authenticator, enrolled, NOW } from './records.ts'

const TABLET = authenticator({ id: 'tablet', name: 'Tablet' })
const WHERE = { now: NOW, detail: {} }

const trust = (record: MfaRecord, id: string): MfaRecord =>
  settleTrusted(record, { id, tokenHash: id, seconds: 3_600, factor: 'totp' }, WHERE).record

/** An account with two authenticators, trusted in two browsers; a factor was shown for a change. */
const { record: proved, accepted: proof } = pass(
  trust(trust(enrolled({ authenticators: [authenticator(), TABLET] }), 'laptop'), 'phone'),
  acceptance(),
)
const fresh = (id: string) => acceptance({ authenticator: authenticator({ id }) })
const change = {
  proof,
  fingerprint: 'change-1',
  browser: UNKNOWN_BROWSER,
  tokenHash: 'new-browser',
  ...WHERE,
}

/** Each cause, with the reason that the event has. */
const CAUSES: Record<string, () => { record: MfaRecord; events: readonly { type: string }[] }> = {
  reset: () => resetFactors(proved, NOW),
  restored: () => settleRestored(proved, proved.authenticators, NOW),
  'password-changed': () => settlePasswordChanged(proved),
  'factor-removed': () => settleRemoved(proved, TABLET, change),
  'factor-enrolled': () => settleEnrolled(proved, fresh('new'), []),
  'factor-replaced': () => settleEnrolled(proved, fresh('new'), [], { replaced: TABLET }),
  'factor-imported': () => settleImported(proved, [TABLET], true, NOW),
  'turned-off': () => settleTurnedOff(proved, {})!,
  'locked-by-owner': () => settleLocked(proved, WHERE),
  theft: () => raiseEpoch(proved, 'theft'),
  owner: () => revokeTrust(proved, {}, 'owner'),
  revoked: () => revokeTrust(proved, {}, 'revoked'),
  reused: () => {
    const shown = ['laptop', 'phone'].map((id) => ({ id, tokenHash: 'a replaced one' }))
    return settleReused(proved, reusedIn(proved, shown, NOW), {})
  },
}

describe('the end of the trust in browsers', () => {
  for (const [reason, settle] of Object.entries(CAUSES))
    it(`R14 has one event, with the reason ${reason}`, () => {
      expect(proved.trustedBrowsers).to.have.length(2)
      const { record, events } = settle()
      expect(record.trustedBrowsers).to.deep.equal([])
      const told = events.filter(({ type }) => type === 'browser-trust-revoked')
      expect(told).to.deep.equal([{ type: 'browser-trust-revoked', detail: { reason, count: 2 } }])
    })

  it('R14 R20 has one event, with the reason factor-enrolled, where an added factor keeps the epoch', () => {
    const { record, events } = settleEnrolled(proved, fresh('new'), [], { isBesideOther: true })
    expect(record.trustedBrowsers).to.deep.equal([])
    expect(record.epoch).to.equal(proved.epoch)
    const detail = { reason: 'factor-enrolled', count: 2 }
    expect(events.slice(1)).to.deep.equal([{ type: 'browser-trust-revoked', detail }])
  })

  it('R14 has one event in a recovery, with the reason factor-enrolled', () => {
    const { record, events } = settleRecovered(proved, fresh('new'), [])
    expect(record.trustedBrowsers).to.deep.equal([])
    const told = { type: 'browser-trust-revoked', detail: { reason: 'factor-enrolled', count: 2 } }
    expect(events.filter(({ type }) => type === told.type)).to.deep.equal([told])
  })

  it('R14 has no event where no browser is trusted', () => {
    const untrusted = { ...proved, trustedBrowsers: [] }
    for (const { events } of [raiseEpoch(untrusted, 'reset'), revokeTrust(untrusted, {}, 'owner')])
      expect(events.map(({ type }) => type)).not.to.include('browser-trust-revoked')
  })
})
