import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { SignJWT } from 'jose'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import type { JsonObject } from '../../../src/domain/json.ts'
import { clientRegistry, type ClientRegistry } from '../../../src/server/clients/registry.ts'
import type { RotatedSecret } from '../../../src/server/clients/rotate-secret.ts'
import { resealClient, sealingKeysOfClient } from '../../../src/server/clients/secret.ts'
import { recorder } from '../../../src/server/observe/audit.ts'
import { NO_MEASURES } from '../../../src/ports/measures.ts'
import { random } from '../accounts/support.ts'
import {
  asNodeBeside,
  APP,
  CLIENT_SECRET,
  startServer,
  stopServers,
  type TestServer,
} from '../support.ts'
import { validator } from './support.ts'

const HOUR = 3600

describe('the former secret of an app', () => {
  let server: TestServer
  let second: TestServer
  let registry: ClientRegistry
  const key = new Uint8Array(randomBytes(32))
  const environment = { ENCRYPTION_KEYS: Buffer.from(key).toString('base64') }
  const box = secretBox({ keys: [key] })

  beforeEach(async () => {
    server = await startServer({ clients: [], environment })
    second = await startServer({
      clients: [],
      environment: asNodeBeside(server),
      storage: server.storage,
    })
    const { clients, audit: trail } = server.storage
    const { clock } = server
    const record = recorder({ trail, clock, random, measures: NO_MEASURES })
    registry = clientRegistry({ clients, box, random, record, clock, validate: validator() })
  })
  afterEach(stopServers)

  const register = async (method: string): Promise<void> => {
    const applied = await registry.apply([{ ...APP, token_endpoint_auth_method: method }])
    expect(applied.ok, JSON.stringify(applied)).to.equal(true)
  }
  const rotate = async (hours: number): Promise<RotatedSecret> => {
    const rotated = await registry.rotateSecret('app', hours * HOUR)
    if (typeof rotated === 'string') throw new Error(rotated)
    return rotated
  }

  /** The ways in which an app shows its secret. */
  const SHOWN: Readonly<Record<string, (secret: string) => Promise<RequestInit>>> = {
    client_secret_basic: async (secret) => {
      const credentials = Buffer.from(`app:${encodeURIComponent(secret)}`).toString('base64')
      return {
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ token: 'any' }),
      }
    },
    client_secret_post: async (secret) => ({
      body: new URLSearchParams({ token: 'any', client_id: 'app', client_secret: secret }),
    }),
    client_secret_jwt: async (secret) => {
      const assertion = new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('app')
        .setSubject('app')
        .setAudience([server.issuer, second.issuer])
        .setJti(randomUUID())
        .setExpirationTime('1m')
      return {
        body: new URLSearchParams({
          token: 'any',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await assertion.sign(Buffer.from(secret)),
        }),
      }
    },
  }
  const isAccepted = async (method: string, secret: string, at = server): Promise<boolean> => {
    const show = SHOWN[method]
    if (show === undefined) throw new Error(method)
    const url = new URL('/token/revocation', at.url)
    const { status } = await fetch(url, { method: 'POST', ...(await show(secret)) })
    expect(status).to.be.oneOf([200, 401])
    return status === 200
  }

  for (const method of Object.keys(SHOWN))
    it(`holds for the overlap on every node, and no longer: ${method}`, async () => {
      await register(method)
      expect(await isAccepted(method, CLIENT_SECRET)).to.equal(true)
      const { secret } = await rotate(2)
      server.clock.ahead = second.clock.ahead = 2 * HOUR - 60
      for (const node of [server, second]) {
        expect(await isAccepted(method, CLIENT_SECRET, node)).to.equal(true)
        expect(await isAccepted(method, secret, node)).to.equal(true)
        expect(await isAccepted(method, `${CLIENT_SECRET}!`, node)).to.equal(false)
      }
      server.clock.ahead = second.clock.ahead = 2 * HOUR
      for (const node of [server, second]) {
        expect(await isAccepted(method, CLIENT_SECRET, node)).to.equal(false)
        expect(await isAccepted(method, secret, node)).to.equal(true)
      }
    })

  it('ends without an overlap within 5 s, on every node', async () => {
    await register('client_secret_basic')
    for (const node of [server, second])
      expect(await isAccepted('client_secret_basic', CLIENT_SECRET, node)).to.equal(true)
    const rotated = await rotate(0)
    expect(rotated).to.have.all.keys('secret')
    server.clock.ahead = second.clock.ahead = 5
    for (const node of [server, second]) {
      expect(await isAccepted('client_secret_basic', CLIENT_SECRET, node)).to.equal(false)
      expect(await isAccepted('client_secret_basic', rotated.secret, node)).to.equal(true)
    }
  })

  it('ends when the secret is rotated again: two secrets hold at most', async () => {
    await register('client_secret_post')
    const first = await rotate(24)
    const next = await rotate(24)
    expect(next.endedEarly).to.equal(first.formerUntil)
    const accepted = []
    for (const secret of [CLIENT_SECRET, first.secret, next.secret])
      accepted.push(await isAccepted('client_secret_post', secret))
    expect(accepted).to.deep.equal([false, true, true])
  })

  it('stays when other members change, and ends when an operator gives the app another secret', async () => {
    await register('client_secret_basic')
    const { secret } = await rotate(24)
    const rename = (metadata: JsonObject): JsonObject => ({ ...metadata, client_name: 'New' })
    expect(await registry.update('app', rename)).to.deep.include({ ok: true })
    expect(await isAccepted('client_secret_basic', CLIENT_SECRET)).to.equal(true)
    await registry.apply([{ ...APP, client_secret: `${secret}, given` }])
    server.clock.ahead = 5
    expect(await isAccepted('client_secret_basic', CLIENT_SECRET)).to.equal(false)
    expect(await isAccepted('client_secret_basic', secret)).to.equal(false)
  })

  it('R35 is sealed at rest, for its client and as a former secret alone, and is sealed again with a newer key', async () => {
    await register('client_secret_basic')
    await rotate(24)
    const { clients } = server.storage
    const stored = (await clients.get('app')) as JsonObject
    const { sealed_client_secret: present, sealed_former_client_secret: former } = stored
    expect(JSON.stringify(stored)).not.to.contain(CLIENT_SECRET)
    await clients.put('app', { ...stored, sealed_client_secret: former })
    const error: unknown = await registry.find('app').catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'seal-broken')

    await clients.put('app', { ...stored, sealed_client_secret: present })
    const newer = secretBox({ keys: [new Uint8Array(randomBytes(32)), key] })
    expect(sealingKeysOfClient(newer, stored, server.clock.now())).to.deep.equal([
      newer.keyIds[1],
      newer.keyIds[1],
    ])
    expect(await resealClient({ clients, box: newer }, 'app', server.clock.now())).to.equal(true)
    const resealed = (await clients.get('app')) as JsonObject
    expect(sealingKeysOfClient(newer, resealed, server.clock.now())).to.deep.equal([
      newer.keyIds[0],
      newer.keyIds[0],
    ])
    expect(await resealClient({ clients, box: newer }, 'app', server.clock.now())).to.equal(false)
  })

  it('is written by a rotation alone: a file or a command gives no app a second secret', async () => {
    for (const member of ['former_client_secret', 'sealed_former_client_secret']) {
      const applied = await registry.apply([{ ...APP, [member]: 'made up' }])
      expect(applied.ok ? [] : applied.faults.map(({ field }) => field)).to.deep.equal([member])
    }
  })

  it('R31 is in no list, and the trail says when it ends', async () => {
    await register('client_secret_basic')
    const { formerUntil } = await rotate(24)
    const [listed] = await registry.list()
    expect(listed).to.include({ former_secret_until: formerUntil })
    expect(JSON.stringify([listed, await registry.show('app')])).not.to.contain('sealed')
    const [entry] = await server.storage.audit.list({ limit: 1 })
    expect(entry).to.deep.include({
      type: 'client-secret-rotated',
      detail: { clientId: 'app', until: formerUntil },
    })
  })

  it('is not lost when another command changes the app at the same moment', async () => {
    await register('client_secret_basic')
    const { clients } = server.storage
    let isChanged = false
    const busy = clientRegistry({
      clients: {
        ...clients,
        async replace(...given) {
          const stored = await clients.get('app')
          if (!isChanged) await clients.put('app', { ...stored, client_name: 'Another' })
          isChanged = true
          return clients.replace(...given)
        },
      },
      box,
      random,
      clock: server.clock,
      validate: validator(),
      record: async () => undefined,
    })
    expect(await busy.rotateSecret('app', HOUR)).to.have.property('secret')
    expect(await isAccepted('client_secret_basic', CLIENT_SECRET)).to.equal(true)
    expect(await registry.find('app')).to.include({ client_name: 'Another' })
  })
})
