import { expect } from 'chai'
import { newRecord } from '../../../src/domain/mfa-record.ts'
import { findByName } from '../../../src/server/accounts/people.ts'
import { onEachStorage } from './on-each-storage.ts'

onEachStorage('user show', ({ cli, within }) => {
  it('R14 lists the trusted browsers, with their place and their end', async () => {
    expect((await cli('user add mira')).code).to.equal(0)
    expect((await cli('user show mira --json')).json()['trusted_browsers']).to.deep.equal([])
    const since = Math.floor(Date.now() / 1000) - 60
    const until = since + 86_400
    await within(async ({ storage }) => {
      const { id } = (await findByName(storage.accounts, 'mira'))!.account
      const record = newRecord(id)
      const kept = { id: 'laptop', tokenHash: 'hash', previous: [], epoch: record.epoch }
      const place = { name: { browser: 'Firefox', system: 'Linux' }, network: '203.0.113.0/24' }
      const laptop = { ...kept, ...place, since, until, lastUsedAt: since }
      const trusting = { ...record, trustedBrowsers: [laptop] }
      const stored = await storage.records.load(id)
      await storage.records.save(id, trusting as never, stored?.version ?? 0)
    })
    const end = new Date(until * 1000).toISOString().slice(0, 10)
    expect((await cli('user show mira')).out).to.match(
      new RegExp(
        `^trusted browser: Firefox on Linux in 203.0.113.0/24, since .*, until ${end}T`,
        'm',
      ),
    )
    const [listed] = (await cli('user show mira --json')).json()['trusted_browsers'] as object[]
    expect(listed).to.include({ id: 'laptop', since, until, last_used_at: since })
  })
})
