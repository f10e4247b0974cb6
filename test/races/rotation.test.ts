import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseEnvironment, type Environment } from '../../config/environment.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { resealSecrets, sealingKeys } from '../../src/application/reseal.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import type { Rotation } from '../../src/server/keys/rotation.ts'
import { owner, verify, type Owner } from '../application/person.ts'
import { KEY, settledRecord, world, type World } from '../application/world.ts'
import type { RotationOrder, RotationReport } from './reseal-worker.ts'

const NEW = Buffer.alloc(32, 8)
const [oldId = '', newId = ''] = [KEY, NEW].map((key) => secretBox({ keys: [key] }).keyIds[0])
const inBase64 = (keys: readonly Buffer[]): string[] => keys.map((key) => key.toString('base64'))

describe('encryption keys are rotated on one SQLite file', function () {
  this.timeout(60_000)
  let folder: string
  let path: string
  let storage: ServerStorage
  let here: World
  let people: Map<string, Owner>
  const children = new Set<ChildProcess>()

  const settle = async (count: number): Promise<void> => {
    folder = await mkdtemp(join(tmpdir(), 'mfa-rotation-'))
    path = join(folder, 'mfa.db')
    storage = openSqliteStorage({ path })
    here = world({ storage, key: KEY })
    people = new Map()
    for (let nth = 0; nth < count; nth += 1) {
      const accountId = `person-${String(nth).padStart(3, '0')}`
      people.set(accountId, await owner(here, accountId))
    }
    // Each person was set up at another time. The races after this line happen at one later time.
    here.clock.advance(3_600)
  }

  afterEach(async () => {
    for (const child of children) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    children.clear()
    await storage.close()
    await rm(folder, { recursive: true })
  })

  const start = (file: string, args: readonly string[], env: Environment = {}): ChildProcess => {
    const child = fork(join(import.meta.dirname, file), [...args], {
      env: { PATH: process.env['PATH'], ...env },
    })
    children.add(child)
    return child
  }

  /** The number of accounts that have secrets sealed with this key. */
  const accountsUnder = async (key: string): Promise<number> => {
    let using = 0
    for (const accountId of people.keys())
      if (key in (await sealingKeys(here.deps, accountId))) using += 1
    return using
  }

  it('R5 R18 while two nodes spend the same codes: each code once, and nothing is lost', async () => {
    await settle(40)
    // The nodes still seal with the old key, so a sign-in can seal a secret with it again after a reseal.
    const deeds = [
      ...[1, 2].map(() => ({ deed: 'sign-in' as const, keys: inBase64([KEY, NEW]) })),
      ...[1, 2].map(() => ({ deed: 'reseal' as const, keys: inBase64([NEW, KEY]) })),
    ]
    const workers = deeds.map(() => start('reseal-worker.ts', [path]))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const order: Omit<RotationOrder, 'deed' | 'keys'> = {
      now: here.clock.now(),
      startAt: Date.now() + 100,
      people: [...people].map(([accountId, { code, place }]) => ({
        accountId,
        epoch: place().epoch,
        code: String(code()['code']),
      })),
    }
    const reports = await Promise.all(
      workers.map(async (worker, nth) => {
        const answer = once(worker, 'message') as Promise<[RotationReport]>
        worker.send({ ...order, ...deeds[nth] })
        return (await answer)[0]
      }),
    )
    const node = world({ storage, clock: here.clock, box: secretBox({ keys: [NEW, KEY] }) })
    const later = world({ storage, clock: here.clock, key: NEW })
    for (const [accountId, { code, place }] of people) {
      const outcomes = reports.slice(0, 2).map((report) => report[accountId])
      expect(outcomes.sort(), accountId).to.deep.equal(['accepted', 'refused'])
      await resealSecrets(node.deps, accountId)
      expect((await settledRecord(node, accountId)).throttle.failedAt).to.have.length(1)
      const again = await verify(later, 'totp', code(), place({ accountId, interaction: 'third' }))
      expect(again).to.include({ outcome: 'refused' })
    }
    expect(await accountsUnder(oldId)).to.equal(0)
  })

  it('R35 kill -9 in the middle loses nothing, and the next run goes on where it was', async () => {
    await settle(150)
    const environment = {
      ENCRYPTION_KEYS: inBase64([NEW, KEY]).join(),
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      STORAGE_URL: `sqlite:${path}`,
    }
    const startsWith = async (keys: readonly Buffer[]): Promise<void> => {
      const settings = { ...environment, ENCRYPTION_KEYS: inBase64(keys).join() }
      const { storage: opened } = await layFoundation(parseEnvironment(settings, () => ''))
      await opened.close()
    }
    const isRefused = (work: Promise<void>): Promise<boolean> =>
      work.then(
        () => false,
        (error: Error) => error.message.includes(oldId),
      )
    await startsWith([KEY])

    type Answer = Pick<Rotation, 'keys' | 'resealed'>
    /** Runs the rotation. With a number it is killed after that many progress messages, and there is no answer. */
    const rotate = async (
      endAfter = Infinity,
    ): Promise<(Answer & { code: number }) | undefined> => {
      const child = start('rotate-process.ts', [String(endAfter)], environment)
      let answer: (Answer & { code: number }) | undefined
      child.once('message', ({ code, out }: { code: number; out: string }) => {
        answer = { ...(JSON.parse(out) as Answer), code }
      })
      await once(child, 'exit')
      return answer
    }

    expect(await rotate(1), 'killed while it seals').to.equal(undefined)
    expect(await accountsUnder(newId)).to.equal(100)
    expect(await accountsUnder(oldId)).to.equal(50)
    expect(await isRefused(startsWith([NEW]))).to.equal(true)

    expect(await rotate(3), 'killed while it counts').to.equal(undefined)
    expect(await accountsUnder(oldId)).to.equal(0)
    expect(await isRefused(startsWith([NEW])), 'nothing was retired yet').to.equal(true)

    const { code, keys, resealed } = (await rotate()) ?? {}
    expect({ code, resealed }).to.deep.equal({ code: 0, resealed: 0 })
    expect(keys?.map(({ state }) => state)).to.deep.equal(['newest', 'retired'])
    await startsWith([NEW])
    const later = world({ storage, clock: here.clock, key: NEW })
    for (const [accountId, { code: form, place }] of people)
      expect(await verify(later, 'totp', form(), place({ accountId })), accountId).to.include({
        outcome: 'accepted',
      })
  })
})
