import { expect } from 'chai'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { sendOwnerCode } from '../../src/application/prove-owner.ts'
import { resealSecrets, sealingKeys } from '../../src/application/reseal.ts'
import { openState } from '../../src/application/sealed-state.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { ownCode } from '../support/totp.ts'
import { ADDRESS, begin, confirm, keyOwner, owner, verify } from './person.ts'
import {
  codeOf,
  interrupted,
  KEY,
  load,
  nodeBeside,
  placeOf,
  settledRecord,
  world,
  type World,
} from './world.ts'

const NEW = Buffer.alloc(32, 8)
const [oldId, newId] = [KEY, NEW].map((key) => secretBox({ keys: [key] }).keyIds[0])

/** A node of the same deployment with the new key in front. */
function renewed(of: World, changes: Parameters<typeof world>[0] = {}): World {
  return nodeBeside(of, { box: secretBox({ keys: [NEW, KEY] }), ...changes })
}

/** A node that has only the new key. */
function without(of: World): World {
  return nodeBeside(of, { key: NEW })
}

describe('sealing anew with the newest key', () => {
  let before: World
  beforeEach(() => {
    before = world()
  })

  it('R35 reaches authenticators, enrolments begun and open challenges, and the old key can go', async () => {
    const listed = [totp(), backupCodes(), challengeFactor(), deliveredCodeFactor()]
    const at = world({ listed })
    const { place } = await keyOwner(at)
    await sendOwnerCode(at.deps, place({ interaction: 'asked' }), {
      address: ADDRESS,
      app: 'Fieldnotes',
      locale: 'en',
    })
    await begin(at, 'totp', placeOf({ accountId: 'newcomer' }))
    const node = renewed(at, { listed })
    const { box } = without(at).deps

    for (const accountId of ['mira', 'newcomer']) {
      expect(await sealingKeys(node.deps, accountId)).to.have.all.keys([oldId!])
      expect(await resealSecrets(node.deps, accountId)).to.equal(true)
      const { authenticators, pending, challenges } = (await load(node, accountId)).record
      const sealed = [...authenticators, ...pending, ...challenges]
      expect(await sealingKeys(node.deps, accountId)).to.deep.equal({ [newId!]: sealed.length })
      for (const each of sealed) expect(openState(box, accountId, each)).to.be.an('object')
    }
    expect((await load(node, 'newcomer')).record.pending).to.have.length(1)
    const [open] = (await load(node)).record.challenges
    expect(openState(box, 'mira', open!)).to.have.property('codeHash')
  })

  it('R35 changes nothing else, raises no epoch and makes no event', async () => {
    await owner(before)
    const unsealed = ({ authenticators, ...rest }: MfaRecord): unknown => ({
      ...rest,
      authenticators: authenticators.map(({ sealed: _, ...shown }) => shown),
    })
    const was = unsealed(await settledRecord(before))
    const node = renewed(before)
    await resealSecrets(node.deps, 'mira')
    expect(unsealed(await settledRecord(node))).to.deep.equal(was)
    expect(node.heard).to.deep.equal([])
  })

  it('does nothing the second time, and nothing for an account without a record', async () => {
    await owner(before)
    const node = renewed(before)
    await resealSecrets(node.deps, 'mira')
    const once = await load(node)
    expect(await resealSecrets(node.deps, 'mira')).to.equal(false)
    expect(await resealSecrets(node.deps, 'nobody')).to.equal(false)
    expect(await load(node)).to.deep.equal(once)
    expect(await node.storage.records.load('nobody')).to.equal(undefined)
  })

  it('R5 R18 keeps what a sign-in at the same moment has spent', async () => {
    const { code, place } = await owner(before)
    const spent = code()
    const node = renewed(before, {
      records: interrupted(before.storage.records, async (nth) => {
        if (nth === 1)
          expect(await verify(before, 'totp', spent, place())).to.include({ outcome: 'accepted' })
      }),
    })
    expect(await resealSecrets(node.deps, 'mira')).to.equal(true)

    expect(await sealingKeys(node.deps, 'mira')).to.have.all.keys([newId!])
    const replayed = await verify(node, 'totp', spent, place({ interaction: 'another' }))
    expect(replayed).to.include({ outcome: 'refused' })
    expect((await settledRecord(node)).throttle.failedAt).to.have.length(1)
  })

  it('R5 R18 loses no sign-in that it overtakes, and the code is spent once', async () => {
    const { code, place } = await owner(before)
    const node = renewed(before)
    const overtaken = nodeBeside(before, {
      records: interrupted(before.storage.records, async (nth) => {
        if (nth === 1) await resealSecrets(node.deps, 'mira')
      }),
      box: secretBox({ keys: [KEY, NEW] }),
    })
    const spent = code()
    expect(await verify(overtaken, 'totp', spent, place())).to.include({ outcome: 'accepted' })
    const replayed = await verify(node, 'totp', spent, place({ interaction: 'another' }))
    expect(replayed).to.include({ outcome: 'refused' })
  })

  it('R38 a double tap on a node with another newest key is answered like the first', async () => {
    const { code, place } = await owner(before)
    const both = nodeBeside(before, { box: secretBox({ keys: [KEY, NEW] }) })
    const typed = code()
    expect(await verify(both, 'totp', typed, place())).to.include({ outcome: 'accepted' })
    const node = renewed(before)
    expect(await verify(node, 'totp', typed, place())).to.include({ outcome: 'accepted' })
    expect((await settledRecord(node)).throttle.failedAt).to.deep.equal([])
  })

  it('R38 so is one at the end of a first enrolment', async () => {
    const { page } = await begin(before, 'totp')
    const typed = { code: ownCode({ secret: String(page?.secret) }, before.clock.now()) }
    expect(await confirm(before, 'totp', typed)).to.include({ outcome: 'enrolled' })
    expect(await confirm(renewed(before), 'totp', typed)).to.include({ outcome: 'enrolled' })
  })

  it('R35 throws for a value that does not open, after it has sealed the others again', async () => {
    await owner(before)
    const { record, version } = await load(before)
    const [first, second] = record.authenticators
    const moved = { ...record, authenticators: [{ ...first!, sealed: second!.sealed }, second!] }
    await before.storage.records.save('mira', moved as never, version)
    const node = renewed(before)
    expect(await codeOf(resealSecrets(node.deps, 'mira'))).to.equal('seal-broken')
    expect(await sealingKeys(node.deps, 'mira')).to.deep.equal({ [oldId!]: 1, [newId!]: 1 })
    expect(await codeOf(resealSecrets(without(before).deps, 'mira'))).to.equal('key-missing')
  })
})
