import { expect } from 'chai'
import type { MfaEvent } from '../../../src/index.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { passEventsOn, type NoticeServices } from '../../../src/server/notices/notices.ts'
import { world } from '../accounts/support.ts'

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

/** A letter with a link that has not been sent yet. */
const LINK = {
  about: 'link',
  accountId: MIRA.id,
  to: 'mira@example.com',
  template: 'password-reset',
  values: {},
  languages: '',
  until: 4_000_000_000,
}

const EVENT = { id: 'event-1', accountId: MIRA.id, at: 1, type: 'factor-enrolled', detail: {} }

/** Passes one event on for the account, so many times; returns the letters that wait and the trail. */
async function tell(account: Account, { notice = true, times = 1, type = EVENT.type } = {}) {
  const { storage, letters, clock } = world()
  await storage.accounts.insert(account, { username: account.username })
  let pass: (event: MfaEvent) => Promise<void> = () => Promise.reject(new Error('not listening'))
  passEventsOn({
    mfa: {
      on: (_type: string, listener: typeof pass) => (pass = listener),
      noticeOf: async ({ id }: MfaEvent) =>
        notice ? { id, template: 'factor-enrolled', values: { at: '1' } } : undefined,
    },
    accounts: storage.accounts,
    audit: storage.audit,
    letters,
  } as unknown as NoticeServices)
  await letters.put([LINK])
  for (let time = 0; time < times; time += 1) await pass({ ...EVENT, type } as MfaEvent)
  const mailed = []
  const links = []
  for (;;) {
    const row = await storage.outbox.claim(clock.now(), clock.now() + 60)
    if (row === undefined) break
    if (row.until === undefined) mailed.push(letters.open(row))
    else links.push(row.id)
  }
  return { mailed, links, trail: await storage.audit.list({ limit: 9 }) }
}

describe('the notice of an event', () => {
  it('waits in the outbox for the verified address of the account', async () => {
    expect((await tell(MIRA)).mailed).to.deep.equal([
      {
        to: 'mira@example.com',
        template: 'factor-enrolled',
        values: { account: 'mira', at: '1' },
        languages: '',
      },
    ])
  })

  it('is one row, and one entry of the trail, however often the event is told', async () => {
    const { mailed, trail } = await tell(MIRA, { times: 3 })
    expect(mailed).to.have.length(1)
    expect(trail).to.have.length(1)
  })

  it('goes to no address that was not verified, and stands in the trail all the same', async () => {
    const { mailed, trail } = await tell({ ...MIRA, emailVerified: false })
    expect(mailed).to.deep.equal([])
    expect(trail.map(({ type }) => type)).to.deep.equal(['factor-enrolled'])
    const { email: _, ...without } = MIRA
    expect((await tell(without)).mailed).to.deep.equal([])
  })

  it('R3 takes back a link that waits when the epoch rises, which makes it void', async () => {
    expect((await tell(MIRA)).links).to.have.length(1)
    expect((await tell(MIRA, { type: 'epoch-raised' })).links).to.deep.equal([])
  })

  it('is not written for an event of which the owner is not told', async () => {
    const { mailed, trail } = await tell(MIRA, { notice: false })
    expect(mailed).to.deep.equal([])
    expect(trail).to.have.length(1)
  })
})
