import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { HostRecords } from '../ports/host-records.ts'
import { globalRunner, inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The models of the host that are used once. */
const USED_ONCE = ['AuthorizationCode', 'RefreshToken', 'DeviceCode']
/** The parallel uses, and how often they are tried: an adapter that reads before it writes may win a single race. */
const USES = 20
const ROUNDS = 5

/**
 * The rule for an `oidc-provider` adapter with the property `atomicConsume`: a code or token is used once, also by
 * parallel requests, and stays used when it is stored again (R21). `make` gives an empty adapter of each model; each
 * call of it, within a test, should return an object of its own, as each process has one.
 */
export function describeAtomicConsume(
  name: string,
  make: Make<HostRecords>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: atomic consume`, () => {
    for (const model of USED_ONCE) {
      test(`says that it is atomic: ${model}`, async (records) => {
        equal(records(model).atomicConsume, true)
      })

      test(`R18 R21 lets one of many parallel uses succeed: ${model}`, async (records) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const id = `once ${round}`
          await records(model).upsert(id, { grantId: 'g' }, 60)
          const outcomes = await inParallel(USES, () => useOf(records, model, id))
          deepEqual(outcomes.sort(), [...Array<string>(USES - 1).fill('invalid_grant'), 'used'])
        }
      })

      test(`R21 refuses a later use, and that of a record that is not there, as invalid_grant: ${model}`, async (records) => {
        await records(model).upsert('code', { grantId: 'g' }, 60)
        await records(model).consume('code')
        for (const id of ['code', 'unknown'])
          await rejects(async () => records(model).consume(id), { error: 'invalid_grant' })
      })

      test(`R21 keeps a record used when an earlier request stores it late: ${model}`, async (records) => {
        await records(model).upsert('code', { grantId: 'g' }, 60)
        await records(model).consume('code')
        await records(model).upsert('code', { grantId: 'g' }, 60)
        await rejects(async () => records(model).consume('code'), { error: 'invalid_grant' })
      })
    }
  })
}

async function useOf(records: HostRecords, model: string, id: string): Promise<unknown> {
  try {
    await records(model).consume(id)
    return 'used'
  } catch (error) {
    return (error as { error?: unknown }).error
  }
}
