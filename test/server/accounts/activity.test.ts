import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import type { AuditEntry } from '../../../src/ports/audit-trail.ts'
import { allActivity, readActivity, type OwnEvent } from '../../../src/server/accounts/activity.ts'

const NOW = 1_800_000_000
const DAY = 86_400

describe('the events that a person sees', () => {
  const { audit } = memoryStorage()
  let number = 0
  const add = (accountId: string, at: number, detail: AuditEntry['detail'] = {}) =>
    audit.add([{ id: `e${(number += 1)}`, type: 'factor-accepted', accountId, at, detail }])
  const all = async (accountId: string): Promise<OwnEvent[]> =>
    Array.fromAsync(allActivity(audit, { accountId, now: NOW }))

  it('are those of the account in the last 90 days, the newest first', async () => {
    for (const days of [0, 1, 90, 91]) await add('mira', NOW - days * DAY)
    await add('theo', NOW)
    const { events, before } = await readActivity(audit, { accountId: 'mira', now: NOW })
    expect(events.map(({ at }) => (NOW - at) / DAY)).to.deep.equal([0, 1, 90])
    expect(before).to.equal(undefined)
  })

  it('come in pages that leave none out and repeat none, many within one second too', async () => {
    const times = [...Array<number>(70).keys()].map((index) => NOW - Math.floor(index / 30) * 7)
    for (const at of [...times, ...Array<number>(40).fill(NOW - 5000)]) await add('anna', at)
    const first = await readActivity(audit, { accountId: 'anna', now: NOW })
    expect(first.before).to.be.a('number')
    const events = await all('anna')
    expect(events).to.have.length(110)
    expect(events.map(({ at }) => at)).to.deep.equal(
      events.map(({ at }) => at).toSorted((one, other) => other - one),
    )
  })

  it('R31 name a browser in our words and a place as a network, whatever a sender has written', async () => {
    await add('olga', NOW, {
      ip: '203.0.113.77',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0 <b>call 0900</b>',
      factor: 'totp',
      authenticatorName: 'Phone',
      authenticatorId: 'a1',
      clientId: 'app',
      count: 3,
    })
    expect(await all('olga')).to.deep.equal([
      {
        type: 'factor-accepted',
        at: NOW,
        factor: 'totp',
        name: 'Phone',
        clientId: 'app',
        browser: { browser: 'Firefox', system: 'Linux' },
        place: '203.0.113.0/24',
        count: 3,
      },
    ])
    await add('nils', NOW, { ip: 'unknown', userAgent: 'curl/8', authenticatorName: '' })
    expect(await all('nils')).to.deep.equal([{ type: 'factor-accepted', at: NOW }])
  })
})
