const HOUR = 3_600
const DAY = 24 * HOUR

export type Actor = 'owner' | 'thief'

/** A rule that was broken. The walk says which moves led there. */
export class Broken extends Error {}

/**
 * The promises of docs/reference/recovery.md and docs/threat-model.md. The ledger uses none of the product's own rules: it
 * keeps the times of the outcomes, and says from them whether a later outcome was allowed.
 */
export class Ledger {
  readonly #now: () => number
  /** Rises with every change that ends sessions and sign-ins (R20). */
  generation = 0
  /** Who has confirmed each authenticator that the account has. */
  readonly holders = new Map<string, Actor>()
  /** The verified addresses of the account, with the time of the verification; the first one signs in. */
  addresses: readonly { readonly address: string; readonly verifiedAt: number }[]
  mailedReset: { readonly at: number; readonly mailbox: string; isProved: boolean } | undefined
  cancellations: readonly number[] = []
  recoveredAt = -Infinity
  isLocked = false
  recovery: { readonly since: number } | undefined
  lastRecoveryStart = -Infinity
  /** The mailed proofs of the end of a recovery, by the sign-in in which they were given. */
  readonly recoveryProofs = new Map<string, { readonly at: number; readonly since: number }>()
  /** The factors that the owner has shown, by the sign-in. */
  readonly factorProofs = new Map<string, { readonly at: number; readonly generation: number }>()
  /** The set-ups that were begun with such a proof. */
  readonly provedSetUps = new Map<string, number>()

  constructor(now: () => number, addresses: Ledger['addresses']) {
    this.#now = now
    this.addresses = addresses
  }

  get isEnrolled(): boolean {
    return this.holders.size > 0
  }

  get primary(): string {
    return this.addresses[0]?.address ?? ''
  }

  expect(isAllowed: boolean, rule: string): void {
    if (!isAllowed) throw new Broken(rule)
  }

  /** Everything live has ended, a recovery too (R20, R9). */
  raise(): void {
    this.generation += 1
    this.recovery = undefined
    this.recoveryProofs.clear()
    this.provedSetUps.clear()
  }

  /** A factor stands beside the others: a recovery has ended, and no session or sign-in of another browser (R20, R9). */
  added(uid: string): void {
    this.recovery = undefined
    this.recoveryProofs.clear()
    this.provedSetUps.delete(uid)
  }

  cancelled(): void {
    if (!this.#isRunning()) return
    this.cancellations = [...this.cancellations, this.#now()]
    this.recovery = undefined
  }

  locked(): void {
    this.cancelled()
    this.raise()
    this.isLocked = true
  }

  factorShown(uid: string): void {
    this.factorProofs.set(uid, { at: this.#now(), generation: this.generation })
    this.isLocked = false
    if (this.mailedReset !== undefined) this.mailedReset.isProved = true
  }

  #isAfterMailedReset(): boolean {
    return this.mailedReset !== undefined && this.#now() < this.mailedReset.at + 72 * HOUR
  }

  /** Email, password, and the addresses of a recovery. */
  expectDoor(what: string): void {
    this.expect(!this.#isAfterMailedReset(), `${what} within 72 h of a mailed reset`)
    this.expect(this.#now() >= this.recoveredAt + 7 * DAY, `${what} within 7 days of a recovery`)
  }

  /** The factors, of which none goes after a mailed reset. */
  expectFactorsOpen(what: string): void {
    this.expect(!this.#isAfterMailedReset(), `${what} within 72 h of a mailed reset`)
  }

  /** A mailed code of this address was taken as the second proof of a recovery. */
  #expectMailbox(address: string): void {
    const own = this.addresses.find((one) => one.address === address)
    this.expect(own !== undefined, `recovery by ${address}, which is no address of the account`)
    const age = this.#now() - (own?.verifiedAt ?? Infinity)
    this.expect(age >= 7 * DAY, `recovery by ${address}, which is younger than 7 days`)
    const spent = this.mailedReset?.isProved === false ? this.mailedReset.mailbox : undefined
    this.expect(spent !== mailboxOf(address), `recovery by ${address}, which has set the password`)
    this.expect(!this.isLocked, 'recovery of a locked account')
    this.expectDoor('recovery')
    const counted = this.cancellations.filter((at) => at > this.#now() - 30 * DAY)
    this.expect(counted.length < 2, 'recovery after two cancellations in 30 days')
  }

  #isRunning(): boolean {
    return this.recovery !== undefined && this.#now() < this.recovery.since + 72 * HOUR + 7 * DAY
  }

  recoveryStarted(address: string): void {
    this.expect(this.isEnrolled, 'recovery without a factor')
    this.expect(!this.#isRunning(), 'a second recovery beside one')
    this.#expectMailbox(address)
    this.recovery = { since: this.#now() }
    this.lastRecoveryStart = this.#now()
  }

  recoveryProved(uid: string, address: string): void {
    this.#expectOpen()
    this.#expectMailbox(address)
    this.recoveryProofs.set(uid, { at: this.#now(), since: this.recovery?.since ?? 0 })
  }

  #expectOpen(): void {
    this.expect(this.#isRunning(), 'the end of a recovery that is not in progress')
    const waited = this.#now() - (this.recovery?.since ?? Infinity)
    this.expect(waited >= 72 * HOUR, 'the end of a recovery before its wait is over')
  }

  /** Whether this sign-in may bind a replacement. */
  expectRecovered(uid: string): void {
    this.#expectOpen()
    const proof = this.recoveryProofs.get(uid)
    this.expect(proof?.since === this.recovery?.since, 'a replacement without a mailed proof')
    this.expect(this.#now() < (proof?.at ?? 0) + HOUR, 'a replacement long after its mailed proof')
  }

  hasFactorProof(uid: string): boolean {
    const proof = this.factorProofs.get(uid)
    return (
      proof !== undefined && proof.generation === this.generation && this.#now() < proof.at + 600
    )
  }

  setUpBegun(uid: string): void {
    if (this.hasFactorProof(uid) && !this.provedSetUps.has(uid))
      this.provedSetUps.set(uid, this.#now())
  }

  /** Whether this sign-in may add a factor, or replace one (R11). */
  expectAdded(uid: string): void {
    const begunAt = this.provedSetUps.get(uid) ?? -Infinity
    this.expect(
      this.hasFactorProof(uid) || this.#now() < begunAt + 1_800,
      'a factor beside the others without a proof of one of them',
    )
  }

  resetUsed(link: { readonly askedAt: number; readonly generation: number; readonly to: string }) {
    this.expect(link.generation === this.generation, 'a reset by a link of another epoch')
    this.expect(this.#now() < link.askedAt + 600, 'a reset by a link of more than ten minutes')
    this.expect(link.askedAt > this.lastRecoveryStart, 'a reset asked for before a recovery began')
    this.expect(link.to === this.primary, 'a reset by a link to another address')
    this.expect(!this.isLocked, 'a reset of a locked account')
    this.raise()
    const mailbox = mailboxOf(link.to)
    this.mailedReset = { at: this.#now(), mailbox, isProved: false }
  }
}

/** The mailbox of an address: a `+` and the text after it make no other one. */
export function mailboxOf(address: string): string {
  return address.toLowerCase().replace(/\+.*@/, '@')
}
