import { changeFactors } from '../../../src/application/change-factors.ts'
import {
  beginFactor,
  confirmFactor,
  describePending,
  type EnrolmentGround,
} from '../../../src/application/enrol-factor.ts'
import { freezeAccount, readDoors, resetAccount } from '../../../src/application/manage-accounts.ts'
import type { Place } from '../../../src/application/place.ts'
import {
  checkOwnerCode,
  ruleWithMailbox,
  sendOwnerCode,
} from '../../../src/application/prove-owner.ts'
import {
  cancelMailedRecovery,
  cancelRecovery,
  checkRecoveryCode,
  sendRecoveryCode,
  type RecoveryGround,
} from '../../../src/application/recover.ts'
import { hashOfSecret, spendShownProof } from '../../../src/application/spend-proof.ts'
import { turnOff } from '../../../src/application/turn-off.ts'
import { verifyFactor } from '../../../src/application/verify-factor.ts'
import type { AskedFor } from '../../../src/domain/attempt.ts'
import { firstFactorHeldUntil, type FirstEnrolmentRule } from '../../../src/domain/enrolment.ts'
import type { FactorChange } from '../../../src/domain/factor-change.ts'
import { isCurrent } from '../../../src/domain/first-factor.ts'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { mayBindReplacement, recoveryState } from '../../../src/domain/recovery.ts'
import { isLive, SESSION_SECONDS } from '../../../src/domain/session.ts'
import { verifiedAddresses } from '../../../src/server/accounts/addresses.ts'
import { voidSetUpLinks } from '../../../src/server/accounts/people.ts'
import { ownCode } from '../../support/totp.ts'
import { openHouse, SENDER, type House } from './house.ts'
import { Ledger, mailboxOf, type Actor } from './ledger.ts'

const MINUTE = 60
const HOUR = 3_600
const DAY = 24 * HOUR
/** Most moves that are under way at the same time. */
const MOST_AT_ONCE = 4
const OWN = 'alice@one.example'
const ADDED = 'alice@two.example'

/** The advantages of the thief of a walk. No thief has a factor. */
export interface Thief {
  readonly hasPassword: boolean
  readonly reads: readonly string[]
}

export const THIEVES: readonly Thief[] = [
  { hasPassword: true, reads: [] },
  { hasPassword: true, reads: [OWN] },
  { hasPassword: true, reads: [ADDED] },
  { hasPassword: true, reads: [OWN, ADDED] },
  { hasPassword: false, reads: [OWN] },
  { hasPassword: false, reads: [ADDED] },
  { hasPassword: false, reads: [OWN, ADDED] },
]

/** A sign-in after its first factor, or of a session. */
interface SignIn {
  readonly actor: Actor
  readonly uid: string
  readonly epoch: number
  readonly answeredAt: number
  readonly generation: number
  readonly change?: FactorChange
  readonly rule: FirstEnrolmentRule
  readonly hasPassword: boolean
}

interface Session {
  readonly epoch: number
  readonly generation: number
  readonly signedInAt: number
  readonly provedAt: number
}

interface Mailed {
  readonly address: string
  readonly code: string
}

type Plan = AsyncGenerator<undefined, void>

/** The moves of the owner and of a thief, in the order that a seed gives, each checked against the ledger. */
export class Walk {
  readonly log: string[] = []
  readonly #random: () => number
  readonly #house: House
  readonly #ledger: Ledger
  readonly #thief: Thief
  readonly #attention: number
  readonly #haste: number
  readonly #passwords: Record<Actor, string | undefined>
  #password = 'the password of the owner'
  #secrets: { readonly id: string; readonly secret: string }[] = []
  #lastStep = 0
  #count = 0
  #sessions: Session[] = []
  #stolen: Session | undefined
  readonly #linkGenerations = new Map<string, number>()
  /** How the thief got in, where the threat model grants it. */
  granted: 'recovery' | 'first-factor' | undefined

