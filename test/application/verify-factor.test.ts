import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { commit } from '../../src/application/commit.ts'
import { endEverything, passwordChanged } from '../../src/application/manage-accounts.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import type { Authenticator, MfaRecord } from '../../src/domain/mfa-record.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import { ownCode } from '../support/totp.ts'
import { owner, verify, type Owner } from './person.ts'
import {
  codeOf,
  heardOf,
  interrupted,
  load,
  nodeBeside,
  settledRecord,
  touch,
  world,
  type World,
} from './world.ts'

/** Edits the record behind the application's back, as somebody with the database could. */
async function edit(of: World, change: (record: MfaRecord) => MfaRecord, accountId = 'mira') {
  const { record, version } = await load(of, accountId)
  await of.storage.records.save(accountId, change(record) as unknown as JsonObject, version)
}

const authenticatorOf = (record: MfaRecord, factor: string): Authenticator =>
  record.authenticators.find((authenticator) => authenticator.factor === factor)!

describe('an attempt at a second factor', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  it('R5 R26 accepts a right code once, and says what it proved', async () => {
    const outcome = await verify(one, 'totp', mira.code(), mira.place())
    expect(outcome).to.deep.nested.include({ outcome: 'accepted', 'accepted.factor': 'totp' })
    expect(outcome).to.deep.nested.include({
      'accepted.assurance': { amr: ['otp'], kinds: ['possession'], phishingResistant: false },
    })
    const again = await verify(one, 'totp', mira.code(), mira.place({ interaction: 'other' }))
    expect(again).to.deep.equal({ outcome: 'refused' })
  })

  it('R4 knows the browser from then on', async () => {
    await verify(one, 'totp', mira.code(), mira.place({ newTokenHash: 'phone' }))
    const { browsers } = await settledRecord(one)
    expect(browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['laptop', 'phone'])
  })

  it('R4 knows the browser by the token it has, where it has one', async () => {
    const place = mira.place({ tokenHashes: ['laptop'], newTokenHash: 'phone' })
    await verify(one, 'totp', mira.code(), place)
    const { browsers } = await settledRecord(one)
    expect(browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['laptop'])
  })

  it('R31 tells the listeners why a code was refused, and nobody else', async () => {
    const spent = mira.code()
    await verify(one, 'totp', spent, mira.place())
    const answers = [
      await verify(one, 'totp', spent, mira.place({ interaction: 'replay' })),
      await verify(one, 'totp', mira.wrong, mira.place({ interaction: 'wrong' })),
    ]
    expect(answers).to.deep.equal([{ outcome: 'refused' }, { outcome: 'refused' }])
    const refused = await heardOf(one, 'factor-refused')
    expect(refused.map(({ detail }) => detail)).to.deep.equal(
      ['replayed', 'wrong'].map((reason) => ({
        clientId: 'app',
        ip: '192.0.2.7',
        userAgent: 'Browser/1',
        factor: 'totp',
        browser: 'unknown',
        reason,
      })),
    )
  })

  it('R6 says that the phone is behind when a code was right a while ago, and charges it', async () => {
    const outcome = await verify(one, 'totp', mira.code(-120), mira.place())
    expect(outcome).to.deep.equal({ outcome: 'refused', behindSeconds: 120 })
    const [refused] = await heardOf(one, 'factor-refused')
    expect(refused?.detail.reason).to.equal('late')
    expect((await settledRecord(one)).throttle.failedAt).to.have.length(1)
  })

  it('R5 gives no hint on a replay: it would say that the code was right once', async () => {
    const spent = mira.code()
    await verify(one, 'totp', spent, mira.place())
    one.clock.advance(120)
    const outcome = await verify(one, 'totp', spent, mira.place({ interaction: 'later' }))
    expect(outcome).to.deep.equal({ outcome: 'refused' })
  })

  it('R38 answers a double tap with the first result, and charges nothing', async () => {
    const first = await verify(one, 'totp', mira.code(), mira.place())
    const before = await settledRecord(one)
    const second = await verify(one, 'totp', mira.code(), mira.place())
    expect(second).to.deep.equal(first)
    expect(await settledRecord(one)).to.deep.equal(before)
    expect(await heardOf(one, 'factor-accepted')).to.have.length(1)
  })

  it('R38 answers a double tap alike also where both are in flight at once', async () => {
    const taps = [1, 2].map(() => verify(one, 'totp', mira.code(), mira.place()))
    const outcomes = await Promise.all(taps)
    expect(outcomes[0]).to.include({ outcome: 'accepted' })
    expect(outcomes[1]).to.deep.equal(outcomes[0])
  })

  it('R38 answers a double tap alike on two nodes', async () => {
    const nodes = [one, nodeBeside(one)]
    const outcomes = await Promise.all(
      nodes.map((node) => verify(node, 'totp', mira.code(), mira.place())),
    )
    expect(outcomes[0]).to.include({ outcome: 'accepted' })
    expect(outcomes[1]).to.deep.equal(outcomes[0])
    await settledRecord(nodes[1]!)
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
  })

  it('R38 examines another code of the same interaction as a new attempt', async () => {
    await verify(one, 'totp', mira.code(), mira.place())
    const second = await verify(one, 'totp', mira.wrong, mira.place())
    expect(second).to.deep.equal({ outcome: 'refused' })
  })

  it('R5 R18 accepts one code once on eight nodes at the same time', async () => {
    const nodes = Array.from({ length: 8 }, () => nodeBeside(one))
    const outcomes = await Promise.all(
      nodes.map((node, index) =>
        verify(node, 'totp', mira.code(), mira.place({ interaction: `sign-in ${index}` })),
      ),
    )
    const accepted = outcomes.filter(({ outcome }) => outcome === 'accepted')
    expect(accepted).to.have.length(1)
  })

  it('R5 R18 accepts one backup code once on four nodes at the same time', async () => {
    const nodes = Array.from({ length: 4 }, () => nodeBeside(one))
    const outcomes = await Promise.all(
      nodes.map((node, index) =>
        verify(
          node,
          'backup-codes',
          { backupCode: mira.codes[4]! },
          mira.place({ interaction: `sign-in ${index}` }),
        ),
      ),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'accepted')).to.have.length(1)
    await Promise.all(nodes.map((node) => settledRecord(node)))
    const reasons = nodes.flatMap(({ heard }) => heard.map(({ detail }) => detail.reason))
    expect(reasons.filter((reason) => reason !== undefined)).to.include('replayed')
  })

  it('R8 spends a backup code and says how many are left', async () => {
    const outcome = await verify(one, 'backup-codes', { backupCode: mira.codes[0]! }, mira.place())
    expect(outcome).to.deep.nested.include({
      'accepted.assurance.amr': ['backup_code'],
      'accepted.remaining': 9,
    })
    const [used] = await heardOf(one, 'backup-code-used')
    expect(used?.detail).to.include({ factor: 'backup-codes', remaining: 9 })
  })

  it('R18 hashes once, however often the save is lost', async () => {
    let hashed = 0
    const hasher = passwordHasher({ memoryKib: 8, iterations: 1 })
    const node = nodeBeside(one, {
      records: interrupted(one.storage.records, (nth) =>
        nth <= 3 ? touch(one.storage.records) : undefined,
      ),
      hasher: {
        ...hasher,
        verify: (phc, secret) => {
          hashed += 1
          return hasher.verify(phc, secret)
        },
      },
    })
    const form = { backupCode: mira.codes[0]! }
    expect(await verify(node, 'backup-codes', form, mira.place())).to.include({
      outcome: 'accepted',
    })
    expect(hashed).to.equal(1)
  })

  it('accepts the code of any of several authenticator apps, and spends the step of that one', async () => {
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    const place = { id: 'tablet', factor: 'totp' }
    const state = { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30, lastTimeStep: 0 }
    await edit(one, (record) => ({
      ...record,
      authenticators: [
        ...record.authenticators,
        {
          ...place,
          name: 'Tablet',
          createdAt: one.clock.now(),
          sealed: sealState(one.deps.box, 'mira', place, state),
        },
      ],
    }))
    const byTablet = { code: ownCode({ secret }, one.clock.now()) }
    const places = [mira.place(), mira.place({ interaction: 'two' })]
    const tablet = await verify(one, 'totp', byTablet, places[0]!)
    expect(tablet).to.nested.include({ 'accepted.authenticatorId': 'tablet' })
    const phone = await verify(one, 'totp', mira.code(), places[1]!)
    expect(phone).to.nested.include({ outcome: 'accepted' })
    expect(phone).not.to.nested.include({ 'accepted.authenticatorId': 'tablet' })
  })

  describe('while the account is locked', () => {
    async function lock(): Promise<void> {
      for (let n = 0; n < 5; n += 1)
        await verify(one, 'totp', mira.wrong, mira.place({ interaction: `wrong ${n}` }))
      await settledRecord(one)
      one.heard.length = 0
    }

    it('R1 is not examined: the right code is still valid after the lock', async () => {
      await lock()
      const code = mira.code()
      const before = await load(one)
      const closed = await verify(one, 'totp', code, mira.place())
      expect(closed).to.deep.equal({
        outcome: 'closed',
        gate: { open: false, reason: 'code', until: one.clock.now() + 30 },
      })
      expect(await load(one)).to.deep.equal(before)
      one.clock.advance(30)
      expect(await verify(one, 'totp', code, mira.place())).to.include({ outcome: 'accepted' })
    })

    it('R5 spends no backup code', async () => {
      await lock()
      const form = { backupCode: mira.codes[0]! }
      await verify(one, 'backup-codes', form, mira.place())
      one.clock.advance(30)
      const outcome = await verify(one, 'backup-codes', form, mira.place())
      expect(outcome).to.nested.include({ 'accepted.remaining': 9 })
    })

    it('R2 lets the owner in, in a browser the owner has used', async () => {
      await lock()
      const place = mira.place({ tokenHashes: ['laptop'] })
      expect(await verify(one, 'totp', mira.code(), place)).to.include({ outcome: 'accepted' })
    })

    it('R38 still answers a double tap', async () => {
      const code = mira.code()
      const first = await verify(one, 'totp', code, mira.place())
      await lock()
      expect(await verify(one, 'totp', code, mira.place())).to.deep.equal(first)
    })

    it('R31 R47 makes its own event each time, and keeps nothing in the record', async () => {
      await lock()
      const before = await load(one)
      for (let n = 0; n < 5; n += 1)
        await verify(one, 'totp', mira.code(), mira.place({ interaction: `locked ${n}` }))
      const heard = await heardOf(one)
      expect(heard).to.have.length(5)
      expect(heard[0]).to.deep.include({
        type: 'refused-while-locked',
        accountId: 'mira',
        at: one.clock.now(),
        detail: {
          clientId: 'app',
          ip: '192.0.2.7',
          userAgent: 'Browser/1',
          factor: 'totp',
          browser: 'unknown',
          reason: 'code',
          until: one.clock.now() + 30,
        },
      })
      expect(await load(one)).to.deep.equal(before)
    })

    it('R2 shuts strangers out for good after ten failures, until the password changes', async () => {
      for (let n = 0; n < 10; n += 1) {
        await verify(one, 'totp', mira.wrong, mira.place({ interaction: `wrong ${n}` }))
        one.clock.advance(3_600)
      }
      expect(await heardOf(one, 'password-suspected')).to.have.length(1)
      const closed = await verify(one, 'totp', mira.code(), mira.place())
      expect(closed).to.deep.equal({
        outcome: 'closed',
        gate: { open: false, reason: 'password-suspected' },
      })
      await passwordChanged(one.deps, 'mira')
      const { epoch } = await settledRecord(one)
      const open = await verify(one, 'totp', mira.code(), mira.place({ epoch }))
      expect(open).to.include({ outcome: 'accepted' })
    })
  })

  describe('fails closed', () => {
    /**
     * Checks that nothing was consumed or charged, that there was no event, and that nobody was signed in. Returns the
     * error's code.
     */
    async function unchanged(attempt: () => Promise<unknown>): Promise<string> {
      const before = await load(one)
      const code = await codeOf(attempt())
      expect(await load(one)).to.deep.equal(before)
      expect(await heardOf(one)).to.deep.equal([])
      return code
    }

    it('R35 without the key that sealed the factor', async () => {
      const node = nodeBeside(one, { key: Buffer.alloc(32, 9) })
      const attempt = () => verify(node, 'totp', mira.code(), mira.place())
      expect(await unchanged(attempt)).to.equal('key-missing')
    })

    it('R35 with a ciphertext that was moved here from another account', async () => {
      const theo = await owner(one, 'theo')
      const foreign = (await load(one, 'theo')).record
      await edit(one, (record) => ({ ...record, authenticators: foreign.authenticators }))
      const attempt = () =>
        verify(one, 'totp', theo.code(), mira.place({ epoch: theo.place().epoch }))
      expect(await unchanged(attempt)).to.equal('seal-broken')
    })

    it('R35 with a whole record that was copied here from another account', async () => {
      await owner(one, 'theo')
      const foreign = (await load(one, 'theo')).record
      const { version } = await load(one)
      await one.storage.records.save('mira', foreign as unknown as JsonObject, version)
      expect(await codeOf(load(one))).to.equal('record-unreadable')
    })

    it('R35 with a ciphertext that was moved here from another authenticator', async () => {
      await edit(one, (record) => {
        const { sealed } = authenticatorOf(record, 'backup-codes')
        return {
          ...record,
          authenticators: record.authenticators.map((each) => ({ ...each, sealed })),
        }
      })
      const attempt = () => verify(one, 'totp', mira.code(), mira.place())
      expect(await unchanged(attempt)).to.equal('seal-broken')
    })

    it('R35 with an authenticator that is said to be of another factor', async () => {
      await edit(one, (record) => ({
        ...record,
        authenticators: record.authenticators.map((each) => ({ ...each, factor: 'totp' })),
      }))
      const attempt = () => verify(one, 'totp', mira.wrong, mira.place())
      expect(await unchanged(attempt)).to.equal('seal-broken')
    })

    it('R5 R35 with an authenticator under a new id, whose spent codes nobody remembers', async () => {
      await edit(one, (record) => ({
        ...record,
        authenticators: record.authenticators.map((each) => ({ ...each, id: `${each.id}2` })),
      }))
      const attempt = () => verify(one, 'totp', mira.code(), mira.place())
      expect(await unchanged(attempt)).to.equal('seal-broken')
    })

    it('R20 in an older epoch', async () => {
      const seen = await load(one)
      await endEverything(one.deps, 'mira', 'disabled')
      expect(await verify(one, 'totp', mira.code(), mira.place())).to.deep.equal({
        outcome: 'stale',
      })
      expect((await settledRecord(one)).authenticators).to.deep.equal(seen.record.authenticators)
    })

    it('R20 when the epoch is raised between the reading and the save', async () => {
      const node = nodeBeside(one, {
        records: interrupted(one.storage.records, (nth) =>
          nth === 1 ? endEverything(one.deps, 'mira', 'disabled') : undefined,
        ),
      })
      expect(await verify(node, 'totp', mira.code(), mira.place())).to.deep.equal({
        outcome: 'stale',
      })
      expect(await heardOf(node)).to.deep.equal([])
    })

    it('without an authenticator of the factor that was answered', async () => {
      await edit(one, (record) => ({
        ...record,
        authenticators: [authenticatorOf(record, 'backup-codes')],
      }))
      expect(await verify(one, 'totp', mira.code(), mira.place())).to.deep.equal({
        outcome: 'stale',
      })
    })

    it('R32 when the storage goes away at the save', async () => {
      const node = nodeBeside(one, {
        records: {
          ...one.storage.records,
          save: () => Promise.reject(new Error('The storage is away')),
        },
      })
      for (const form of [mira.code(), mira.wrong]) {
        const answer = verify(node, 'totp', form, mira.place()).catch((e: Error) => e.message)
        expect(await answer).to.equal('The storage is away')
      }
    })
  })

  it('R2 examines four at a time of strangers, refuses the rest uncharged, and lets the owner through', async () => {
    const gate = Promise.withResolvers<void>()
    const node = nodeBeside(one, {
      records: {
        ...one.storage.records,
        async save(...given) {
          await gate.promise
          return one.storage.records.save(...given)
        },
      },
    })
    const guesses = Array.from({ length: 9 }, (_, index) =>
      verify(node, 'totp', mira.wrong, mira.place({ interaction: `guess ${index}` })).then(
        ({ outcome }) => outcome,
        (error: { code: string }) => error.code,
      ),
    )
    const own = verify(node, 'totp', mira.code(), mira.place({ tokenHashes: ['laptop'] }))
    gate.resolve()
    const outcomes = await Promise.all(guesses)
    expect(outcomes.filter((outcome) => outcome === 'too-many-attempts')).to.have.length(5)
    expect(outcomes.filter((outcome) => outcome === 'refused')).to.have.length(4)
    expect(await own).to.include({ outcome: 'accepted' })
    expect((await settledRecord(node)).throttle.failedAt).to.have.length(4)
  })

  it('R1 R18 examines exactly as many guesses as are allowed, on many nodes at once', async () => {
    const storage = memoryStorage({ clock: one.clock })
    const first = world({ storage, clock: one.clock })
    const theo = await owner(first, 'theo')
    const nodes = Array.from({ length: 16 }, () => nodeBeside(first))
    const outcomes = await Promise.all(
      nodes.map((node, index) =>
        verify(node, 'totp', theo.wrong, theo.place({ interaction: `guess ${index}` })),
      ),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'refused')).to.have.length(5)
    expect(outcomes.filter(({ outcome }) => outcome === 'closed')).to.have.length(11)
  })
})

describe('a record that an attempt finds changed', () => {
  it('R18 keeps changes that were made meanwhile', async () => {
    const one = world()
    const mira = await owner(one)
    const node = nodeBeside(one, {
      records: interrupted(one.storage.records, (nth) =>
        nth === 1
          ? commit(one.deps, 'mira', (record) => ({
              outcome: undefined,
              record: { ...record, history: { ...record.history, resetAt: 7 } },
            }))
          : undefined,
      ),
    })
    expect(await verify(node, 'totp', mira.code(), mira.place())).to.include({
      outcome: 'accepted',
    })
    expect((await settledRecord(node)).history.resetAt).to.equal(7)
  })
})
