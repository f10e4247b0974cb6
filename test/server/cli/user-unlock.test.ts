import { expect } from 'chai'
import type { JsonObject } from '../../../src/domain/json.ts'
import { newRecord } from '../../../src/domain/mfa-record.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { findByName } from '../../../src/server/accounts/people.ts'
import { passwordCheck, type PasswordVerdict } from '../../../src/server/accounts/sign-in.ts'
import type { Foundation } from '../../../src/server/boot/foundation.ts'
import { onEachStorage } from './on-each-storage.ts'

const GOOD = 'a long walk in the rain'
const DAY = 86_400

const newRecordOf = (id: string): JsonObject => newRecord(id) as unknown as JsonObject

onEachStorage('user unlock', (line) => {
  const { cli, within } = line

  const guess = (password: string): Promise<PasswordVerdict['outcome']> =>
    within(async (foundation, mfa) => {
      const check = passwordCheck({
        ...foundation,
        accounts: foundation.storage.accounts,
        counters: foundation.storage.counters,
        hasher: foundation.passwords,
        limits: foundation.settings.passwords,
        epochOf: (id) => mfa.accounts.epoch(id),
      })
      const verdict = await check({
        name: 'mira',
        password,
        address: '203.0.113.7',
        browserIsKnown: async () => false,
        browserFailed: async () => undefined,
      })
      return verdict.outcome
    })
  const account = async ({ storage }: Foundation): Promise<Account> =>
    (await findByName(storage.accounts, 'mira'))!.account
  const lockName = async (): Promise<void> => {
    for (let nth = 0; nth < 5; nth += 1) expect(await guess(`wrong ${nth}`)).to.equal('refused')
  }

  beforeEach(async () => {
    expect((await cli('user add mira --password-stdin', GOOD)).code).to.equal(0)
  })

  it('ends the lock of a name, which `user show` tells with its end', async () => {
    const showLock = async () => (await cli('user show mira --json')).json()['name_lock']
    expect(await showLock()).to.equal(null)
    await lockName()
    expect(await guess(GOOD)).to.equal('refused')
    const lock = (await showLock()) as { ends_at: number }
    expect(lock.ends_at).to.be.closeTo(Date.now() / 1000 + 90 * DAY, 3600)
    const day = new Date(lock.ends_at * 1000).toISOString().slice(0, 10)
    expect((await cli('user show mira')).out).to.match(
      new RegExp(`^too many wrong passwords: new browsers are refused until ${day}T`, 'm'),
    )

    const unlocked = await cli('user unlock mira --json')
    expect(unlocked).to.include({ code: 0, err: '' })
    expect(unlocked.json()).to.deep.include({ username: 'mira', ended: ['name'], left: [] })
    expect(await showLock()).to.equal(null)
    expect((await cli('user show mira')).out).not.to.contain('wrong passwords')
    expect(await guess(GOOD)).to.equal('accepted')
  })

  it('has an entry in the trail, also where nothing was locked', async () => {
    expect((await cli('user unlock mira --json')).json()).to.deep.include({ ended: [], left: [] })
    const trail = (await cli('audit --user mira --type user-unlocked')).out
    expect(trail).to.match(/user-unlocked +mira/)
  })

  it('ends the waits after wrong codes, and counts failures of a clock that ran ahead from now on', async () => {
    await within(async (foundation, mfa) => {
      const { id } = await account(foundation)
      const ahead = foundation.clock.now() + 400 * DAY
      const until = foundation.clock.now() + 1800
      await foundation.storage.records.save(
        id,
        {
          ...newRecordOf(id),
          throttle: { failedAt: [ahead], unknownBrowsers: { failures: 12, until } },
        },
        0,
      )
      expect(await mfa.accounts.status(id)).to.include({ lockedUntil: until })
    })
    expect((await cli('user unlock mira --json')).json()).to.deep.include({ ended: ['codes'] })
    expect((await cli('user show mira')).out).not.to.contain('wrong codes')
    await within(async (foundation) => {
      const { id } = await account(foundation)
      const stored = await foundation.storage.records.load(id)
      const { failedAt, unknownBrowsers } = stored!.record!['throttle'] as unknown as {
        failedAt: number[]
        unknownBrowsers: object
      }
      expect(unknownBrowsers).to.deep.equal({ failures: 0 })
      expect(failedAt).to.have.length(1)
      expect(failedAt[0]).to.be.at.most(foundation.clock.now())
    })
  })

  it('leaves what says that somebody else may have the account, and names what ends it', async () => {
    await within(async (foundation) => {
      const { id } = await account(foundation)
      const now = foundation.clock.now()
      await foundation.storage.records.save(
        id,
        {
          ...newRecordOf(id),
          frozenAt: now,
          throttle: {
            failedAt: [],
            unknownBrowsers: { failures: 0 },
            codesDisabledAt: now,
            passwordSuspectedAt: now,
          },
        },
        0,
      )
    })
    const unlocked = await cli('user unlock mira --json')
    const left = ['owner', 'codes_disabled', 'password_suspected']
    expect(unlocked.json()).to.deep.include({ ended: [], left })
    const { out } = await cli('user unlock mira')
    expect(out).to.contain('reset-mfa --password').and.to.contain('Locked by its owner since')
    const { mfa } = (await cli('user show mira --json')).json<{ mfa: object }>()
    expect(mfa).to.include({ codes_disabled: true, password_suspected: true })
    expect(mfa).to.have.property('frozen_at')
  })

  it('says that nobody has the name', async () => {
    expect((await cli('user unlock theo --json')).failure()).to.equal('user-unknown')
  })
})
