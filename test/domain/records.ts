import type { Acceptance } from '../../src/domain/attempt.ts'
import type { Assurance } from '../../src/domain/assurance.ts'
import { classify, remember, UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { newRecord, type Authenticator, type MfaRecord } from '../../src/domain/mfa-record.ts'

/** The fixed clock of these tests: 15 January 2027, 8:00 UTC. */
export const NOW = 1_800_000_000

export const OTP: Assurance = { amr: ['otp'], kinds: ['possession'], phishingResistant: false }
export const BACKUP_CODE: Assurance = { ...OTP, amr: ['backup_code'] }
export const PASSKEY: Assurance = {
  amr: ['swk', 'user'],
  kinds: ['possession', 'inherence'],
  phishingResistant: true,
}

export function authenticator(changes: Partial<Authenticator> = {}): Authenticator {
  return {
    id: 'phone',
    factor: 'totp',
    name: 'Phone',
    createdAt: NOW,
    sealed: 'sealed',
    ...changes,
  }
}

/** An account with an authenticator app, known in these browsers. */
export function enrolled(changes: Partial<MfaRecord> = {}, browsers: string[] = []): MfaRecord {
  const record = { ...newRecord('mira'), authenticators: [authenticator()], ...changes }
  return browsers.reduce(
    (known, tokenHash) => remember(known, tokenHash, { now: NOW, detail: {} }),
    record,
  )
}

export function acceptance(changes: Partial<Acceptance> = {}): Acceptance {
  return {
    interaction: 'interaction-1',
    fingerprint: 'fingerprint-1',
    authenticator: authenticator({ sealed: 'spent' }),
    assurance: OTP,
    browser: UNKNOWN_BROWSER,
    tokenHash: 'new-browser',
    now: NOW,
    detail: { clientId: 'app' },
    told: [],
    ...changes,
  }
}

export function browserOf(record: MfaRecord, tokenHash: string) {
  return classify(record, [tokenHash])
}
