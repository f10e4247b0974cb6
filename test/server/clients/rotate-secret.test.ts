import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import { clientRegistry, type ClientRegistry } from '../../../src/server/clients/registry.ts'
import { random } from '../accounts/support.ts'
import { GOOD, validator } from './support.ts'

describe('a rotation of a secret whose audit entry fails', () => {
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

  const failed = async (): Promise<MfaError> => {
    const error = await registry.rotateSecret('app', 3600).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(MfaError)
    return error as MfaError
  }

  it('leaves the client as it was, so that a repeated command ends no secret in use', async () => {
    const before = await storage.clients.get('app')
    const error = await failed()
    expect(error.code).to.equal('storage-unavailable')
    expect(error.message).to.contain('nothing was changed').and.to.contain('The database is away')
    expect(await storage.clients.get('app')).to.deep.equal(before)
    record = async () => undefined
    await registry.rotateSecret('app', 3600)
    const { former_client_secret: former } = (await registry.find('app')) ?? {}
    expect(former).to.equal(GOOD['client_secret'])
  })

  it('says so if the client cannot be put back', async () => {
    record = async () => {
      await storage.clients.put('app', { ...GOOD, client_name: 'Changed meanwhile' })
      throw outage
    }
    const { message } = await failed()
    expect(message).to.contain('could not be put back').and.not.to.contain('nothing was changed')
    expect(await storage.clients.get('app')).to.include({ client_name: 'Changed meanwhile' })
  })
})
