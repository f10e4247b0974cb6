import assert from 'node:assert/strict'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { bindAuthenticator } from '../../src/application/authenticator.ts'
import { formatRecord, parseRecord } from '../../src/application/record-format.ts'
import { openState } from '../../src/application/sealed-state.ts'
import type { Json } from '../../src/domain/json.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { describeFactor } from '../../src/testing/factor-suite.ts'
import { TEST_START } from '../../src/testing/runner.ts'
import { world } from '../application/world.ts'
import { onMongodb } from './mongodb-storage.ts'
import { STORAGES } from './recorded-storage.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { requireMongodb } from '../support/requirements.ts'
import { seededRandom } from '../factors/seeded-random.ts'

const clock = { now: () => TEST_START }

/** Keeps the authenticators of a person in the record of an account, sealed, and reads them from it. */
function keeperIn(storage: () => ServerStorage) {
  const factor = passkeys()
  const { deps } = world({ listed: [factor] })
  return async (states: readonly Json[]): Promise<readonly Json[]> => {
    const { records } = storage()
    // The key of the first passkey stays the same, so this is the account of one person.
    const accountId = String(factor.keyOf?.(factor.parseState(states[0] ?? null)))
    const about = { name: '', now: TEST_START }
    const authenticators = states.map((state) =>
      bindAuthenticator(deps, accountId, factor, state, about),
    )
    const record = formatRecord({ ...newRecord(accountId), authenticators })
    const { version = 0 } = (await records.load(accountId)) ?? {}
    assert.equal(await records.save(accountId, record, version), true)
    for (const handle of authenticators.flatMap(({ handles = [] }) => handles))
      assert.equal(await records.findByHandle(handle), accountId)
    const stored = await records.load(accountId)
    const read = parseRecord(stored?.record ?? {}, accountId)
    return read.authenticators.map((each) => openState(deps.box, accountId, each))
  }
}

for (const name of [...Object.keys(STORAGES), 'MongoDB'])
  describe(`on ${name}`, function () {
    this.timeout(60_000)
    let storage: ServerStorage
    before(async function () {
      const open = STORAGES[name] ?? (await onMongodb(await requireMongodb(this)))
      storage = open(clock)
    })
    after(() => storage?.close())

    describeFactor('passkeys', {
      random: seededRandom(name),
      hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
      factor: passkeys(),
      keep: keeperIn(() => storage),
      holder() {
        const key = new SoftAuthenticator()
        return {
          confirm: ({ page }) => ({ credential: key.create(String(page.options)) }),
          respond: ({ page }) => ({ credential: key.get(String(page.options)) }),
        }
      },
      variations: ({ credential = '' }) => [{ credential: ` ${credential}\n` }],
      wrong: { credential: new SoftAuthenticator().get('{"challenge":"AAAA"}') },
      unreadable: [{ credential: '{' }],
    })
  })
