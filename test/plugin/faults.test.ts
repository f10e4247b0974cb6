import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { Clock } from '../../src/ports/services.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { enrolledPerson, nextCode, wrongCode, type Person } from './sign-in.ts'

/** The operations that fail at present. */
interface Broken {
  load?: boolean
  save?: boolean
  /** The record is saved, but the response of the storage is lost, so the caller does not learn of the save. */
  afterSave?: boolean
  interactions?: boolean
}

function breakable(storage: ServerStorage, broken: Broken): ServerStorage {
  const fail = (): Promise<never> =>
    Promise.reject(
      new MfaError('storage-unavailable', 'disk I/O error at /var/lib/mfa.db', { status: 503 }),
    )
  return {
    ...storage,
    records: {
      ...storage.records,
      load: (id) => (broken.load ? fail() : storage.records.load(id)),
      async save(id, record, version) {
        if (broken.save) return fail()
        const saved = await storage.records.save(id, record, version)
        return broken.afterSave ? fail() : saved
      },
    },
    hostRecords: (model) => {
      const inner = storage.hostRecords(model)
      if (model !== 'Interaction') return inner
      return {
        ...inner,
        upsert: (...given) => (broken.interactions ? fail() : inner.upsert(...given)),
      }
    },
  }
}

for (const [name, open] of Object.entries(STORAGES))
  describe(`when the storage is away (${name})`, () => {
    let host: Host
    let mira: Person
    let browser: HttpClient
    let broken: Broken

    beforeEach(async () => {
      broken = {}
      host = await startHost({ storage: (clock) => breakable(open(clock), broken) })
      mira = await enrolledPerson(host)
      await host.mfa.settled()
      host.writes.length = 0
      browser = new HttpClient()
    })
    afterEach(async () => {
      Object.assign(broken, { load: false, save: false, afterSave: false, interactions: false })
      await host.close()
    })

    const expectUnavailable = (page: Page): void => {
      expect([page.status, page.name], page.body).to.deep.equal([503, 'unavailable'])
      expect(page.headers['retry-after']).to.be.a('string')
      expect(page.headers['cache-control']).to.equal('no-store')
      expect(page.body).not.to.contain('mfa.db').and.not.to.contain('storage')
    }

    for (const fault of ['load', 'save', 'interactions'] as const)
      it(`R32 a right code is 503 while "${fault}" fails, signs nobody in and is good afterwards`, async () => {
        const verify = await showPassword(host, browser, 'mira')
        const code = nextCode(host, mira)
        broken[fault] = true
        expectUnavailable(await browser.submit(verify, { code }))
        expect(signedInSessions(host.writes)).to.deep.equal([])
        broken[fault] = false
        const accepted = await browser.submit(verify, { code })
        const back = await follow(host, browser, accepted)
        expect(callbackOf(back).get('code')).to.be.a('string')
      })

    it('R32 a wrong code is 503 while it cannot be counted: no free guess', async () => {
      const verify = await showPassword(host, browser, 'mira')
      broken.save = true
      for (const nth of [0, 1, 2])
        expectUnavailable(await browser.submit(verify, { code: wrongCode(host, mira, nth) }))
    })

    it('R32 a code whose answer was lost is spent, but for the sign-in that spent it', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const code = nextCode(host, mira)
      broken.afterSave = true
      expectUnavailable(await browser.submit(verify, { code }))
      broken.afterSave = false
      const thief = new HttpClient()
      const stolen = await thief.submit(await showPassword(host, thief, 'mira'), { code })
      expect(stolen.status).to.equal(422)
      const back = await follow(host, browser, await browser.submit(verify, { code }))
      expect(callbackOf(back).get('code')).to.be.a('string')
    })

    it('R32 pages are 503 while records cannot be read', async () => {
      const verify = await showPassword(host, browser, 'mira')
      broken.load = true
      expectUnavailable(await browser.get(verify.url))
      expectUnavailable(await browser.get(`${verify.url.href}/choose`))
    })

    it('R32 a password leads nowhere while records cannot be read', async () => {
      const login = await follow(host, browser, await browser.get(authorizeUrl(host)))
      broken.load = true
      const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
      expect(answer.body).to.equal('storage-unavailable')
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

    it('R32 a session is not believed while records cannot be read', async () => {
      broken.load = true
      const answer = await mira.browser.get(authorizeUrl(host, { prompt: 'none' }))
      expect(answer.location?.searchParams.get('code') ?? undefined).to.equal(undefined)
      expect(answer.body).not.to.contain('mfa.db')
      broken.load = false
      const back = await mira.browser.get(authorizeUrl(host, { prompt: 'none' }))
      expect(callbackOf(back).get('code')).to.be.a('string')
    })

    it('R32 a record that cannot be read is not taken for one without a second factor', async () => {
      const stored = (await host.storage.records.load('mira'))!
      for (const spoilt of [
        { ...stored.record, authenticators: 'gone' },
        { ...stored.record, schema: 99 },
        { ...stored.record, accountId: 'mallory' },
        {},
      ]) {
        const { version } = (await host.storage.records.load('mira'))!
        await host.storage.records.save('mira', spoilt, version)
        const page = await showPassword(host, browser, 'mira')
        expect(page.body).to.equal('record-unreadable')
      }
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

    it('R35 a secret moved from another account is refused', async () => {
      await enrolledPerson(host, 'noor')
      const theirs = (await host.storage.records.load('noor'))!.record!.authenticators as Sealed[]
      const { record, version } = (await host.storage.records.load('mira'))!
      const moved = (record!.authenticators as Sealed[]).map((one, nth) => ({
        ...one,
        sealed: theirs[nth]!.sealed,
      }))
      await host.storage.records.save('mira', { ...record, authenticators: moved }, version)
      const before = host.writes.length
      const verify = await showPassword(host, browser, 'mira')
      expect([verify.status, verify.name]).to.deep.equal([500, 'error'])
      expect(host.faults.map((fault) => (fault as MfaError).code)).to.deep.equal(['seal-broken'])
      expect(signedInSessions(host.writes.slice(before))).to.deep.equal([])
    })
  })

type Sealed = { id: string; sealed: string }

describe('when the key of a secret is gone', () => {
  it('R35 its person is refused, and the operator told which key it is', async () => {
    let storage: ServerStorage | undefined
    const shared = (clock: Clock): ServerStorage => (storage ??= memoryStorage({ clock }))
    const before = await startHost({ storage: shared })
    await enrolledPerson(before)
    const after = await startHost({
      storage: shared,
      mfa: { encryptionKeys: [Buffer.alloc(32, 9)] },
    })
    try {
      const verify = await showPassword(after, new HttpClient(), 'mira')
      expect([verify.status, verify.name]).to.deep.equal([500, 'error'])
      expect(after.faults.map((fault) => (fault as MfaError).code)).to.deep.equal(['key-missing'])
      expect(signedInSessions(after.writes)).to.deep.equal([])
    } finally {
      await before.close()
      await after.close()
    }
  })

  it('R35 a newer key beside it changes nothing for anybody, sign-ins under way included', async () => {
    let storage: ServerStorage | undefined
    const shared = (clock: Clock): ServerStorage => (storage ??= memoryStorage({ clock }))
    const before = await startHost({ storage: shared })
    const mira = await enrolledPerson(before)
    const after = await startHost({
      storage: shared,
      mfa: { encryptionKeys: [Buffer.alloc(32, 9), Buffer.alloc(32, 7)] },
    })
    try {
      after.clock.at = before.clock.at
      const browser = new HttpClient()
      const verify = await showPassword(after, browser, 'mira')
      const answer = await browser.submit(verify, { code: nextCode(after, mira) })
      const back = await follow(after, browser, answer)
      expect(callbackOf(back).get('code')).to.be.a('string')
    } finally {
      await before.close()
      await after.close()
    }
  })
})
