import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Account } from '../../src/ports/accounts.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { GRANT, grantNode } from './grants.ts'
import { mongodbPlace, openPlace, SERVER_PLACES, type OpenPlace, type Place } from './places.ts'
import { loadRecord } from '../../src/application/commit.ts'
import { LINKS, NEW_HASH, OLD_HASH, OWNER, resetGround } from './reset-ground.ts'
import type { Order, Report, Scenario } from './storage-worker.ts'

const PROCESSES = 4
const NOW = 1_800_000_000

const PLACES: Readonly<Record<string, (context: Mocha.Context) => Promise<Place>>> = {
  ...SERVER_PLACES,
  'MongoDB, user documents': (context) => mongodbPlace(context, true),
}

for (const [name, make] of Object.entries(PLACES))
  describe(`${name}: 4 processes x 50 parallel operations at one barrier`, function () {
    // The stand-in for MongoDB scans the whole collection for each conditional write.
    this.timeout(180_000)
    let place: Place
    let workers: ChildProcess[] = []
    let opened: OpenPlace
    let storage: ServerStorage

    before(async function () {
      place = await make(this)
      workers = Array.from({ length: PROCESSES }, () =>
        fork(join(import.meta.dirname, 'storage-worker.ts'), [place.address]),
      )
      await Promise.all(workers.map((worker) => once(worker, 'message')))
    })

    after(async () => {
      for (const worker of workers) worker.disconnect()
      await opened?.close()
      await place?.remove()
    })

    /** Makes every process carry out its operations at once, and adds up the outcomes. */
    async function race(scenario: Scenario): Promise<Report> {
      const order: Order = { scenario, startAt: Date.now() + 50 }
      const reports = await Promise.all(
        workers.map(async (worker) => {
          const answer = once(worker, 'message')
          worker.send(order)
          return (await answer)[0] as Report
        }),
      )
      const sum: Record<string, number> = {}
      for (const report of reports) {
        for (const [outcome, count] of Object.entries(report)) {
          sum[outcome] = (sum[outcome] ?? 0) + count
        }
      }
      return sum
    }

    it('all open an empty database at once, and each finds it whole', async () => {
      expect(await race('open')).to.deep.equal({ opened: PROCESSES })
      opened = await openPlace(place.address)
      storage = opened.storage as ServerStorage
    })

    it('R5 R18 no change of a record is lost', async () => {
      expect(await race('increment')).to.deep.equal({ saved: 200 })
      const { record, version } = (await storage.records.load('anna'))!
      expect(record?.['count']).to.equal(200)
      expect(new Set(record?.['by'] as string[]).size).to.equal(200)
      expect(version).to.equal(200)
    })

    it('R18 a handle is one account’s, and the others keep nothing of the save', async () => {
      expect(await race('hold')).to.deep.equal({ held: 1, 'handle-taken': 199 })
      const owner = (await storage.records.findByHandle('key')) ?? ''
      expect(await storage.records.findByHandle(owner)).to.equal(owner)
    })

    if (!(name in SERVER_PLACES)) return

    it('R18 a counter lets exactly its limit through', async () => {
      expect(await race('reserve')).to.deep.equal({ allowed: 5, refused: 195 })
    })

    it('R5 R18 a one-time entry is taken once', async () => {
      await storage.oneTime.put('link', { accountId: 'anna' }, NOW + 60)
      expect(await race('take')).to.deep.equal({ taken: 1, nothing: 199 })
    })

    it('R18 a name is one account’s, by which of its names it may be', async () => {
      expect(await race('claim')).to.deep.equal({ claimed: 1, taken: 199 })
      expect(await storage.accounts.byName('anna')).not.to.equal(undefined)
    })

    it('R18 R21 an authorization code is used once, and the rest are told invalid_grant', async () => {
      await storage.hostRecords('AuthorizationCode').upsert('code', { grantId: 'g' }, 60)
      expect(await race('consume')).to.deep.equal({ used: 1, invalid_grant: 199 })
    })

    it('R18 R19 a session that was signed out comes back under no new id', async () => {
      const sessions = storage.hostRecords('Session')
      await sessions.upsert('s', { uid: 'u', jti: 's' }, 3600)
      await sessions.destroy('s')
      expect(await race('sign-out')).to.deep.equal({ refused: 200 })
      expect(await sessions.findByUid('u')).to.equal(undefined)
    })

    it('R18 R19 a session that its owner ends is not revived by requests in flight', async () => {
      const sessions = storage.hostRecords('Session')
      await sessions.upsert('e', { uid: 'ending', jti: 'e' }, 3600)
      const { ended = 0, 'in flight': inFlight = 0 } = await race('end-session')
      expect(ended).to.be.greaterThan(0)
      expect(ended + inFlight).to.equal(200)
      expect(await sessions.find('e')).to.equal(undefined)
      expect(await sessions.findByUid('ending')).to.equal(undefined)
      expect(await storage.accountRecords.isEnded('ending')).to.equal(true)
    })

    it('R9 R18 R20 R44 of a lock and resets by mail at once, the lock holds, and no sign-in with the old password outlives a reset', async () => {
      const { node, links } = resetGround(storage, NOW)
      const account: Account = {
        id: OWNER,
        username: OWNER,
        email: 'owner@example.com',
        emailVerified: true,
        passwordHash: OLD_HASH,
        groups: [],
        claims: {},
        createdAt: NOW,
        updatedAt: NOW,
        passwordOrigin: 'owner',
      }
      await storage.accounts.insert(account, { username: OWNER, email: 'owner@example.com' })
      for (let number = 0; number < LINKS; number += 1)
        await links(number).make(account, 'owner@example.com')
      const { locked = 0, done = 0, gone = 0, ...signIns } = await race('lock-and-reset')
      expect(locked).to.be.greaterThan(0)
      expect(gone).to.be.greaterThan(0)
      expect(done).to.be.lessThan(2)
      const { record } = await loadRecord(node.deps, OWNER)
      expect(record.frozenAt).to.equal(NOW)
      const { passwordHash } = (await storage.accounts.byId(OWNER))!.account
      expect(passwordHash).to.equal(done === 1 ? NEW_HASH : OLD_HASH)
      if (done === 0) return
      expect(record.history.passwordByMail).to.include({ at: NOW })
      expect(signIns).not.to.have.property(`old password in epoch ${record.epoch}`)
    })

    it('R18 R20 an app whose access its owner ends gets it back by no request in flight', async () => {
      const { mfa, Grant } = grantNode(storage)
      const { accountId, clientId, id } = GRANT
      const grant = Object.assign(new Grant({ accountId, clientId }), { jti: id })
      grant.addOIDCScope('openid')
      await grant.save()
      const inFlight = await Grant.find(id)
      expect(await race('load-grant')).to.deep.equal({ loaded: 200 })
      expect(await race('revoke-app')).to.deep.equal({ ended: 20, 'in flight': 180 })
      expect(await Grant.find(id)).to.equal(undefined)
      expect(await mfa.accounts.accessEndings(accountId, clientId)).to.equal(20)
      await inFlight?.save()
      expect(await storage.hostRecords('Grant').find(id)).not.to.equal(undefined)
      expect(await Grant.find(id)).to.equal(undefined)
    })
  })
