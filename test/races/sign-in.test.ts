import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkRecoveryCode, sendRecoveryCode } from '../../src/application/recover.ts'
import { openState } from '../../src/application/sealed-state.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { RECOVERY_DEFAULTS } from '../../src/domain/recovery.ts'
import { FREE_FAILURES } from '../../src/domain/throttle.ts'
import {
  addTablet,
  begin,
  factorOf,
  owner,
  proveFor,
  verify,
  type Owner,
} from '../application/person.ts'
import { load, placeOf, settledRecord, world, type World } from '../application/world.ts'
import { ownCode } from '../support/totp.ts'
import { RACING } from './factors.ts'
import { mongodbPlace, openPlace, sqlitePlace, type OpenPlace, type Place } from './places.ts'
import { GROUND } from './recovery-ground.ts'
import { passkeyRaces } from './passkey-races.ts'
import { sumOf, type Order, type Race, type Report } from './sign-in-attempts.ts'

const PROCESSES = 4
const AT_ONCE = 50
const ALL = PROCESSES * AT_ONCE

const PLACES: Readonly<Record<string, (context: Mocha.Context) => Promise<Place>>> = {
  'on one SQLite file': sqlitePlace,
  'on a MongoDB collection': (context) => mongodbPlace(context, false),
  'on MongoDB user documents': (context) => mongodbPlace(context, true),
}