  private constructor(house: House, thief: Thief, random: () => number, ledger: Ledger) {
    this.#house = house
    this.#thief = thief
    this.#random = random
    this.#attention = this.#pick([0, 0.1, 0.3, 1])
    this.#haste = this.#pick([0, 0.3, 1])
    this.#ledger = ledger
    this.#passwords = {
      owner: this.#password,
      thief: thief.hasPassword ? this.#password : undefined,
    }
  }

  /** Begins a walk: the owner has set up an authenticator app, some days ago or just now. */
  static async begin(seed: number): Promise<Walk> {
    const random = numbersFrom(seed)
    const thief = THIEVES[Math.floor(random() * THIEVES.length)]!
    const house = await openHouse(`walk ${seed}`, { added: random() < 0.8 ? [ADDED] : [] })
    const addresses = verifiedAddresses(await house.account()) as Ledger['addresses']
    const walk = new Walk(house, thief, random, new Ledger(() => house.now(), addresses))
    walk.#say(JSON.stringify(thief))
    await house.advance(random() < 0.8 ? 8 * DAY : 2 * DAY)
    const first = (await walk.#signIn('owner', { rule: 'allowed' }))!
    await run(walk.#enrol(first))
    return walk
  }

  /** Makes this many moves, or fewer if the thief gets in by a way that is granted. */
  async go(moves: number): Promise<void> {
    const plans: { readonly name: string; readonly plan: Plan }[] = []
    for (let move = 0; move < moves && this.granted === undefined; move += 1) {
      const chance = this.#random()
      if (chance < 0.25) await this.#wait(plans.length > 0)
      else if (plans.length === 0 || (chance < 0.45 && plans.length < MOST_AT_ONCE)) {
        const [name, make] = this.#next()
        plans.push({ name, plan: make() })
      } else {
        const at = Math.floor(this.#random() * plans.length)
        const { name, plan } = plans[at]!
        this.#say(name)
        if ((await plan.next()).done === true) plans.splice(at, 1)
      }
      await this.#house.settle()
      await this.#check()
    }
  }

  /** The deeds that the thief, the owner and an administrator begin, each with its weight among all of them. */
  readonly #plans: readonly (readonly [string, number, () => Plan])[] = [
    ['thief recovers', 6, () => this.#recover('thief')],
    ['thief recovers in a change', 4, () => this.#recover('thief', this.#someAddition())],
    ['thief resets', 3, () => this.#reset('thief')],
    ['thief sets up a first factor', 2, () => this.#enrolFirst('thief')],
    ['thief steals a session', 1, () => this.#steal()],
    ['thief uses the session', 1, () => this.#useSession()],
    ['thief lures', 1, () => this.#lure()],
    ['thief cancels by mail', 0.3, () => this.#cancelByMail('thief')],
    ['thief locks', 0.2, () => this.#lock('thief')],
    ['owner signs in', 2, () => this.#signInWhole()],
    ['owner cancels', 1, () => this.#cancelByFactor()],
    ['owner cancels by mail', 1, () => this.#cancelByMail('owner')],
    ['owner locks', 0.5, () => this.#lock('owner')],
    ['owner resets', 2, () => this.#reset('owner')],
    ['owner recovers', 1, () => this.#recover('owner')],
    ['owner changes factors', 2, () => this.#changeFactors()],
    ['owner changes the password', 1, () => this.#onPage('password')],
    ['owner changes the address', 1, () => this.#onPage('email')],
    ['owner adds an address', 1, () => this.#onPage('add-address')],
    ['owner removes an address', 1, () => this.#onPage('remove-address')],
    ['owner sets up a first factor', 2, () => this.#enrolFirst('owner')],
    ['administrator resets', 0.3, () => this.#administratorResets()],
  ]

  /** An owner who does much leaves no recovery its whole wait, and neither does a thief who sets passwords. */
  #next(): readonly [string, () => Plan] {
    const { recovery } = this.#ledger
    const isOpen = recovery !== undefined && this.#house.now() >= recovery.since + 72 * HOUR
    const weights = this.#plans.map(([name, weight]) => {
      if (isOpen && /recovers|cancels/.test(name)) return weight * 8
      if (name === 'thief resets') return weight * this.#haste
      return name.startsWith('owner') ? weight * this.#attention : weight
    })
    let left = this.#random() * weights.reduce((sum, weight) => sum + weight, 0)
    const at = weights.findIndex((weight) => (left -= weight) < 0)
    const [name, , make] = this.#plans[Math.max(at, 0)]!
    return [name, make]
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!
  }

  #say(what: string): void {
    this.log.push(`${this.#house.now() % 100_000_000} ${what}`)
  }

  /** `hurried`: something is under way, which mostly goes on within minutes. */
  async #wait(hurried: boolean): Promise<void> {
    const { recovery } = await this.#house.record()
    const now = this.#house.now()
    const { opensAt = now, endsAt = now } = recovery ?? {}
    const ends = [opensAt, opensAt - 1, endsAt, endsAt - 1].map((at) => at - now)
    const long =
      recovery === undefined
        ? [HOUR, 25 * HOUR, 73 * HOUR, 8 * DAY, 31 * DAY]
        : [...ends, ...ends, opensAt - now, opensAt - now, HOUR, 25 * HOUR]
    const short = [30, MINUTE, MINUTE + 1, 5 * MINUTE, 9 * MINUTE, 11 * MINUTE]
    const isShort = hurried && this.#random() < 0.65
    const seconds = Math.max(1, this.#pick(isShort ? short : long))
    this.#say(`wait ${seconds}`)
    await this.#house.advance(seconds)
  }

  /** Compares the account with the ledger: neither has what the other lacks. */
  async #check(): Promise<void> {
    const record = await this.#house.record()
    const account = await this.#house.account()
    const ledger = this.#ledger
    const now = this.#house.now()
    const ids = record.authenticators.map(({ id }) => id).toSorted()
    const held = [...ledger.holders.keys()].toSorted()
    ledger.expect(`${ids}` === `${held}`, `factors that nobody has set up: ${ids} for ${held}`)
    ledger.expect((record.frozenAt !== undefined) === ledger.isLocked, 'the lock is another one')
    const known = verifiedAddresses(account).map(({ address }) => address)
    const told = ledger.addresses.map(({ address }) => address)
    ledger.expect(`${known}` === `${told}`, `addresses that nobody has proved: ${known}`)
    ledger.expect(await this.#house.isPassword(this.#password), 'a password that nobody has set')
    const isRunning = recoveryState(record, now).state !== 'none'
    const isExpected =
      ledger.recovery !== undefined && now < ledger.recovery.since + 72 * HOUR + 7 * DAY
    ledger.expect(isRunning === isExpected, `a recovery ${isRunning ? 'goes on' : 'has ended'}`)
    const stolen = this.#stolen === undefined ? [] : [this.#stolen]
    for (const session of [...this.#sessions, ...stolen])
      if (isLive(session, record.epoch, SESSION_SECONDS, now))
        ledger.expect(session.generation === ledger.generation, 'a session of another epoch lives')
  }

  /** Gives the password. Undefined: the actor does not know it. */
  async #signIn(
    actor: Actor,
    about: { readonly change?: FactorChange; readonly rule?: FirstEnrolmentRule } = {},
  ): Promise<SignIn | undefined> {
    const password = this.#passwords[actor]
    const epoch = await this.#house.epoch()
    if (password === undefined || !(await this.#house.isPassword(password))) return undefined
    return this.#begun(actor, { epoch, rule: 'refused', hasPassword: true, ...about })
  }

  #begun(
    actor: Actor,
    about: Pick<SignIn, 'epoch' | 'rule' | 'hasPassword'> & { readonly change?: FactorChange },
  ): SignIn {
    this.#count += 1
    const { generation } = this.#ledger
    const uid = `${actor} ${this.#count}`
    return { ...about, actor, uid, answeredAt: this.#house.now(), generation }
  }

  #place({ actor, uid, epoch }: SignIn): Place {
    return {
      accountId: this.#house.id,
      interaction: uid,
      epoch,
      tokenHashes: [actor === 'owner' ? 'laptop' : 'nothing'],
      newTokenHash: actor === 'owner' ? 'laptop' : uid,
      detail: SENDER,
    }
  }

  /** Whether the pages of the sign-in still open: the first factor counts for ten minutes, and in its epoch. */
  async #isOpen(signIn: SignIn): Promise<boolean> {
    const record = await this.#house.record()
    const { uid, epoch, answeredAt } = signIn
    const isPassed = record.accepted.some(({ interaction }) => interaction === uid)
    const now = this.#house.now()
    const pending = { accountId: '', amr: [], ts: answeredAt, answeredAt, epoch }
    const heldUntil = firstFactorHeldUntil(record, uid, now)
    return isCurrent(pending, isPassed ? epoch : record.epoch, now, heldUntil)
  }

  #expectPresent({ generation }: SignIn, what: string): void {
    this.#ledger.expect(generation === this.#ledger.generation, `${what} in an earlier epoch`)
  }

  /** The owner shows the authenticator app. False: it was not taken. */
  async #show(signIn: SignIn, asked?: AskedFor): Promise<boolean> {
    const own = this.#secrets.at(-1)
    if (own === undefined) return false
    while (Math.floor(this.#house.now() / 30) <= this.#lastStep) await this.#house.advance(30)
    const { deps } = this.#house
    const factor = deps.factors.get('totp')!
    const now = this.#house.now()
    const code = ownCode({ secret: own.secret }, now)
    const seen = { record: await this.#house.record(), version: -1 }
    if (!(await this.#isOpen(signIn))) return false
    const response: unknown = factor.parseResponse({ code })
    const shown = await verifyFactor(deps, factor, this.#place(signIn), response, {
      seen,
      ...(asked === undefined ? {} : { asked }),
    })
    if (shown.outcome !== 'accepted') return false
    this.#lastStep = Math.floor(now / 30)
    this.#expectPresent(signIn, 'a factor shown')
    this.#ledger.factorShown(signIn.uid)
    const { generation } = this.#ledger
    const session = { epoch: shown.accepted.epoch, generation, signedInAt: now, provedAt: now }
    this.#sessions = [...this.#sessions, session].slice(-5)
    return true
  }

  async *#signInWhole(): Plan {
    const signIn = await this.#signIn('owner')
    yield
    if (signIn !== undefined) await this.#show(signIn)
  }

  async #groundOf(signIn: SignIn): Promise<EnrolmentGround> {
    const { change, rule } = signIn
    const replaces = change?.kind === 'replace' ? change.authenticatorId : undefined
    const record = await this.#house.record()
    return {
      rule,
      adding: change?.kind === 'add' || replaces !== undefined,
      replaces,
      recovering: mayBindReplacement(record, signIn.uid, this.#house.now()),
    }
  }

  /** Sets up an authenticator app in a sign-in, as its pages do. */
  async *#enrol(signIn: SignIn): Plan {
    const { deps } = this.#house
    const factor = deps.factors.get('totp')!
    const place = this.#place(signIn)
    const begun = await this.#groundOf(signIn)
    if (
      (await beginFactor(deps, factor, place, {
        ...begun,
        locale: 'en',
        issuer: 'https://id.example.com',
      })) !== 'begun'
    )
      return
    this.#ledger.setUpBegun(signIn.uid)
    const about = { issuerName: 'Acme', label: 'alice' }
    const record = await this.#house.record()
    const page = await describePending(deps, factor, record, signIn.uid, about)
    const secret = String(page?.['secret'])
    // A set-up takes a while, in which others act.
    for (let pause = 0; pause < 3; pause += 1) yield
    if (!(await this.#isOpen(signIn))) return
    const ground = await this.#groundOf(signIn)
    const before = await this.#house.record()
    const response: unknown = factor.parseResponse({ code: ownCode({ secret }, this.#house.now()) })
    const done = await confirmFactor(deps, factor, place, response, { ...ground, name: 'app' })
    if (done.outcome !== 'enrolled') return
    await this.#enrolled(signIn, { ground, before, secret })
  }

  async #enrolled(
    signIn: SignIn,
    about: {
      readonly ground: EnrolmentGround
      readonly before: MfaRecord
      readonly secret: string
    },
  ): Promise<void> {
    const ledger = this.#ledger
    const { actor, uid, change } = signIn
    const { ground, before, secret } = about
    this.#expectPresent(signIn, 'a factor bound')
    const { recovery } = ledger
    if (!ledger.isEnrolled) this.#expectFirstFactor(signIn)
    else if (ground.recovering === true) ledger.expectRecovered(uid)
    else {
      ledger.expectAdded(uid)
      ledger.expect(actor === 'owner', 'the thief has added a factor')
      if (change?.kind === 'replace') ledger.expectFactorsOpen('a factor replaced')
    }
    const hadFactors = ledger.isEnrolled
    const record = await this.#house.record()
    const ids = record.authenticators.map((one) => one.id)
    for (const held of ledger.holders.keys()) if (!ids.includes(held)) ledger.holders.delete(held)
    for (const one of ids) if (!ledger.holders.has(one)) ledger.holders.set(one, actor)
    const isAdded = hadFactors && ground.recovering !== true && change?.kind === 'add'
    if (isAdded) ledger.added(uid)
    else ledger.raise()
    ledger.expect(record.epoch === before.epoch + (isAdded ? 0 : 1), 'the epoch of a factor bound')
    ledger.isLocked = false
    if (hadFactors && ground.recovering === true) {
      ledger.expect(
        before.authenticators.every(({ id }) => !ids.includes(id)),
        'an old factor',
      )
      ledger.recoveredAt = this.#house.now()
    }
    const fresh = record.authenticators.find(
      (one) => one.factor === 'totp' && !before.authenticators.some(({ id }) => id === one.id),
    )
    if (actor === 'thief') {
      this.granted = hadFactors ? 'recovery' : 'first-factor'
      if (hadFactors) this.#expectNotices(recovery?.since ?? 0)
      return
    }
    this.#secrets = [
      ...this.#secrets.filter((one) => ids.includes(one.id)),
      { id: fresh?.id ?? '', secret },
    ]
    this.#lastStep = Math.floor(this.#house.now() / 30)
  }

  #expectFirstFactor({ actor, rule }: SignIn): void {
    if (actor === 'owner') return
    const { primary, mailedReset } = this.#ledger
    const isSpent = mailedReset?.isProved === false && mailedReset.mailbox === mailboxOf(primary)
    this.#ledger.expect(rule === 'mailed-code', 'a first factor without a proof')
    this.#ledger.expect(this.#thief.reads.includes(primary), 'a first factor without the mailbox')
    this.#ledger.expect(!isSpent, 'a first factor by the mailbox that has set the password')
  }

  /** Every address was told of the start and of the end of the wait. */
  #expectNotices(since: number): void {
    for (const template of ['recovery-started', 'recovery-opened'])
      for (const { address, verifiedAt } of this.#ledger.addresses) {
        if (verifiedAt > since) continue
        const mails = this.#house.readMail(address)
        const isTold = mails.some(
          (mail) => mail.template === template && mail.values['since'] === String(since),
        )
        this.#ledger.expect(isTold, `${address} was not told: ${template}`)
      }
  }

  #reads(actor: Actor): readonly string[] {
    return actor === 'thief'
      ? this.#thief.reads
      : this.#ledger.addresses.map(({ address }) => address)
  }

  /** The code that was mailed just now, and the address. */
  #mailedCode(template: string): Mailed | undefined {
    for (const { address } of this.#ledger.addresses) {
      const mail = this.#house.readMail(address).findLast((one) => one.template === template)
      if (mail?.at === this.#house.now()) return { address, code: mail.values['code'] ?? '' }
    }
    return undefined
  }

  async #recoveryGround({ hasPassword }: SignIn): Promise<RecoveryGround> {
    return { addresses: verifiedAddresses(await this.#house.account()), hasPassword }
  }

  async #askForCode(signIn: SignIn, which: number): Promise<Mailed | undefined> {
    if (!(await this.#isOpen(signIn))) return undefined
    const ground = await this.#recoveryGround(signIn)
    const about = { which, app: 'App', locale: 'en' }
    const sent = await sendRecoveryCode(this.#house.deps, this.#place(signIn), ground, about)
    return sent === 'sent' ? this.#mailedCode('recovery-code') : undefined
  }

  async *#recover(actor: Actor, change?: FactorChange): Plan {
    const { deps } = this.#house
    const signIn = await this.#signIn(actor, change === undefined ? {} : { change })
    if (signIn === undefined) return
    yield
    const place = this.#place(signIn)
    const mailed = await this.#askForCode(signIn, this.#pick([0, 1]))
    if (mailed === undefined || !this.#reads(actor).includes(mailed.address)) return
    yield
    if (!(await this.#isOpen(signIn))) return
    const { recovery: before } = await this.#house.record()
    const ground = await this.#recoveryGround(signIn)
    const { outcome } = await checkRecoveryCode(deps, place, ground, mailed.code)
    if (outcome === 'started') {
      const { recovery: after } = await this.#house.record()
      if (after?.startedAt === before?.startedAt) return
      this.#say(`${actor} has begun a recovery by ${mailed.address}`)
      this.#expectPresent(signIn, 'a recovery begun')
      this.#ledger.recoveryStarted(mailed.address)
    }
    if (outcome !== 'proved') return
    this.#say(`${actor} has proved ${mailed.address} at the end`)
    this.#expectPresent(signIn, 'a recovery proved')
    this.#ledger.recoveryProved(signIn.uid, mailed.address)
    yield
    if (await this.#isOpen(signIn)) yield* this.#enrol(signIn)
  }

  async *#enrolFirst(actor: Actor): Plan {
    if (this.#ledger.isEnrolled) return
    const { deps } = this.#house
    const { primary } = this.#ledger
    const record = await this.#house.record()
    const rule =
      actor === 'owner' ? 'allowed' : ruleWithMailbox(deps, record, 'mailed-code', primary)
    const signIn = await this.#signIn(actor, { rule })
    if (signIn === undefined) return
    yield
    if (actor === 'owner') return yield* this.#enrol(signIn)
    const place = this.#place(signIn)
    const about = { address: primary, app: 'App', locale: 'en' }
    if ((await sendOwnerCode(deps, place, about)) !== 'sent') return
    const mailed = this.#mailedCode('enrolment-code')
    yield
    if (mailed === undefined || !this.#thief.reads.includes(mailed.address)) return
    if (!(await this.#isOpen(signIn))) return
    if ((await checkOwnerCode(deps, place, mailed.code)).outcome !== 'proved') return
    yield
    if (await this.#isOpen(signIn)) yield* this.#enrol(signIn)
  }

  async *#reset(actor: Actor): Plan {
    const { reset } = this.#house
    const linksTo = (address: string): string[] =>
      this.#house.readMail(address).flatMap(({ values }) => values['resetUrl'] ?? [])
    await reset.ask({ name: 'alice', sender: SENDER, browserIsKnown: async () => false })
    await this.#house.settle()
    for (const { address } of this.#ledger.addresses)
      for (const url of linksTo(address))
        if (!this.#linkGenerations.has(url)) this.#linkGenerations.set(url, this.#ledger.generation)
    yield
    const to = this.#pick(this.#reads(actor))
    const mail = this.#house
      .readMail(to ?? '')
      .findLast(({ template }) => template === 'password-reset')
    if (mail === undefined) return
    const url = mail.values['resetUrl'] ?? ''
    this.#count += 1
    const password = `the ${this.#count}. password, of the ${actor}`
    const used = await reset.use(url.split('/').at(-1) ?? '', password, SENDER)
    if (used.outcome !== 'done') return
    this.#say(`${actor} has reset the password by ${to}`)
    const generation = this.#linkGenerations.get(url) ?? -1
    this.#ledger.resetUsed({ askedAt: mail.at, generation, to })
    // The epoch has risen twice.
    this.#ledger.raise()
    this.#newPassword(actor, password)
  }

  #newPassword(actor: Actor, password: string): void {
    this.#password = password
    this.#passwords[actor] = password
  }

  async *#steal(): Plan {
    yield
    this.#stolen = this.#sessions.at(-1) ?? this.#stolen
  }

  #someAddition(): FactorChange {
    const [authenticatorId = 'none'] = this.#ledger.holders.keys()
    return this.#pick<FactorChange>([{ kind: 'add' }, { kind: 'replace', authenticatorId }])
  }

  #someChange(): FactorChange {
    const ids = [...this.#ledger.holders.keys()]
    const authenticatorId = this.#pick(ids) ?? 'none'
    return this.#pick<FactorChange>([
      { kind: 'add' },
      { kind: 'replace', authenticatorId },
      { kind: 'remove', authenticatorId },
      { kind: 'renew', factor: 'backup-codes' },
    ])
  }

  /** With a copy of the session alone: every change is asked for, and none is proved. */
  async *#useSession(): Plan {
    const session = this.#stolen
    if (session === undefined) return
    const { deps } = this.#house
    const change = this.#someChange()
    const about = { epoch: session.epoch, rule: 'refused', hasPassword: false, change } as const
    const signIn = this.#begun('thief', about)
    const place = this.#place(signIn)
    const ground = await this.#recoveryGround(signIn)
    const mail = { which: 0, app: 'App', locale: 'en' }
    const sent = await sendRecoveryCode(deps, place, ground, mail)
    this.#ledger.expect(sent === 'stale', 'a recovery code for a session without the password')
    yield
    yield* this.#enrol(signIn)
    if (change.kind === 'remove' || change.kind === 'renew') {
      const seen = { record: await this.#house.record(), version: -1 }
      const done = await changeFactors(deps, place, change, seen)
      this.#ledger.expect(done.outcome !== 'changed', `a session alone did: ${change.kind}`)
    }
  }

  /** The owner shows the factor for a request of the thief, who has an older copy of the session. */
  async *#lure(): Plan {
    const session = this.#stolen
    if (session === undefined) return
    const { deps, id } = this.#house
    this.#count += 1
    const secret = `secret ${this.#count}`.padEnd(43, 'x')
    const purpose = this.#pick(['account-email', 'account-password', 'account-turn-off'])
    const asked = { purpose, secretHash: hashOfSecret(secret) }
    const lured = await this.#signIn('owner', { change: { kind: 'prove', ...asked } })
    if (lured === undefined || !(await this.#show(lured, asked))) return
    yield
    if (session.provedAt >= lured.answeredAt) return
    const shown = { purpose, secret, provedAt: session.provedAt }
    const spent = await spendShownProof(deps, id, shown)
    this.#ledger.expect(!spent, 'a proof of another browser was spent')
    const { outcome } = await turnOff(deps, id, shown)
    this.#ledger.expect(outcome !== 'turned-off', 'a lured proof turned the factor off')
  }

  async *#cancelByMail(actor: Actor): Plan {
    const mails = this.#reads(actor).flatMap((address) => this.#house.readMail(address))
    const mail = mails.findLast(({ values }) => values['since'] !== undefined)
    yield
    if (mail === undefined) return
    const since = Number(mail.values['since'])
    const { deps, id } = this.#house
    if (!(await cancelMailedRecovery(deps, id, { since, detail: SENDER }))) return
    this.#say(`${actor} has cancelled`)
    this.#ledger.expect(this.#ledger.recovery?.since === since, 'another recovery was cancelled')
    this.#ledger.cancelled()
  }

  async *#cancelByFactor(): Plan {
    const signIn = await this.#signIn('owner')
    if (signIn === undefined || !(await this.#show(signIn))) return
    yield
    const before = this.#ledger.recovery
    if (!(await cancelRecovery(this.#house.deps, this.#place(signIn)))) return
    this.#say('owner has cancelled')
    this.#ledger.expect(this.#ledger.hasFactorProof(signIn.uid), 'a cancellation without a factor')
    this.#ledger.expect(before !== undefined, 'no recovery was cancelled')
    this.#ledger.cancelled()
  }

  async *#lock(actor: Actor): Plan {
    yield
    // The link of any notice leads there, and so does a session.
    const mails = this.#reads(actor).flatMap((address) => this.#house.readMail(address))
    if (mails.length === 0 && this.#stolen === undefined) return
    await freezeAccount(this.#house.deps, this.#house.id, SENDER)
    this.#ledger.locked()
  }

  async *#changeFactors(): Plan {
    const change = this.#someChange()
    const signIn = await this.#signIn('owner', { change })
    if (signIn === undefined || !(await this.#show(signIn, 'change'))) return
    yield
    if (!(await this.#isOpen(signIn))) return
    if (change.kind === 'add' || change.kind === 'replace') return yield* this.#enrol(signIn)
    if (change.kind !== 'remove' && change.kind !== 'renew') return
    const { deps } = this.#house
    const seen = { record: await this.#house.record(), version: -1 }
    const done = await changeFactors(deps, this.#place(signIn), change, seen)
    if (done.outcome !== 'changed') return
    const ledger = this.#ledger
    this.#expectPresent(signIn, 'a factor changed')
    ledger.expect(ledger.hasFactorProof(signIn.uid), 'a change without a proof')
    ledger.expectFactorsOpen(`${change.kind} of a factor`)
    ledger.raise()
    const ids = (await this.#house.record()).authenticators.map(({ id }) => id)
    ledger.expect(ids.length > 0, 'the last factor was removed')
    for (const held of ledger.holders.keys()) if (!ids.includes(held)) ledger.holders.delete(held)
    for (const id of ids) if (!ledger.holders.has(id)) ledger.holders.set(id, 'owner')
    this.#secrets = this.#secrets.filter(({ id }) => ids.includes(id))
  }

  /** A change on a page of the server: the factor is shown for it, and its proof is spent. */
  async *#onPage(kind: 'password' | 'email' | 'add-address' | 'remove-address'): Plan {
    const { deps, id } = this.#house
    this.#count += 1
    const secret = `own secret ${this.#count}`.padEnd(43, 'x')
    const purpose = `account-${kind}`
    const asked = { purpose, secretHash: hashOfSecret(secret) }
    const signIn = await this.#signIn('owner', { change: { kind: 'prove', ...asked } })
    if (signIn === undefined || !(await this.#show(signIn, asked))) return
    const provedAt = this.#house.now()
    yield
    const doors = await readDoors(deps, id)
    const door = kind === 'password' || kind === 'email' ? kind : 'recovery'
    if (!doors[door].open) return
    const spend = (): Promise<boolean> => spendShownProof(deps, id, { purpose, secret, provedAt })
    if (kind === 'password') return this.#changePassword(signIn, spend)
    if (kind === 'email') return yield* this.#changeEmail(signIn, spend)
    if (kind === 'add-address') return yield* this.#addAddress(signIn, spend)
    const address = this.#ledger.addresses[1]?.address
    if (address === undefined || !(await spend())) return
    if (!(await this.#house.addresses.remove(id, address, SENDER))) return
    this.#ledger.expectDoor('an address removed')
    this.#expectPresent(signIn, 'an address removed')
    this.#ledger.addresses = this.#ledger.addresses.filter((one) => one.address !== address)
  }

  async #changePassword(signIn: SignIn, spendProof: () => Promise<boolean>): Promise<void> {
    this.#count += 1
    const password = `the ${this.#count}. password, of the owner`
    const done = await this.#house.changePassword({
      accountId: this.#house.id,
      current: this.#passwords.owner ?? '',
      password,
      byFactor: true,
      spendProof,
      sender: SENDER,
    })
    if (done.outcome !== 'done') return
    this.#expectPresent(signIn, 'a password changed')
    this.#ledger.expectDoor('a password changed')
    this.#ledger.raise()
    this.#newPassword('owner', password)
  }

  async *#changeEmail(signIn: SignIn, spendProof: () => Promise<boolean>): Plan {
    const account = await this.#house.account()
    // Now and then the owner gives an address that the thief reads as well.
    const address = this.#pick([`alice${this.#count}@new.example`, ADDED, OWN])
    if (this.#house.email.judge(account, address).outcome !== 'fit') return
    if (!(await spendProof())) return
    const link = await this.#house.email.make(account, address, signIn.epoch)
    if (link === undefined) return
    const askedAt = this.#house.now()
    yield
    const token = link.url.split('/').at(-1) ?? ''
    if ((await this.#house.email.use(token, SENDER)) === undefined) return
    this.#say(`the address is ${address}`)
    this.#expectPresent(signIn, 'an address changed')
    this.#ledger.expectDoor('an address changed')
    this.#ledger.expect(this.#house.now() < askedAt + DAY, 'an address changed after a day')
    const verifiedAt = this.#house.now()
    const [, ...others] = this.#ledger.addresses
    this.#ledger.addresses = [
      { address, verifiedAt },
      ...others.filter((one) => one.address !== address),
    ]
  }

  async *#addAddress(signIn: SignIn, spendProof: () => Promise<boolean>): Plan {
    const { id, addresses } = this.#house
    const account = await this.#house.account()
    const address = this.#pick([`alice${this.#count}@more.example`, ADDED, 'alice+x@one.example'])
    if (addresses.judge(account, address).outcome !== 'fit' || !(await spendProof())) return
    const place = { accountId: id, sessionUid: signIn.uid }
    const begun = await addresses.begin(place, address, signIn.epoch)
    if (begun === undefined) return
    const askedAt = this.#house.now()
    yield
    if ((await addresses.confirm(place, begun.code, SENDER)) !== 'added') return
    this.#expectPresent(signIn, 'an address added')
    this.#ledger.expectDoor('an address added')
    this.#ledger.expect(this.#house.now() < askedAt + 600, 'an address added after ten minutes')
    const verifiedAt = this.#house.now()
    this.#ledger.addresses = [...this.#ledger.addresses, { address, verifiedAt }]
  }

  async *#administratorResets(): Plan {
    yield
    const { deps, id, storage } = this.#house
    await voidSetUpLinks(storage.accounts, id)
    await resetAccount(deps, id)
    this.#ledger.raise()
    this.#ledger.holders.clear()
    this.#ledger.isLocked = false
    this.#ledger.cancellations = []
    this.#secrets = []
  }
}

async function run(plan: Plan): Promise<void> {
  for await (const _ of plan);
}

/** Numbers from 0 up to 1, the same ones for a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
