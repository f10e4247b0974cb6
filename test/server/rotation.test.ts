import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { parseEnvironment } from '../../config/environment.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { formatRecord } from '../../src/application/record-format.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import type { Clients } from '../../src/ports/clients.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { resealClient } from '../../src/server/clients/secret.ts'
import {
  clientsOf,
  layFoundation,
  signingKeysOf,
  type Foundation,
} from '../../src/server/boot/foundation.ts'
import type { RotatedSecret } from '../../src/server/clients/rotate-secret.ts'
import { retireEncryptionKeys } from '../../src/server/keys/encryption-keys.ts'
import { fingerprints } from '../../src/server/keys/fingerprint-key.ts'
import { KeyFault } from '../../src/server/keys/jwks.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import {
  rotateEncryption,
  type Progress,
  type Rotation,
  type RotationOptions,
} from '../../src/server/keys/rotation.ts'
import { owner, verify, type Owner } from '../application/person.ts'
import { load, world, type World } from '../application/world.ts'

const [OLD, NEW] = [randomBytes(32), randomBytes(32)]
const [oldId = '', newId = ''] = [OLD, NEW].map((key) => secretBox({ keys: [key] }).keyIds[0])
const APP = {
  client_id: 'app',
  client_secret: 'the secret of the app',
  redirect_uris: ['https://app.example/cb'],
}

/** The foundation of a server that starts with these keys. */
async function started(storage: ServerStorage, keys: readonly Buffer[]): Promise<Foundation> {
  const environment = {
    ENCRYPTION_KEYS: keys.map((key) => key.toString('base64')).join(),
    COOKIE_KEYS: randomBytes(32).toString('base64'),
  }
  return layFoundation(
    parseEnvironment(environment, () => ''),
    { storage },
  )
}

async function clientSecret(foundation: Foundation): Promise<unknown> {
  const registry = clientsOf(foundation, await signingKeysOf(foundation))
  return (await registry.find('app'))?.['client_secret']
}

