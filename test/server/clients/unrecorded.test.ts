import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import { clientRegistry, type ClientRegistry } from '../../../src/server/clients/registry.ts'
import { random } from '../accounts/support.ts'
import { GOOD, validator } from './support.ts'

describe('a change of a client whose audit entry fails', () => {
  const clock = { now: () => 1000 }
  const box = secretBox({ keys: [new Uint8Array(randomBytes(32))] })
  const outage = new MfaError('storage-unavailable', 'The database is away', { status: 503 })
  let storage: ReturnType<typeof memoryStorage>
  let registry: ClientRegistry
  let record: () => Promise<void>

  beforeEach(async () => {
    storage = memoryStorage({ clock })
    record = async () => undefined
    registry = clientRegistry({
      clients: storage.clients,
      box,
      random,
      clock,
      validate: validator(),
      record: () => record(),
    })
    await registry.apply([GOOD])
    record = () => Promise.reject(outage)
  })

  const failed = async (change: Promise<unknown>): Promise<MfaError> => {
    const error = await change.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(MfaError)
    return error as MfaError
  }
  const rotate = () => registry.rotateSecret('app', 3600)
  const { client_secret: _secret, ...WITHOUT_SECRET } = GOOD
  const NEW = { ...WITHOUT_SECRET, client_id: 'new' }
  /** An outage in which another command changes the client. */
  const changing = (id: string) => async (): Promise<void> => {
    await storage.clients.put(id, { ...GOOD, client_id: id, client_name: 'Changed meanwhile' })
    throw outage
  }

  it('ends no secret in use by a rotation, and a repeated one neither', async () => {
    const before = await storage.clients.get('app')
    const error = await failed(rotate())
    expect(error.code).to.equal('storage-unavailable')
    expect(error.message).to.contain('nothing was changed').and.to.contain('The database is away')
    expect(await storage.clients.get('app')).to.deep.equal(before)
    record = async () => undefined
    await rotate()
    const { former_client_secret: former } = (await registry.find('app')) ?? {}
    expect(former).to.equal(GOOD['client_secret'])
  })

  it('adds no client whose secret nobody was shown, and a repeated addition shows it', async () => {
    const error = await failed(registry.add(NEW))
    expect(error.code).to.equal('storage-unavailable')
    expect(error.message).to.contain('nothing was changed').and.to.contain('The database is away')
    expect(await storage.clients.get('new')).to.equal(undefined)
    record = async () => undefined
    const added = await registry.add(NEW)
    const shown = added.ok ? added.clients[0]?.client_secret : undefined
    expect((await registry.find('new'))?.['client_secret'])
      .to.equal(shown)
      .and.to.be.a('string')
  })

  it('makes no secret that nobody was shown for a client that has needed none', async () => {
    await storage.clients.put('open', {
      ...WITHOUT_SECRET,
      client_id: 'open',
      token_endpoint_auth_method: 'none',
    })
    const before = await storage.clients.get('open')
    const change = (): Promise<unknown> =>
      registry.update('open', ({ token_endpoint_auth_method: _method, ...rest }) => rest)
    expect((await failed(change())).message).to.contain('nothing was changed')
    expect(await storage.clients.get('open')).to.deep.equal(before)
  })

  it('is told if the client cannot be put back', async () => {
    for (const [id, change] of [
      ['app', rotate],
      ['app', () => registry.update('app', (client) => ({ ...client, client_name: 'Other' }))],
      ['new', () => registry.add(NEW)],
    ] as const) {
      record = changing(id)
      const { message } = await failed(change())
      expect(message).to.contain('could not be put back').and.not.to.contain('nothing was changed')
      expect(await storage.clients.get(id)).to.include({ client_name: 'Changed meanwhile' })
    }
  })
})
