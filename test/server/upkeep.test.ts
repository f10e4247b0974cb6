import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { parseEnvironment } from '../../config/environment.ts'
import { sweepStorage } from '../../src/server/upkeep/sweep.ts'

const DAY = 86_400

describe('upkeep', () => {
  const keptAfter = async (days: number, audit: object): Promise<number> => {
    const clock = { time: 1_700_000_000, now: () => clock.time }
    const storage = memoryStorage({ clock })
    const key = randomBytes(32).toString('base64')
    const { settings } = parseEnvironment(
      { CONFIG_FILE: 'c', ENCRYPTION_KEYS: key, COOKIE_KEYS: key },
      () => JSON.stringify({ audit }),
    )
    await storage.audit.add([{ id: '1', type: 'user-added', at: clock.time, detail: {} }])
    clock.time += days * DAY
    await sweepStorage({ storage, clock, settings })
    return (await storage.audit.list({ limit: 9 })).length
  }

  it('keeps the audit trail for 400 days unless told otherwise', async () => {
    expect(await keptAfter(400, {})).to.equal(1)
    expect(await keptAfter(401, {})).to.equal(0)
    expect(await keptAfter(8, { retentionDays: 7 })).to.equal(0)
  })

  it('keeps it for ever with 0', async () => {
    expect(await keptAfter(20_000, { retentionDays: 0 })).to.equal(1)
  })
})