for (const [name, make] of Object.entries(PLACES))
  describe(`sign-ins: 4 processes x 50 parallel attempts at one barrier ${name}`, function () {
    this.timeout(60_000)
    let place: Place
    let opened: OpenPlace
    let workers: ChildProcess[] = []
    let here: World

    before(async function () {
      place = await make(this)
      opened = await openPlace(place.address)
      workers = Array.from({ length: PROCESSES }, () =>
        fork(join(import.meta.dirname, 'sign-in-worker.ts'), [place.address]),
      )
      await Promise.all(workers.map((worker) => once(worker, 'message')))
    })

    beforeEach(() => {
      here = world({ storage: opened.storage, listed: RACING })
    })

    after(async () => {
      for (const worker of workers) worker.disconnect()
      await opened?.close()
      await place?.remove()
    })

    /** Makes every process try its attempts at once. Each has its own interaction unless `attempt` names one. */
    const race: Race = async (order, attempt) => {
      const { record } = await load(here, order.accountId)
      const startAt = Date.now() + 100
      const reports = await Promise.all(
        workers.map(async (worker, process) => {
          const attempts = Array.from({ length: AT_ONCE }, (_, nth) => ({
            interaction: `${order.accountId}-${process}-${nth}`,
            form: {},
            ...attempt(process * AT_ONCE + nth),
          }))
          const answer = once(worker, 'message')
          const { epoch } = record
          worker.send({ ...order, epoch, now: here.clock.now(), startAt, attempts } satisfies Order)
          return (await answer)[0] as Report
        }),
      )
      return sumOf(reports)
    }

    function remainingOf(record: MfaRecord): number | undefined {
      const factor = factorOf(here, 'backup-codes')
      const kept = record.authenticators.find((each) => each.factor === factor.id)!
      const state = openState(here.deps.box, record.accountId, kept)
      return factor.remaining?.(factor.parseState(state))
    }

    /** Different wrong codes: none of them is the app's code of a time step near the present one. */
    function wrongCodes(of: Owner): (number: number) => string {
      const near = [-10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1].map((step) =>
        ownCode({ secret: of.secret }, here.clock.now() + step * 30),
      )
      const wrong = Array.from({ length: ALL + near.length }, (_, number) =>
        String(number * 4_999).padStart(6, '0'),
      ).filter((code) => !near.includes(code))
      return (number) => wrong[number]!
    }

    it('R1 R2 R18 examines exactly five wrong codes of strangers, and none of the other 195', async () => {
      const accountId = 'guessed-at'
      const codeOf = wrongCodes(await owner(here, accountId))
      const { outcomes } = await race({ deed: 'verify', factor: 'totp', accountId }, (number) => ({
        form: { code: codeOf(number) },
      }))
      expect(outcomes).to.deep.equal({ refused: FREE_FAILURES, closed: ALL - FREE_FAILURES })
      const { throttle } = await settledRecord(here, accountId)
      expect(throttle.failedAt).to.have.length(FREE_FAILURES)
      expect(throttle.unknownBrowsers.failures).to.equal(FREE_FAILURES)
    })

    it('R1 R18 examines one wrong code after each wait', async () => {
      const accountId = 'guessed-at-again'
      const codeOf = wrongCodes(await owner(here, accountId))
      const guess = () =>
        race({ deed: 'verify', factor: 'totp', accountId }, (number) => ({
          form: { code: codeOf(number) },
        }))
      await guess()
      for (const waitSeconds of [30, 60]) {
        here.clock.advance(waitSeconds)
        expect((await guess()).outcomes).to.deep.equal({ refused: 1, closed: ALL - 1 })
      }
    })

    it('R5 R18 takes one code of an authenticator app once, and counts it as a replay after that', async () => {
      const accountId = 'app-user'
      const { code } = await owner(here, accountId)
      const form = code()
      const { outcomes } = await race({ deed: 'verify', factor: 'totp', accountId }, () => ({
        form,
      }))
      expect(outcomes).to.deep.equal({
        accepted: 1,
        refused: FREE_FAILURES,
        closed: ALL - FREE_FAILURES - 1,
      })
      const { throttle } = await settledRecord(here, accountId)
      expect(throttle.failedAt).to.have.length(FREE_FAILURES)
    })

    it('R5 R8 R18 takes one backup code once, and nine are left', async () => {
      const accountId = 'code-user'
      const { codes } = await owner(here, accountId)
      const form = { backupCode: codes[4]! }
      const { outcomes } = await race(
        { deed: 'verify', factor: 'backup-codes', accountId },
        () => ({
          form,
        }),
      )
      expect(outcomes).to.deep.equal({
        accepted: 1,
        refused: FREE_FAILURES,
        closed: ALL - FREE_FAILURES - 1,
      })
      expect(remainingOf(await settledRecord(here, accountId))).to.equal(9)
    })

    it('R38 a code sent 200 times in one interaction is one sign-in, and no failure', async () => {
      const accountId = 'impatient'
      const form = (await owner(here, accountId)).code()
      const { outcomes } = await race({ deed: 'verify', factor: 'totp', accountId }, () => ({
        form,
        interaction: 'one-for-all',
      }))
      expect(outcomes).to.deep.equal({ accepted: ALL })
      const { throttle, accepted } = await settledRecord(here, accountId)
      expect(throttle.failedAt).to.deep.equal([])
      expect(accepted.filter(({ interaction }) => interaction === 'one-for-all')).to.have.length(1)
    })

    it('R11 R18 of two removals that would leave no factor, one is made', async () => {
      const accountId = 'remover'
      const one = await owner(here, accountId)
      const tablet = await addTablet(here, one, accountId)
      const { authenticators } = await settledRecord(here, accountId)
      const phone = authenticators.find(({ name }) => name === 'Phone')!.id
      const removals = [
        { interaction: 'of the phone', authenticatorId: phone },
        { interaction: 'of the tablet', authenticatorId: tablet },
      ]
      for (const { interaction } of removals) await proveFor(here, one, interaction, accountId)
      const { outcomes } = await race({ deed: 'verify', factor: 'totp', accountId }, (number) => {
        const { interaction, authenticatorId } = removals[number % 2]!
        return { interaction, change: { kind: 'remove', authenticatorId } }
      })
      // Repeats of the removal that was made are double taps.
      expect(outcomes).to.deep.equal({ changed: ALL / 2, stale: ALL / 2 })
      const left = (await settledRecord(here, accountId)).authenticators
      expect(left.filter(({ factor }) => factor === 'totp')).to.have.length(1)
    })

    it('R8 R18 new backup codes end the old ones, of which one was being used, in the same step', async () => {
      const accountId = 'renewer'
      const one = await owner(here, accountId)
      const { interaction } = await proveFor(here, one, 'renewing', accountId)
      const old = one.codes[2]!
      const { outcomes, shown } = await race(
        { deed: 'verify', factor: 'backup-codes', accountId },
        (number) =>
          number % 2 === 0
            ? { interaction, change: { kind: 'renew', factor: 'backup-codes' } }
            : { form: { backupCode: old } },
      )
      expect(outcomes['changed']).to.equal(ALL / 2)
      expect(outcomes['accepted'] ?? 0).to.be.at.most(1)
      expect(shown).to.have.length(10)
      const record = await settledRecord(here, accountId)
      // A use of the old code that came first neither lives on nor costs one of the new codes.
      expect(remainingOf(record)).to.equal(10)
      expect(record.accepted.map((accepted) => accepted.interaction)).to.deep.equal([interaction])
      here.clock.advance(3_600)
      const place = one.place({ accountId, interaction: 'later', epoch: record.epoch })
      expect(await verify(here, 'backup-codes', { backupCode: shown[0]! }, place)).to.include({
        outcome: 'accepted',
      })
      const other = { ...place, interaction: 'the old code' }
      expect(await verify(here, 'backup-codes', { backupCode: old }, other)).to.deep.equal({
        outcome: 'refused',
      })
    })

    it('R9 R18 R44 no recovery is left running beside the lock of its owner, started before or after it', async () => {
      const accountId = 'not-me'
      await owner(here, accountId)
      const before = await settledRecord(here, accountId)
      const interaction = 'of the recovery'
      const at = placeOf({ accountId, interaction, epoch: before.epoch })
      const about = { which: 0, app: 'Acme', locale: 'en' }
      expect(await sendRecoveryCode(here.deps, at, GROUND, about)).to.equal('sent')
      const recoveryCode = here.mails.at(-1)?.values['code'] ?? ''
      const { outcomes } = await race({ deed: 'verify', factor: 'totp', accountId }, (number) =>
        number % AT_ONCE < AT_ONCE - 5
          ? { interaction, instead: { recoveryCode } }
          : { instead: 'lock' },
      )
      const locks = PROCESSES * 5
      expect(outcomes['locked']).to.equal(locks)
      const { recovery, frozenAt, epoch, history } = await settledRecord(here, accountId)
      expect(recovery).to.equal(undefined)
      expect(frozenAt).to.be.a('number')
      expect(epoch).to.equal(before.epoch + locks)
      const started = (outcomes['started'] ?? 0) > 0 ? 1 : 0
      expect(history.recoveriesCancelledAt ?? []).to.have.length(started)
    })

    for (const [wins, isFirst] of [
      ['a replacement', (number: number) => number % AT_ONCE >= 5],
      ['the owner', (number: number) => number % AT_ONCE < 5],
      ['either', (number: number) => number % 2 === 0],
    ] as const)
      it(`R9 R18 of binding a replacement after the wait and cancelling the recovery, one is done (more tries of ${wins})`, async () => {
        const accountId = `recovering for ${wins}`
        await owner(here, accountId)
        const { epoch, authenticators: lost } = await settledRecord(here, accountId)
        const interaction = 'of the recovery'
        const at = placeOf({ accountId, interaction, epoch })
        const typeMailedCode = async () => {
          const about = { which: 0, app: 'Acme', locale: 'en' }
          expect(await sendRecoveryCode(here.deps, at, GROUND, about)).to.equal('sent')
          const code = here.mails.at(-1)?.values['code'] ?? ''
          return (await checkRecoveryCode(here.deps, at, GROUND, code)).outcome
        }
        expect(await typeMailedCode()).to.equal('started')
        const since = (await settledRecord(here, accountId)).recovery!.startedAt
        here.clock.advance(RECOVERY_DEFAULTS.waitSeconds)
        expect(await typeMailedCode()).to.equal('proved')
        const { page } = await begin(here, 'totp', at, { rule: 'allowed', recovering: true })
        const form = { code: ownCode({ secret: String(page?.secret) }, here.clock.now()) }
        const { outcomes } = await race({ deed: 'confirm', factor: 'totp', accountId }, (number) =>
          isFirst(number)
            ? { interaction, form, recovering: true }
            : { interaction, instead: { cancelSince: since } },
        )
        const record = await settledRecord(here, accountId)
        expect(record.recovery).to.equal(undefined)
        const isCancelled = (outcomes['cancelled'] ?? 0) > 0
        expect(outcomes['cancelled'] ?? 0).to.equal(isCancelled ? 1 : 0)
        expect((outcomes['enrolled'] ?? 0) > 0).to.equal(!isCancelled)
        expect(record.history.recoveriesCancelledAt ?? []).to.have.length(isCancelled ? 1 : 0)
        const kept = record.authenticators.filter(({ factor }) => factor === 'totp')
        expect(kept).to.have.length(1)
        expect(lost.some(({ id }) => id === kept[0]?.id)).to.equal(isCancelled)
      })

    it('R10 R18 of two people who set up a first factor at once, one has it', async () => {
      const accountId = 'new-account'
      const people = ['the owner', 'somebody else']
      const forms = new Map<string, { code: string }>()
      for (const interaction of people) {
        const { page } = await begin(here, 'totp', placeOf({ accountId, interaction }))
        const secret = String(page?.secret)
        forms.set(interaction, { code: ownCode({ secret }, here.clock.now()) })
      }
      const { outcomes, shown } = await race(
        { deed: 'confirm', factor: 'totp', accountId },
        (number) => {
          const interaction = people[number % 2]!
          return { interaction, form: forms.get(interaction)! }
        },
      )
      // Repeats of the winner's form get the same response as the first; every form of the other person gets `stale`.
      expect(outcomes).to.deep.equal({ enrolled: ALL / 2, stale: ALL / 2 })
      const record = await settledRecord(here, accountId)
      expect(record.authenticators.map(({ factor }) => factor).sort()).to.deep.equal([
        'backup-codes',
        'totp',
      ])
      expect(shown).to.have.length(10)
      expect(remainingOf(record)).to.equal(10)
    })

    passkeyRaces(() => ({ here, race }))
  })
