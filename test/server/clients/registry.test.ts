import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import type { JsonObject } from '../../../src/domain/json.ts'
import { clientRegistry, type ClientRegistry } from '../../../src/server/clients/registry.ts'
import { random, world, type World } from '../accounts/support.ts'
import { GOOD, validator } from './support.ts'

const FILED = { ...GOOD, client_id: 'filed' }

describe('the relying parties', () => {
  let here: World
  let registry: ClientRegistry
  const box = secretBox({ keys: [new Uint8Array(randomBytes(32))] })

  const open = (fromFile?: unknown): ClientRegistry =>
    clientRegistry({
      clients: here.storage.clients,
      box,
      random,
      clock: here.clock,
      record: here.record,
      validate: validator(),
      ...(fromFile === undefined ? {} : { fromFile }),
    })
  const clientsOfFile = (...list: JsonObject[]): ClientRegistry =>
    clientRegistry({
      clients: world().storage.clients,
      box,
      random,
      clock: here.clock,
      record: here.record,
      validate: validator(),
      fromFile: list,
    })
  const apply = async (...list: unknown[]) => {
    const applied = await registry.apply(list)
    if (!applied.ok) throw new Error(JSON.stringify(applied.faults))
    return applied.clients.map(({ client_id, result }) => ({ client_id, result }))
  }
  beforeEach(() => {
    here = world()
    registry = open([FILED])
  })

  it('are found whole for the host, wherever they are kept', async () => {
    await apply(GOOD)
    expect(await registry.find('app')).to.deep.equal(GOOD)
    expect(await registry.find('filed')).to.deep.equal(FILED)
    expect(await registry.find('other')).to.equal(undefined)
  })

  it('are listed with where they are kept and without secrets', async () => {
    await apply(GOOD)
    const list = await registry.list()
    expect(
      list.map(({ client_id, source }) => `${String(client_id)} ${String(source)}`),
    ).to.have.members(['filed file', 'app storage'])
    expect(JSON.stringify(list)).not.to.contain('secret')
  })

  it('R35 have their secrets sealed at rest, each bound to its client', async () => {
    await apply(GOOD, { ...GOOD, client_id: 'second', client_secret: 'a secret of the second app' })
    const stored = (await here.storage.clients.list()) as JsonObject[]
    expect(JSON.stringify(stored)).not.to.contain(GOOD['client_secret'])
    const sealed = stored.find((client) => client['client_id'] === 'app')?.['sealed_client_secret']
    const second = stored.find((client) => client['client_id'] === 'second')
    await here.storage.clients.put('second', { ...second, sealed_client_secret: sealed })
    const error: unknown = await registry.find('second').catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'seal-broken')
  })

  it('are applied again without a change', async () => {
    expect(await apply(GOOD)).to.deep.equal([{ client_id: 'app', result: 'added' }])
    const before = await here.storage.clients.get('app')
    expect(await apply(GOOD)).to.deep.equal([{ client_id: 'app', result: 'unchanged' }])
    expect(await here.storage.clients.get('app')).to.deep.equal(before)
    const renamed = { ...GOOD, client_name: 'New name' }
    expect(await apply(renamed)).to.deep.equal([{ client_id: 'app', result: 'changed' }])
    expect(await registry.find('app')).to.deep.equal(renamed)
  })

  it('are refused without a secret in the file and when new ones are applied, in the same words', async () => {
    const { client_secret: _, ...bare } = GOOD
    const applied = await registry.apply([bare])
    const faults = applied.ok ? [] : applied.faults
    expect(faults.map(({ field }) => field)).to.deep.equal(['client_secret'])
    expect(await clientsOfFile(bare).fileFaults()).to.deep.equal(faults)
  })

  it('get a secret when one is added without, shown once', async () => {
    const { client_secret: _, ...bare } = GOOD
    const add = async (metadata: JsonObject) => {
      const applied = await registry.add(metadata)
      if (!applied.ok) throw new Error(JSON.stringify(applied.faults))
      return applied.clients[0]
    }
    const first = await add(bare)
    expect(first).to.include({ client_id: 'app', result: 'added' })
    expect(first?.client_secret).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(await registry.find('app')).to.have.property('client_secret', first?.client_secret)
    const spa = { ...bare, client_id: 'spa', token_endpoint_auth_method: 'none' }
    expect(await add(spa))
      .to.include({ client_id: 'spa', result: 'added' })
      .and.not.have.property('client_secret')
    const post = { ...bare, client_id: 'post', token_endpoint_auth_method: 'client_secret_post' }
    expect(await add(post)).to.have.property('client_secret')
    expect(await add({ ...GOOD, client_id: 'given' })).not.to.have.property('client_secret')
  })

  it('are applied all or not at all', async () => {
    const applied = await registry.apply([
      GOOD,
      { ...GOOD, client_id: 'bad', redirect_uris: 5 },
      'text',
    ])
    expect(applied.ok ? [] : applied.faults.map(({ client }) => client)).to.deep.equal([
      'bad',
      '#3',
    ])
    expect(await here.storage.clients.list()).to.deep.equal([])
    expect((await registry.apply(GOOD)).ok).to.equal(false)
  })

  it('are not overwritten if another command changes them at the same moment', async () => {
    await apply(GOOD)
    const { clients } = here.storage
    const slow = clientRegistry({
      clients: {
        ...clients,
        async get(id) {
          const read = await clients.get(id)
          if (read) await clients.put(id, { ...read, client_name: 'By another command' })
          return read
        },
      },
      box,
      random,
      clock: here.clock,
      record: here.record,
      validate: validator(),
    })
    const added = { ...GOOD, client_id: 'second' }
    const applied = await slow.apply([added, { ...GOOD, client_name: 'New' }])
    expect(applied).to.deep.include({ ok: false })
    expect(applied.ok ? [] : applied.faults.map(({ field }) => field)).to.deep.equal(['metadata'])
    expect(await registry.find('app')).to.include({ client_name: 'By another command' })
  })

  it('R18 are added once if two commands add one id at once, so that the printed secret holds', async () => {
    const { client_secret: _, ...bare } = GOOD
    const both = await Promise.all([registry.add(bare), registry.add(bare)])
    const secrets = both
      .flatMap((each) => (each.ok ? each.clients : []))
      .map((c) => c.client_secret)
    expect(secrets).to.have.length(1)
    expect(await registry.find('app')).to.include({ client_secret: secrets[0] })
    expect(both.flatMap((each) => (each.ok ? [] : each.faults))[0]?.problem).to.contain('was added')
    const third = await registry.add({ ...bare, client_name: 'Another' })
    expect(third.ok).to.equal(false)
    expect(await registry.find('app')).to.include({ client_name: 'App' })
  })

  it('are in one place or the other, never in both', async () => {
    const applied = await registry.apply([FILED])
    expect(
      applied.ok ? [] : applied.faults.map(({ client, field }) => `${client} ${field}`),
    ).to.deep.equal(['filed client_id'])
    await apply(GOOD)
    expect(await registry.fileFaults()).to.deep.equal([])
    expect((await open([GOOD, FILED]).fileFaults()).map(({ client }) => client)).to.deep.equal([
      'app',
    ])
  })

  it('of the file are checked like any other and removed by nobody', async () => {
    expect(await registry.remove('filed')).to.equal('read-only')
    const bare = { client_id: 'bare', redirect_uris: ['https://bare.example.com/'] }
    expect((await open([bare]).fileFaults()).map(({ field }) => field)).to.deep.equal([
      'client_secret',
    ])
    expect(await open({}).fileFaults()).to.have.length(1)
    expect(open({}).fileIgnored()).to.deep.equal([])
  })

  it('of the file tell of a member that is misspelt: it would have no effect, and nobody would know', () => {
    expect(open([{ ...FILED, mfaa: 'required' }]).fileIgnored()).to.deep.equal([
      { client: 'filed', field: 'mfaa' },
    ])
  })

  it('of the storage can be removed, once', async () => {
    await apply(GOOD)
    expect(await registry.remove('app')).to.equal('removed')
    expect(await registry.remove('app')).to.equal('unknown')
    expect(await registry.find('app')).to.equal(undefined)
  })
})
