import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { patientStorage } from '../../src/application/patient-storage.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { codeOf } from './world.ts'

/** A storage whose chosen operations never settle. */
function hanging(storage: Storage): Storage {
  const never = (): Promise<never> => new Promise(() => undefined)
  const silenced = <T extends object>(port: T): T =>
    Object.fromEntries(Object.keys(port).map((method) => [method, never])) as T
  return { records: silenced(storage.records) }
}

describe('a storage that is waited for', () => {
  it('R32 counts as unavailable if it does not answer, for every operation', async () => {
    const { records } = patientStorage(hanging(memoryStorage()), 1)
    const asked = [records.load('mira'), records.save('mira', {}, 0), records.findByHandle('key')]
    const codes = await Promise.all(asked.map(codeOf))
    expect(new Set(codes)).to.deep.equal(new Set(['storage-unavailable']))
  })

  it('passes on a result or an error that comes in time', async () => {
    const storage = patientStorage(memoryStorage())
    const record = { handles: ['key'] }
    expect(await storage.records.save('mira', record, 0)).to.equal(true)
    expect(await storage.records.save('mira', {}, 0)).to.equal(false)
    expect(await storage.records.load('mira')).to.deep.equal({ record, version: 1 })
    expect(await storage.records.findByHandle('key')).to.equal('mira')
    expect(await storage.records.findByHandle('another key')).to.equal(undefined)
  })

  it('reads for a request as the storage does', () => {
    const during = (work: () => unknown): unknown => ['of a request', work()]
    const storage = patientStorage({ ...memoryStorage(), duringRequest: during as never })
    expect(storage.duringRequest!(() => 'answer')).to.deep.equal(['of a request', 'answer'])
    expect(patientStorage(memoryStorage()).duringRequest!(() => 'answer')).to.equal('answer')
  })

  it('passes on an error unchanged', async () => {
    const broken = memoryStorage()
    const cause = new Error('of the driver')
    const storage = patientStorage({
      ...broken,
      records: { ...broken.records, load: () => Promise.reject(cause) },
    })
    let caught: unknown
    await storage.records.load('mira').catch((error: unknown) => {
      caught = error
    })
    expect(caught).to.equal(cause)
  })
})
