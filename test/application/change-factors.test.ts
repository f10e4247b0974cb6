import { expect } from 'chai'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { changeFactors, type DirectChange } from '../../src/application/change-factors.ts'
import { beginFactor, confirmFactor, describePending } from '../../src/application/enrol-factor.ts'
import { passwordChanged } from '../../src/application/manage-accounts.ts'
import type { Place } from '../../src/application/place.ts'
import { formatRecord } from '../../src/application/record-format.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { ownCode } from '../support/totp.ts'
import { begin, factorOf, owner, verify, type Owner } from './person.ts'
import {
  KEY,
  heardOf,
  interrupted,
  load,
  nodeBeside,
  settledRecord,
  touch,
  world,
  type World,
} from './world.ts'

const ADDING = { rule: 'refused', adding: true } as const

describe('changing the factors of an account', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  /** A fresh proof of a factor in this interaction of a session. */
  const prove = async (interaction: string, changes: Partial<Place> = {}): Promise<Place> => {
    one.clock.advance(30)
    const place = mira.place({ interaction, epoch: (await settledRecord(one)).epoch, ...changes })
    expect(await verify(one, 'totp', mira.code(), place)).to.include({ outcome: 'accepted' })
    return place
  }
  const change = async (place: Place, what: DirectChange, of = one) =>
    changeFactors(of.deps, place, what, await load(of))
  const idOf = async (factor: string, nth = 0): Promise<string> =>
    (await settledRecord(one)).authenticators.filter((each) => each.factor === factor)[nth]!.id
  const beginAdding = (place: Place) =>
    beginFactor(one.deps, factorOf(one, 'totp'), place, {
      ...ADDING,
      locale: 'en',
      issuer: 'https://id.example.com',
    })
  const confirmAdding = async (place: Place) => {
    const factor = factorOf(one, 'totp')
    const { page } = await pageOf(place)
    const code = ownCode({ secret: String(page?.['secret']) }, one.clock.now())
    const response: unknown = factor.parseResponse({ code })
    return confirmFactor(one.deps, factor, place, response, { ...ADDING, name: 'Tablet' })
  }
  const pageOf = async (place: Place) => {
    const { record } = await load(one)
    const page = await describePending(one.deps, factorOf(one, 'totp'), record, place.interaction, {
      issuerName: 'Acme',
      label: 'mira',
    })
    return { page }
  }
  const replacing = (replaces: string) => ({ ...ADDING, replaces })
  const beginReplacing = (place: Place, id: string) =>
    beginFactor(one.deps, factorOf(one, 'totp'), place, {
      ...replacing(id),
      locale: 'en',
      issuer: 'https://id.example.com',
    })
  const confirmReplacing = async (place: Place, id: string, code?: string) => {
    const factor = factorOf(one, 'totp')
    const { page } = await pageOf(place)
    const right = ownCode({ secret: String(page?.['secret']) }, one.clock.now())
    const response: unknown = factor.parseResponse({ code: code ?? right })
    return confirmFactor(one.deps, factor, place, response, { ...replacing(id), name: 'New' })
  }
  const add = async (): Promise<void> => {
    const place = await prove('adding')
    expect(await beginAdding(place)).to.equal('begun')
    expect(await confirmAdding(place)).to.include({ outcome: 'enrolled' })
  }
  const renewal: DirectChange = { kind: 'renew', factor: 'backup-codes' }

  it('R11 adds a factor with a fresh proof of this interaction, and not without one', async () => {
    const without = mira.place({ interaction: 'without' })
    expect(await beginAdding(without)).to.equal('stale')
    const proved = await prove('with')
    expect(await beginAdding(mira.place({ interaction: 'other' }))).to.equal('stale')
    expect(await beginAdding(proved)).to.equal('begun')
    expect(await confirmAdding(proved)).to.deep.include({ outcome: 'enrolled', shown: [] })
    const { authenticators, epoch } = await settledRecord(one)
    expect(authenticators.map(({ factor }) => factor)).to.deep.equal([
      'totp',
      'backup-codes',
      'totp',
    ])
    expect(epoch).to.equal(2)
  })

  it('R11 adds nothing that was not requested, with or without a fresh proof', async () => {
    const place = await prove('proved')
    expect((await begin(one, 'totp', place)).began).to.equal('stale')
  })

  it('R11 does not begin after its proof has expired: ten minutes', async () => {
    const place = await prove('slow')
    one.clock.advance(600)
    expect(await beginAdding(place)).to.equal('stale')
  })

  it('R11 does not confirm after its set-up has ended: half an hour', async () => {
    const place = await prove('slow')
    await beginAdding(place)
    one.clock.advance(1_799)
    expect(await confirmAdding(place)).to.include({ outcome: 'enrolled' })
    const slower = await prove('slower')
    await beginAdding(slower)
    one.clock.advance(1_800)
    expect(await confirmAdding(slower)).to.deep.equal({ outcome: 'stale' })
  })

  it('makes backup codes with an added factor where the account has none', async () => {
    const codes = await idOf('backup-codes')
    await add()
    const removing = await prove('removing')
    await change(removing, { kind: 'remove', authenticatorId: codes })
    const place = await prove('again')
    await beginAdding(place)
    const enrolled = await confirmAdding(place)
    expect(enrolled.outcome === 'enrolled' && enrolled.shown).to.have.length(10)
  })

  it('R11 R18 keeps the one that is replaced until the first right code of the new one', async () => {
    const phone = await idOf('totp')
    const place = await prove('replacing')
    expect(await beginReplacing(place, phone)).to.equal('begun')
    const wrong = await confirmReplacing(place, phone, '000000')
    expect(wrong).to.deep.equal({ outcome: 'refused' })
    const still = mira.place({ interaction: 'still' })
    one.clock.advance(30)
    expect(await verify(one, 'totp', mira.code(), still)).to.include({ outcome: 'accepted' })
    expect(await confirmReplacing(place, phone)).to.deep.include({ outcome: 'enrolled', shown: [] })
    const { authenticators, epoch } = await settledRecord(one)
    expect(authenticators.map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['backup-codes', ''],
      ['totp', 'New'],
    ])
    expect(await heardOf(one, 'factor-replaced')).to.have.length(1)
    expect(await heardOf(one, 'factor-removed')).to.deep.equal([])
    one.clock.advance(30)
    const later = mira.place({ interaction: 'later', epoch })
    expect(await verify(one, 'totp', mira.code(), later)).to.deep.equal({ outcome: 'refused' })
  })

  it('R40 replaces one of ten, and adds no eleventh', async () => {
    for (let nth = 1; nth < 10; nth += 1) {
      const place = await prove(`adding ${nth}`)
      await beginAdding(place)
      expect(await confirmAdding(place)).to.include({ outcome: 'enrolled' })
    }
    const full = await prove('eleventh')
    expect(await beginAdding(full)).to.equal('stale')
    const last = await idOf('totp', 9)
    expect(await beginReplacing(full, last)).to.equal('begun')
    expect(await confirmReplacing(full, last)).to.include({ outcome: 'enrolled' })
    const { authenticators } = await settledRecord(one)
    expect(authenticators.filter(({ factor }) => factor === 'totp')).to.have.length(10)
  })

  it('R9 R18 is refused in the commit after a password that came by mail, and adding is not', async () => {
    await add()
    const phone = await idOf('totp')
    await passwordChanged(one.deps, 'mira', { by: 'mail', address: 'mira@example.com' })
    const place = await prove('after the mail')
    const removal: DirectChange = { kind: 'remove', authenticatorId: phone }
    for (const what of [removal, renewal])
      expect(await change(place, what)).to.deep.nested.include({
        outcome: 'shut',
        'door.reason': 'after-mailed-reset',
      })
    expect(await beginReplacing(place, phone)).to.equal('stale')
    expect(await beginAdding(place)).to.equal('begun')
    one.clock.advance(259_200)
    expect(await change(await prove('three days later'), removal)).to.include({
      outcome: 'changed',
    })
  })

  it('adds nothing where the one to be replaced does not exist', async () => {
    const place = await prove('replacing')
    expect(await beginReplacing(place, 'gone')).to.equal('stale')
  })

  for (const [kind, make] of Object.entries({
    renew: async (): Promise<DirectChange> => renewal,
    remove: async (): Promise<DirectChange> => ({
      kind: 'remove',
      authenticatorId: await idOf('totp'),
    }),
    rename: async (): Promise<DirectChange> => ({
      kind: 'rename',
      authenticatorId: await idOf('totp'),
      name: 'New',
    }),
  })) {
    it(`R11 takes a fresh proof for one change and spends it: ${kind}`, async () => {
      await add()
      const what = await make()
      const { epoch } = await settledRecord(one)
      const session = mira.place({ interaction: 'stolen', epoch })
      expect(await change(session, what)).to.deep.equal({ outcome: 'stale' })
      const place = await prove('proved')
      expect(await change({ ...place, interaction: 'other' }, what)).to.include({
        outcome: 'stale',
      })
      expect(await change(place, what)).to.include({ outcome: 'changed' })
      // The place of a page of the same interaction that knows the present epoch.
      const now = { ...place, epoch: (await settledRecord(one)).epoch }
      const other: DirectChange = { ...(await make()), name: 'Another' }
      expect(await change(now, other)).to.deep.equal({ outcome: 'stale' })
    })

    it(`R38 answers a double tap with the first result: ${kind}`, async () => {
      await add()
      const what = await make()
      const place = await prove('proved')
      const [first, second] = await Promise.all([change(place, what), change(place, what)])
      expect(second).to.deep.equal(first)
      expect(await change(place, what)).to.deep.equal({ ...first, shown: [] })
    })

    it(`R18 decides again on what another node has saved: ${kind}`, async () => {
      await add()
      const what = await make()
      const place = await prove('proved')
      const { records } = one.storage
      const slow = nodeBeside(one, {
        records: interrupted(records, async (nth) => nth === 1 && (await touch(records))),
      })
      expect(await change(place, what, slow)).to.include({ outcome: 'changed' })
    })
  }

  it('R20 is refused in an older epoch', async () => {
    const place = await prove('proved')
    const older = { ...place, epoch: place.epoch - 1 }
    expect(await change(older, renewal)).to.deep.equal({ outcome: 'stale' })
    expect(await beginAdding(older)).to.equal('stale')
  })

  it('R11 is over when the account changes meanwhile', async () => {
    await add()
    const place = await prove('first')
    const other = await prove('second')
    expect(await change(other, renewal)).to.include({ outcome: 'changed' })
    expect(await change(place, renewal)).to.deep.equal({ outcome: 'stale' })
  })

  it('R18 never leaves an account without a lasting factor, on two nodes at once', async () => {
    await add()
    const ids = [await idOf('totp'), await idOf('totp', 1)]
    const places = [await prove('one'), await prove('two')]
    const nodes = [one, nodeBeside(one)]
    const outcomes = await Promise.all(
      nodes.map((node, index) =>
        change(places[index]!, { kind: 'remove', authenticatorId: ids[index]! }, node),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).to.deep.equal(['changed', 'stale'])
    const { authenticators } = await settledRecord(one)
    expect(authenticators.filter(({ factor }) => factor === 'totp')).to.have.length(1)
  })

  it('does not remove the last one', async () => {
    const place = await prove('last')
    const last: DirectChange = { kind: 'remove', authenticatorId: await idOf('totp') }
    expect(await change(place, last)).to.deep.equal({ outcome: 'last-factor' })
    expect(await heardOf(one, 'factor-removed')).to.deep.equal([])
  })

  it('refuses an unknown authenticator, and an empty name', async () => {
    const place = await prove('proved')
    expect(await change(place, { kind: 'remove', authenticatorId: 'gone' })).to.include({
      outcome: 'stale',
    })
    for (const factor of ['totp', 'pigeon'])
      expect(await change(place, { kind: 'renew', factor })).to.include({ outcome: 'stale' })
    const nameless = { kind: 'rename', authenticatorId: await idOf('totp'), name: ' ​ ' } as const
    expect(await change(place, nameless)).to.include({
      outcome: 'name-unfit',
      fault: 'nameless',
    })
    expect(await change(place, { ...nameless, name: '😀'.repeat(65) })).to.include({
      outcome: 'name-unfit',
      fault: 'too-long',
    })
  })

  it('R8 keeps only the hashes of new backup codes, and accepts no old code', async () => {
    const place = await prove('renewing')
    const renewed = await change(place, renewal)
    const shown = renewed.outcome === 'changed' ? renewed.shown : []
    expect(new Set([...shown, ...mira.codes]).size).to.equal(20)
    const stored = JSON.stringify(await settledRecord(one))
    for (const code of shown) expect(stored).not.to.include(code)
    const later = mira.place({ interaction: 'later', epoch: (await settledRecord(one)).epoch })
    const old = await verify(one, 'backup-codes', { backupCode: mira.codes[0]! }, later)
    expect(old).to.deep.equal({ outcome: 'refused' })
    const fresh = await verify(one, 'backup-codes', { backupCode: shown[0]! }, later)
    expect(fresh).to.include({ outcome: 'accepted' })
    expect(await heardOf(one, 'backup-codes-created')).to.have.length(1)
  })

  it('R38 a second tap is recognised on a node with another newest key', async () => {
    const place = await prove('renewing')
    expect(await change(place, renewal)).to.include({ outcome: 'changed' })
    const other = nodeBeside(one, { box: secretBox({ keys: [new Uint8Array(32).fill(9), KEY] }) })
    expect(await change(place, renewal, other)).to.deep.include({ outcome: 'changed', shown: [] })
  })
})