function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the rotation of encryption keys', () => {
  let storage: ServerStorage
  let before: Foundation
  let node: World
  let people: Record<'mira' | 'noa', Owner>
  const rotate = async (
    options: RotationOptions = {},
    on: ServerStorage = storage,
  ): Promise<Rotation> => {
    const foundation = await started(on, [NEW, OLD])
    return rotateEncryption({ foundation, accounts: serverMfa(foundation).accounts }, options)
  }

  beforeEach(async () => {
    storage = memoryStorage()
    before = await started(storage, [OLD])
    node = world({ storage, key: OLD })
    // Neither person has an account of the server: the rotation reads the records.
    people = { mira: await owner(node, 'mira'), noa: await owner(node, 'noa') }
    await clientsOf(before, await signingKeysOf(before)).apply([APP])
  })

  it('R35 reaches every value, and the old key can be taken out without anybody enrolling again', async () => {
    const letter = { about: 'e', accountId: 'mira', to: 'mira@example.com', template: 'locked' }
    await before.letters.put([{ ...letter, values: {}, languages: 'en' }])
    const [secret, signing] = [await clientSecret(before), await signingKeysOf(before)]
    await started(storage, [NEW, OLD])
    expect(await refusalOf(started(storage, [NEW]))).to.be.instanceOf(KeyFault)

    expect(await rotate()).to.deep.equal({
      records: 2,
      resealed: 6,
      faults: [],
      moreFaults: false,
      keys: [
        { id: newId, state: 'newest', values: 8 },
        { id: oldId, state: 'retired', values: 0 },
      ],
    })
    const after = await started(storage, [NEW])
    expect(await clientSecret(after))
      .to.equal(secret)
      .and.to.be.a('string')
    expect(await signingKeysOf(after)).to.deep.equal(signing)
    const row = await storage.outbox.claim(after.clock.now(), after.clock.now() + 60)
    expect(after.letters.open(row!).to).to.equal('mira@example.com')
    for (const [accountId, { code, place }] of Object.entries(people)) {
      const later = world({ storage, key: NEW, clock: node.clock })
      expect(await verify(later, 'totp', code(), place({ accountId }))).to.include({
        outcome: 'accepted',
      })
    }
  })

  it('R35 seals the key of the fingerprints anew, and the fingerprints stay as they are', async () => {
    const printOf = async ({ storage, box, random }: Foundation): Promise<string> =>
      (await fingerprints({ settings: storage.settings, box, random }))('COOKIE_KEYS', 'a key')
    const print = await printOf(before)
    expect((await rotate({ dryRun: true })).keys[1]).to.include({ id: oldId, values: 8 })
    expect((await rotate()).keys[1]).to.include({ id: oldId, state: 'retired', values: 0 })
    const after = await started(storage, [NEW])
    expect(await printOf(after)).to.equal(print)
    const stored = JSON.stringify(await storage.settings.get('fingerprint-key'))
    expect(after.box.keyIdOf(JSON.parse(stored).sealed)).to.equal(newId)
  })

  it('makes the key of the fingerprints anew if no key opens it', async () => {
    const printOf = async ({ storage, box, random }: Foundation): Promise<string> =>
      (await fingerprints({ settings: storage.settings, box, random }))('COOKIE_KEYS', 'a key')
    const print = await printOf(before)
    await rotate()
    const value = { sealed: before.box.seal('x', { accountId: 'other', purpose: 'other' }) }
    const stored = await storage.settings.get('fingerprint-key')
    await storage.settings.replace('fingerprint-key', value, stored!)
    const after = await started(storage, [NEW])
    const anew = await printOf(after)
    expect(anew).not.to.equal(print)
    expect(await printOf(after)).to.equal(anew)
  })

  it('R35 misses at the start, by name, a key that an older release has retired and the trail needs', async () => {
    await before.record('user-added', { accountId: 'mira' })
    await started(storage, [NEW, OLD])
    await retireEncryptionKeys(storage.settings, [oldId])
    const error = await refusalOf(started(storage, [NEW]))
    expect(error).to.be.instanceOf(KeyFault).and.to.have.property('setting', 'ENCRYPTION_KEYS')
    expect(error).to.have.property('message').that.contains(oldId).and.contains('keys rotate')
    await rotate()
    await (await started(storage, [NEW])).record('user-added', { accountId: 'mira' })
    expect(await storage.audit.list({ type: ['user-added'], limit: 9 })).to.have.length(2)
  })

  it('R35 leaves a client its present secret if no key opens the former one', async () => {
    const registry = clientsOf(before, await signingKeysOf(before))
    const rotated = await registry.rotateSecret('app', 3600)
    const sealed = before.box.seal('x', { accountId: 'other', purpose: 'other' })
    const stored = (await storage.clients.get('app')) as JsonObject
    expect(await registry.find('app')).to.have.property('former_client_secret')
    await storage.clients.put('app', { ...stored, sealed_former_client_secret: sealed })
    // Another node, because a node goes by a client that it has read for 5 s.
    const another = clientsOf(before, await signingKeysOf(before))
    expect(await another.find('app'))
      .to.include({ client_secret: (rotated as RotatedSecret).secret })
      .and.not.to.have.property('former_client_secret')
  })

  it('R35 drops a former secret that has ended, though no key opens it', async () => {
    const stored = (await storage.clients.get('app')) as JsonObject
    const lost = secretBox({ keys: [randomBytes(32)] }).seal('x', { accountId: 'a', purpose: 'p' })
    await storage.clients.put('app', {
      ...stored,
      sealed_former_client_secret: lost,
      former_client_secret_until: before.clock.now(),
    })
    const counted = await rotate({ dryRun: true })
    expect(counted).to.deep.include({ faults: [] })
    const { faults, keys } = await rotate()
    expect(faults).to.deep.equal([])
    expect(keys[1]).to.include({ state: 'retired' })
    expect(await storage.clients.get('app')).to.have.all.keys(Object.keys(stored))
    expect(await clientSecret(await started(storage, [NEW]))).to.equal(APP.client_secret)
  })

  it('R35 names a client whose former secret holds and does not open, and keeps it', async () => {
    const stored = (await storage.clients.get('app')) as JsonObject
    const lost = {
      ...stored,
      sealed_former_client_secret: before.box.seal('x', { accountId: 'a', purpose: 'p' }),
      former_client_secret_until: before.clock.now() + 3600,
    }
    await storage.clients.put('app', lost)
    const { faults } = await rotate()
    expect(faults).to.deep.equal([{ where: 'client', id: 'app', code: 'seal-broken' }])
    expect(await storage.clients.get('app')).to.deep.equal(lost)
  })

  it('changes nothing the second time', async () => {
    await rotate()
    const once = await load(node)
    const again = await rotate()
    expect(again).to.include({ resealed: 0 })
    expect(again.keys.map(({ state }) => state)).to.deep.equal(['newest', 'unused'])
    expect(await load(node)).to.deep.equal(once)
  })

  it('goes on with what is left when it was cut off', async () => {
    const foundation = await started(storage, [NEW, OLD])
    await serverMfa(foundation).accounts.resealSecrets('mira')
    const { resealed, keys } = await rotate()
    expect(resealed).to.equal(4)
    expect(keys[1]).to.include({ state: 'retired' })
  })

  it('counts only, when told so', async () => {
    const dry = await rotate({ dryRun: true })
    expect(dry.keys).to.deep.equal([
      { id: newId, state: 'newest', values: 0 },
      { id: oldId, state: 'in-use', values: 7 },
    ])
    expect(dry.resealed).to.equal(0)
    expect((await rotate({ dryRun: true })).keys).to.deep.equal(dry.keys)
    expect(await refusalOf(started(storage, [NEW]))).to.be.instanceOf(KeyFault)
  })

  it('R35 names what does not open, goes on with the rest, and keeps its key in use', async () => {
    const { record, version } = await load(node)
    const [first, second] = record.authenticators
    const moved = { ...record, authenticators: [{ ...first!, sealed: second!.sealed }] }
    await storage.records.save('mira', formatRecord(moved), version)
    const { faults, keys } = await rotate()
    expect(faults).to.deep.equal([{ where: 'account', id: 'mira', code: 'seal-broken' }])
    expect(keys).to.deep.equal([
      { id: newId, state: 'newest', values: 5 },
      { id: oldId, state: 'in-use', values: 1 },
    ])
    const error = await refusalOf(started(storage, [NEW]))
    expect(error).to.have.property('message').that.contains(oldId)
  })

  it('R35 retires no key while there is a record that cannot be read', async () => {
    await storage.records.save('newer', { schema: 99 }, 0)
    const { faults, keys } = await rotate()
    expect(faults).to.deep.equal([{ where: 'account', id: 'newer', code: 'record-unreadable' }])
    expect(keys[1]).to.deep.equal({ id: oldId, state: 'in-use', values: 0 })
    expect(await refusalOf(started(storage, [NEW]))).to.be.instanceOf(KeyFault)
  })

  it('names a client whose secret does not open', async () => {
    const stored = (await storage.clients.get('app')) as JsonObject
    await storage.clients.put('other', { ...stored, client_id: 'other' })
    const { faults } = await rotate()
    expect(faults).to.deep.equal([{ where: 'client', id: 'other', code: 'seal-broken' }])
  })

  it('tells how far it is after each batch', async () => {
    for (let nth = 0; nth < 248; nth += 1) {
      const id = `account-${String(nth)}`
      await storage.records.save(id, formatRecord(newRecord(id)), 0)
    }
    const told: Progress[] = []
    await rotate({ progress: (done) => void told.push(done) })
    expect(told.map(({ pass, records, total }) => [pass, records, total])).to.deep.equal([
      ...[100, 200, 250].map((records) => ['sealing', records, 250]),
      ...[100, 200, 250].map((records) => ['counting', records, 250]),
    ])
    expect(told[2]).to.include({ resealed: 2 })
  })

  it('R35 lists a thousand values that do not open, says that there are more, and retires nothing', async () => {
    for (let nth = 0; nth < 1_001; nth += 1)
      await storage.records.save(`account-${String(nth)}`, { schema: 1 }, 0)
    const { faults, moreFaults, keys } = await rotate()
    expect(faults).to.have.length(1_000)
    expect(moreFaults).to.equal(true)
    expect(keys[1]).to.include({ state: 'in-use' })
  })

  it('R32 ends when the storage is away, and retires nothing', async () => {
    const away: ServerStorage = {
      ...storage,
      records: {
        ...storage.records,
        load: () => Promise.reject(new MfaError('storage-unavailable', 'away', { status: 503 })),
      },
    }
    expect(await refusalOf(rotate({}, away))).to.have.property('code', 'storage-unavailable')
    expect(await refusalOf(started(storage, [NEW]))).to.be.instanceOf(KeyFault)
  })

  describe('of a client that somebody changes at the same moment', () => {
    const box = secretBox({ keys: [NEW, OLD] })
    /** A store of clients in which `act` changes a client just before the first `replace`. */
    const overtaken = (act: () => Promise<unknown>): Clients => {
      let acted = false
      return {
        ...storage.clients,
        async replace(...given) {
          if (!acted) await act()
          acted = true
          return storage.clients.replace(...given)
        },
      }
    }

    it('R18 keeps the change', async () => {
      const stored = (await storage.clients.get('app')) as JsonObject
      const changed = { ...stored, client_name: 'Renamed' }
      const clients = overtaken(() => storage.clients.put('app', changed))
      expect(await resealClient({ clients, box }, 'app', 0)).to.equal(true)
      const after = (await storage.clients.get('app')) as JsonObject
      expect(after).to.include({ client_name: 'Renamed' })
      expect(after['sealed_client_secret']).to.be.a('string').that.contains(newId)
    })

    it('R18 does not bring back one that was removed', async () => {
      const clients = overtaken(() => storage.clients.remove('app'))
      expect(await resealClient({ clients, box }, 'app', 0)).to.equal(false)
      expect(await storage.clients.get('app')).to.equal(undefined)
    })
  })
})
