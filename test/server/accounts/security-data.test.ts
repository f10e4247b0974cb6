import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import type { AccountStatus } from '../../../src/index.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { securityDataOf } from '../../../src/server/accounts/security-data.ts'

const NOW = 1_800_000_000

describe('the export of a person’s security data', () => {
  const storage = memoryStorage()
  const account: Account = {
    id: 'mira',
    username: 'mira',
    email: 'mira@example.com',
    emailVerified: true,
    passwordHash: '$argon2id$a-secret-hash',
    addresses: [{ address: 'mira@backup.example', verifiedAt: NOW - 20 }],
    groups: ['staff'],
    locale: 'en',
    claims: { locale: 'de' },
    createdAt: NOW - 1000,
    updatedAt: NOW,
    passwordOrigin: 'administrator',
    enrolmentProof: { usedAt: NOW, until: NOW, epoch: 1, browser: 'a-secret-browser' },
    setUpSerial: 4,
  }
  const status: AccountStatus = {
    enrolled: true,
    factors: [
      { id: 'f1', factor: 'totp', name: 'Phone', createdAt: NOW - 500, lastUsedAt: NOW - 9 },
    ],
    codesDisabled: false,
    passwordSuspected: false,
    knownBrowsers: 2,
    epoch: 7,
    frozenAt: NOW - 5,
  }
  const data = async () => {
    await storage.audit.add([
      {
        id: 'e1',
        type: 'factor-accepted',
        accountId: 'mira',
        at: NOW - 9,
        detail: { factor: 'totp', ip: '203.0.113.7', userAgent: 'Firefox', epoch: 7 },
      },
      { id: 'e2', type: 'factor-accepted', accountId: 'theo', at: NOW - 9, detail: {} },
    ])
    return securityDataOf(
      {
        service: 'Acme',
        accounts: storage.accounts,
        audit: storage.audit,
        statusOf: async () => status,
        browsersOf: async () => [
          {
            id: 'a-secret-token-hash',
            firstSeenAt: NOW - 900,
            lastSeenAt: NOW - 9,
            name: { browser: 'Firefox', system: 'Linux' },
            network: '203.0.113.0/24',
            current: false,
          },
        ],
        doorsOf: async () => ({ recovery: { open: false, reason: 'frozen' } }),
        sessionsOf: async () => [
          {
            id: 'a-secret-id',
            firstAt: NOW - 9,
            lastAt: NOW,
            network: '203.0.113.0/24',
            clientIds: ['app'],
          },
        ],
      },
      'mira',
      NOW,
    )
  }
  before(() => storage.accounts.insert(account, { username: 'mira', email: 'mira@example.com' }))

  it('has factors, browsers, sessions, events, addresses and marks', async () => {
    const file = JSON.parse(JSON.stringify(await data())) as object
    expect(file).to.deep.include({
      service: 'Acme',
      exportedAt: '2027-01-15T08:00:00.000Z',
      knownBrowsers: [
        {
          firstSeenAt: '2027-01-15T07:45:00.000Z',
          lastSeenAt: '2027-01-15T07:59:51.000Z',
          browser: { browser: 'Firefox', system: 'Linux' },
          network: '203.0.113.0/24',
        },
      ],
      sessions: [
        {
          firstAt: '2027-01-15T07:59:51.000Z',
          lastAt: '2027-01-15T08:00:00.000Z',
          network: '203.0.113.0/24',
          apps: ['app'],
        },
      ],
      events: [
        {
          type: 'factor-accepted',
          at: '2027-01-15T07:59:51.000Z',
          factor: 'totp',
          browser: { browser: 'Firefox' },
          place: '203.0.113.0/24',
        },
      ],
    })
    expect(file).to.have.nested.property('account.email', 'mira@example.com')
    expect(file).to.have.nested.property('account.claims.locale', 'de')
    expect(file).to.have.nested.property('account.language', 'de')
    expect(file).to.have.nested.property('account.lastLanguage', 'en')
    expect(file)
      .to.have.nested.property('account.addresses')
      .that.deep.equals([
        { address: 'mira@backup.example', verifiedAt: '2027-01-15T07:59:40.000Z' },
      ])
    expect(file).to.have.nested.property('factors[0].name', 'Phone')
    expect(file).to.have.nested.property('marks.lockedByOwnerAt', '2027-01-15T07:59:55.000Z')
    expect(file).to.have.nested.property('marks.changes.recovery.reason', 'frozen')
  })

  it('R31 has no secret, no hash of one, and nothing that a proof is compared with', async () => {
    const text = JSON.stringify(await data())
    expect(text).not.to.match(/secret|argon2|epoch|serial|203\.0\.113\.7/i)
  })
})
