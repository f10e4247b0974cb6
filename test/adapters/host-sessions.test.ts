import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Provider from 'oidc-provider'
import type { Adapter } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { HostRecords } from '../../src/ports/host-records.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'

const COOKIE = '_session'

type Open = (folder: string, test: Mocha.Context) => ServerStorage | Promise<ServerStorage>

const STORAGES: Readonly<Record<string, Open>> = {
  memory: () => memoryStorage(),
  sqlite: (folder) => openSqliteStorage({ path: join(folder, 'mfa.db') }),
  async mongodb(_folder, test) {
    const database = await openDatabase(await requireMongodb(test))
    const storage = await openMongoStorage({ url: database.url })
    return {
      ...storage,
      async close() {
        await storage.close()
        await database.close()
      },
    }
  },
}

for (const [name, open] of Object.entries(STORAGES)) {
  describe(`sessions of a running host, in ${name}`, () => {
    let folder: string
    let storage: ServerStorage
    let provider: Provider
    let server: Server
    let holds: Holds

    beforeEach(async function () {
      folder = mkdtempSync(join(tmpdir(), 'mfa-sessions-'))
      storage = await open(folder, this)
      holds = new Holds()
      provider = makeProvider(holds.around(storage.hostRecords))
      server = createServer(provider.callback()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      await storage.hostRecords('Client').upsert('app', CLIENT)
    })

    afterEach(async () => {
      server.closeAllConnections()
      server.close()
      await storage.close()
      rmSync(folder, { recursive: true })
    })

    const signIn = async (): Promise<{ id: string; uid: string }> => {
      const session = new provider.Session()
      session.loginAccount({ accountId: 'anna' })
      Object.assign(session, {
        state: { secret: 'xsrf', clientId: 'app' },
        authorizations: { app: { sid: 'sid', grantId: 'grant' } },
      })
      await session.save(3600)
      return { id: session.jti, uid: session.uid }
    }

    /** Sends a request as a browser that has this session id; returns the id that the browser has afterwards. */
    const request = async (id: string, path: string, form?: string, hold?: HoldPoint) => {
      const { port } = server.address() as AddressInfo
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        redirect: 'manual',
        headers: {
          cookie: `${COOKIE}=${id}`,
          'content-type': 'application/x-www-form-urlencoded',
          ...(hold === undefined ? {} : { hold }),
        },
        ...(form === undefined ? {} : { method: 'POST', body: form }),
      })
      expect(response.status).to.be.lessThan(400)
      const cookie = response.headers.getSetCookie().find((set) => set.startsWith(`${COOKIE}=`))
      return /^[^=]+=([^;]*)/.exec(cookie ?? '')?.[1] ?? id
    }
    /** Signs out of one app, after which the host gives the session a new id. */
    const move = (id: string, hold?: HoldPoint) =>
      request(id, '/session/end/confirm', 'xsrf=xsrf', hold)
    const signOut = (id: string) => request(id, '/session/end/confirm', 'xsrf=xsrf&logout=yes')
    /** Asks for the sign-out page, for which the host saves the session under its present id. */
    const touch = (id: string, hold?: HoldPoint) =>
      request(id, '/session/end?client_id=app', undefined, hold)

    const expectOver = async (uid: string, ids: readonly string[]): Promise<void> => {
      for (const id of ids) expect(await provider.Session.find(id), id).to.equal(undefined)
      expect(await provider.Session.findByUid(uid)).to.equal(undefined)
    }

    it('R19 gives a session a new id and forgets the old one', async () => {
      const { id, uid } = await signIn()
      const moved = await move(id)
      expect(moved).not.to.equal(id)
      expect(await provider.Session.find(id)).to.equal(undefined)
      expect((await provider.Session.find(moved))?.accountId).to.equal('anna')
      expect((await provider.Session.findByUid(uid))?.jti).to.equal(moved)
    })

    it('R19 ends a session at sign-out although a request in flight saves it', async () => {
      const { id, uid } = await signIn()
      const inFlight = touch(id, 'Client.find')
      await holds.reached('Client.find')
      await signOut(id)
      holds.release('Client.find')
      await expectOver(uid, [id, await inFlight])
    })

    it('R19 ends a session at sign-out although a request in flight gives it a new id', async () => {
      const { id, uid } = await signIn()
      const inFlight = move(id, 'AccessToken.revokeByGrantId')
      await holds.reached('AccessToken.revokeByGrantId')
      await signOut(id)
      holds.release('AccessToken.revokeByGrantId')
      const moved = await inFlight
      expect(moved).not.to.equal(id)
      await expectOver(uid, [id, moved])
    })

    it('R19 ends a session at sign-out although a request in flight has moved it meanwhile', async () => {
      const { id, uid } = await signIn()
      const { port } = server.address() as AddressInfo
      const inFlight = fetch(`http://127.0.0.1:${port}/session/end/confirm`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          cookie: `${COOKIE}=${id}`,
          'content-type': 'application/x-www-form-urlencoded',
          hold: 'AccessToken.revokeByGrantId',
        },
        body: 'xsrf=xsrf&logout=yes',
      })
      await holds.reached('AccessToken.revokeByGrantId')
      const moved = await move(id)
      holds.release('AccessToken.revokeByGrantId')
      await inFlight
      await expectOver(uid, [id, moved])
    })

    it('keeps both sessions of two requests that move it at once, and ends both at sign-out', async () => {
      const { id, uid } = await signIn()
      const moves = [move(id, 'AccessToken.revokeByGrantId'), move(id, 'Session.upsert')] as const
      await holds.reached('AccessToken.revokeByGrantId')
      await holds.reached('Session.upsert')
      holds.release('AccessToken.revokeByGrantId')
      const first = await moves[0]
      holds.release('Session.upsert')
      const second = await moves[1]
      expect((await provider.Session.find(first))?.uid).to.equal(uid)
      expect((await provider.Session.find(second))?.uid).to.equal(uid)
      expect(await provider.Session.find(id)).to.equal(undefined)

      const session = await provider.Session.find(first)
      Object.assign(session ?? {}, { state: { secret: 'xsrf', clientId: 'app' } })
      await session?.persist()
      await signOut(first)
      await expectOver(uid, [id, first, second])
    })

    it('R19 ends a session that a script ends, although a request in flight gives it a new id', async () => {
      const { id, uid } = await signIn()
      const inFlight = move(id, 'AccessToken.revokeByGrantId')
      await holds.reached('AccessToken.revokeByGrantId')
      await (await provider.Session.findByUid(uid))?.destroy()
      holds.release('AccessToken.revokeByGrantId')
      await expectOver(uid, [id, await inFlight])
    })

    it('lets a script give a session a new id', async () => {
      const { id, uid } = await signIn()
      const session = await provider.Session.find(id)
      session?.resetIdentifier()
      await session?.persist()
      await session?.persist()
      expect(await provider.Session.find(id)).to.equal(undefined)
      expect((await provider.Session.findByUid(uid))?.accountId).to.equal('anna')
    })
  })
}

