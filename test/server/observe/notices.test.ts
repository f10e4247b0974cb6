import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import type { MfaEvent } from '../../../src/index.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { passEventsOn, type NoticeServices } from '../../../src/server/observe/notices.ts'

const MIRA: Account = {
  id: 'mira-id',
  username: 'mira',
  email: 'mira@example.com',
  emailVerified: true,
  groups: [],
  claims: {},
  createdAt: 1,
  updatedAt: 1,
  passwordOrigin: 'none',
}

/** Passes one event on for the account; returns the addresses that were mailed and the events of the trail. */
async function tell(account: Account, event: { type?: MfaEvent['type']; detail?: object } = {}) {
  const storage = memoryStorage()
  await storage.accounts.insert(account, { username: account.username })
  const mailed: string[] = []
  let pass: (event: MfaEvent) => Promise<void> = () => Promise.reject(new Error('not listening'))
  passEventsOn({
    mfa: {
      on: (_type: string, listener: typeof pass) => (pass = listener),
      views: {
        localeFor: () => 'en',
        renderMail: () => ({ subject: 'A subject', text: 'A text' }),
      },
    },
    mailer: { send: async ({ to }: { to: string }) => void mailed.push(to) },
    accounts: storage.accounts,
    audit: storage.audit,
    issuerName: 'Acme',
    manageUrl: 'https://id.example.com/account',
  } as unknown as NoticeServices)
  await pass({
    id: 'event-1',
    accountId: account.id,
    at: 1,
    type: 'factor-enrolled',
    detail: {},
    ...event,
  } as MfaEvent)
  return { mailed, trail: await storage.audit.list({ limit: 9 }) }
}

describe('the notice of a change', () => {
  it('goes to the verified address of the account', async () => {
    expect((await tell(MIRA)).mailed).to.deep.equal(['mira@example.com'])
  })

  it('goes to no address that was not verified, and stands in the trail all the same', async () => {
    const { mailed, trail } = await tell({ ...MIRA, emailVerified: false })
    expect(mailed).to.deep.equal([])
    expect(trail.map(({ type }) => type)).to.deep.equal(['factor-enrolled'])
    const { email: _, ...without } = MIRA
    expect((await tell(without)).mailed).to.deep.equal([])
  })

  it('is not mailed for each event', async () => {
    expect((await tell(MIRA, { type: 'factor-accepted' })).mailed).to.deep.equal([])
    expect((await tell(MIRA, { type: 'backup-codes-created' })).mailed).to.deep.equal([])
    const renewed = { type: 'backup-codes-created', detail: { reason: 'renewed' } } as const
    expect((await tell(MIRA, renewed)).mailed).to.have.length(1)
  })
})