describe('removing a factor beside one that its settings refuse', () => {
  const keys: AnyFactor = {
    ...totp(),
    id: 'keys',
    parseState: (stored) => stored,
    isUsable: (state) => state !== 'barred',
  }
  let one: World
  let mira: Owner

  /** A person with an app, backup codes and keys in these states. */
  const start = async (...states: readonly string[]): Promise<void> => {
    one = world({ listed: [totp(), backupCodes(), keys] })
    mira = await owner(one)
    const { record, version } = await load(one)
    const added = states.map((state, nth) => {
      const place = { id: `key ${nth}`, factor: 'keys' }
      const sealed = state === 'torn' ? state : sealState(one.deps.box, 'mira', place, state)
      return { ...place, name: '', createdAt: 1, sealed }
    })
    const authenticators = [...record.authenticators, ...added]
    await one.storage.records.save('mira', formatRecord({ ...record, authenticators }), version)
  }
  /** The answer to the removal, in an interaction in which the person has shown the app. */
  const remove = async (id: string): Promise<string> => {
    one.clock.advance(30)
    const { epoch } = await settledRecord(one)
    const place = mira.place({ interaction: `removing ${id}`, epoch })
    await verify(one, 'totp', mira.code(), place)
    const change = { kind: 'remove', authenticatorId: id } as const
    return (await changeFactors(one.deps, place, change, await load(one))).outcome
  }
  const idOf = async (factor: string): Promise<string> =>
    (await settledRecord(one)).authenticators.find((each) => each.factor === factor)!.id

  it('R11 refuses to remove the last one that its owner can show, in the commit', async () => {
    await start('barred')
    expect(await remove(await idOf('totp'))).to.equal('last-factor')
    await start('barred', 'good')
    expect(await remove(await idOf('totp'))).to.equal('changed')
  })

  it('removes a refused one as long as another one stays', async () => {
    await start('barred', 'barred')
    expect(await remove('key 0')).to.equal('changed')
    expect(await remove('key 1')).to.equal('changed')
  })

  it('does not take one that cannot be opened for refused', async () => {
    await start('torn')
    expect(await remove(await idOf('totp'))).to.equal('changed')
    await start('torn')
    expect(await remove('key 0')).to.equal('changed')
  })
})