type HoldPoint = 'Client.find' | 'AccessToken.revokeByGrantId' | 'Session.upsert'

/** Holds a request at the adapter call that its header `hold` names, until the test releases it. */
class Holds {
  readonly #points = new Map<string, { reached: Latch; released: Latch }>()

  reached(point: HoldPoint): Promise<void> {
    return this.#at(point).reached.promise
  }

  release(point: HoldPoint): void {
    this.#at(point).released.resolve()
  }

  around(records: HostRecords): HostRecords {
    return (model) =>
      new Proxy(records(model), {
        get:
          (adapter, method: keyof Adapter) =>
          async (...values: unknown[]) => {
            const point = `${model}.${method}`
            if (Provider.ctx?.get('hold') === point) {
              this.#at(point).reached.resolve()
              await this.#at(point).released.promise
            }
            return Reflect.apply(adapter[method], adapter, values) as Promise<unknown>
          },
      })
  }

  #at(point: string): { reached: Latch; released: Latch } {
    const latches = this.#points.get(point) ?? {
      reached: Promise.withResolvers(),
      released: Promise.withResolvers(),
    }
    this.#points.set(point, latches)
    return latches
  }
}

type Latch = PromiseWithResolvers<void>

const CLIENT = {
  client_id: 'app',
  redirect_uris: ['https://app.example/cb'],
  token_endpoint_auth_method: 'none',
  application_type: 'web',
} as const

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function makeProvider(adapter: HostRecords): Provider {
  return new Provider('http://127.0.0.1', {
    adapter,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig' }] },
    cookies: {
      names: { session: COOKIE },
      keys: [],
      long: { signed: false },
      short: { signed: false },
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, logoutSource: (ctx) => void (ctx.body = 'Sign out?') },
    },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: { Session: 3600 },
  })
}
