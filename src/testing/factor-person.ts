import assert from 'node:assert/strict'
import type { Assurance } from '../domain/assurance.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { Examined, Factor, Form, Owned } from '../factors/factor.ts'
import type { Delivery, PasswordHasher, Random } from '../ports/services.ts'
import { TEST_START } from './runner.ts'

/** What the suite must know of a factor to play a person with it. */
export interface FactorFixture {
  readonly factor: Factor
  readonly random: Random
  /** For factors that hash. Give it a low cost: an issued set is hashed anew for each test. */
  readonly hasher: PasswordHasher
  /** A person with a new device. Called for each enrolment. */
  holder(): FactorHolder
  /** What an account brings from elsewhere, and what its owner has of it; anew each time. `none` factors only. */
  arrive?(): Promise<{ readonly state: Json; readonly shown: readonly string[] }>
  /** Ways of typing the very same response. None where nothing is typed. */
  variations(form: Form): readonly Form[]
  /** A form that is read and then refused, whatever was enrolled. */
  readonly wrong: Form
  /** Forms that cannot be a response at all. An empty one and an oversized one are tried anyhow. */
  readonly unreadable: readonly Form[]
}

/** Plays the person: keeps what was shown at set-up and answers from it. */
export interface FactorHolder {
  /** The response that confirms an enrolment. `confirmed` factors only. */
  confirm?(seen: Seen): Form
  /** A good response that was not given before. `at` is later than at any earlier call. */
  respond(seen: Seen): Form
}

/** What a person sees: the page's model, the message, the codes shown once. */
export interface Seen {
  readonly at: Instant
  readonly page: JsonObject
  readonly delivery?: Delivery | undefined
  readonly shown: readonly string[]
}

/** Between two acts of the person: longer than a code of the clock lives, shorter than a challenge does. */
const LATER_SECONDS = 300
const ACCOUNT_ID = 'account-1'
const ADDRESS = 'mira@example.com'
/** Not the default, so that a delivery in another language is seen. */
export const LOCALE = 'de'

export interface Asked {
  readonly at: Instant
  readonly challenge: Json | undefined
}

export interface Given extends Asked {
  readonly response: unknown
}

export interface Person {
  /** The state of the first authenticator. */
  state: Json
  /** A second authenticator of the same factor, set up on another device; undefined where there is one only. */
  readonly other: Second | undefined
  readonly pending: Json
  /** The response that confirmed the enrolment. */
  readonly confirming: unknown
  /** What that proved. */
  readonly proved?: Assurance
  readonly shown: readonly string[]
  /** All authenticators as the factor is asked with them, the one that was used last first. */
  states(): readonly Owned<Json>[]
  ask(at: Instant): Promise<Asked & { readonly seen: Seen }>
  respond(): Promise<Given & { readonly form: Form }>
  examine(given: Given): Promise<Examined<unknown>>
  /** Examines what has to be proved, by the first authenticator. */
  prove(given: Given): Promise<unknown>
}

export interface Second {
  readonly state: Json
  readonly holder: FactorHolder
}

/** The ids of a person's two authenticators. */
export const FIRST_ID = 'first'
export const SECOND_ID = 'second'

/** Enrols a person with a new device. Whatever the factor is given is frozen: it decides, it changes nothing. */
export async function enrol(fixture: FactorFixture): Promise<Person> {
  const holder = fixture.holder()
  const enrolled = await comeBy(fixture, holder)
  return personOf(fixture, holder, enrolled, undefined)
}

/** Enrols a person with two authenticators of a confirmed factor, each on a device of its own. */
export async function enrolTwice(fixture: FactorFixture): Promise<Person & { other: Second }> {
  const holder = fixture.holder()
  const enrolled = await confirm(fixture, holder)
  const another = fixture.holder()
  const existing = [{ authenticatorId: FIRST_ID, state: freeze(enrolled.state) }]
  const { state } = await confirm(fixture, another, existing)
  const other = { state: freeze(state), holder: another }
  return Object.assign(personOf(fixture, holder, enrolled, other), { other })
}

function personOf(
  fixture: FactorFixture,
  holder: FactorHolder,
  enrolled: Enrolled,
  other: Second | undefined,
): Person {
  const { factor, hasher } = fixture
  let now = TEST_START
  const person: Person = {
    ...enrolled,
    state: freeze(enrolled.state),
    other,
    states() {
      const first = { authenticatorId: FIRST_ID, state: person.state }
      if (other === undefined) return [first]
      return [first, { authenticatorId: SECOND_ID, state: other.state }]
    },
    async ask(at) {
      const begun = await factor.challenge?.(person.states(), { ...someone(fixture), now: at })
      const challenge = begun && freeze(begun.value)
      const page = (await factor.describeVerification?.(person.states(), challenge)) ?? {}
      return { at, challenge, seen: { at, page, delivery: begun?.delivery, shown: person.shown } }
    },
    async respond() {
      now += LATER_SECONDS
      const { at, challenge, seen } = await person.ask(now)
      const form = holder.respond(seen)
      const response = factor.parseResponse(form)
      assert.notEqual(response, undefined)
      return { at, challenge, form, response: freeze(response) }
    },
    examine: ({ at, challenge, response }) =>
      factor.examine({ states: person.states(), challenge, response, now: at, hasher }),
    async prove(given) {
      const examined = await person.examine(given)
      assert.equal(examined.outcome, 'proved')
      assert.equal(examined.authenticatorId, FIRST_ID)
      return freeze(examined.proof)
    },
  }
  return person
}

type Enrolled = Pick<Person, 'state' | 'pending' | 'confirming' | 'proved' | 'shown'>

function comeBy(fixture: FactorFixture, holder: FactorHolder): Promise<Enrolled> {
  switch (fixture.factor.enrolment) {
    case 'confirmed':
      return confirm(fixture, holder)
    case 'issued':
      return issue(fixture)
    case 'none':
      return arrive(fixture)
  }
}

async function arrive(fixture: FactorFixture): Promise<Enrolled> {
  const arrived = await fixture.arrive?.()
  assert.ok(arrived, 'the fixture of a factor that nobody sets up here needs `arrive`')
  return { ...arrived, pending: null, confirming: undefined }
}

async function issue({ factor, random, hasher }: FactorFixture): Promise<Enrolled> {
  const issued = await factor.issue?.({ random, hasher })
  assert.ok(issued)
  return { ...issued, pending: null, confirming: undefined }
}

async function confirm(
  fixture: FactorFixture,
  holder: FactorHolder,
  existing: readonly Owned<Json>[] = [],
): Promise<Enrolled> {
  const { factor } = fixture
  const { value: pending, delivery } = await beginEnrolment(fixture, existing)
  const label = { issuerName: 'Acme', label: ADDRESS }
  const page = (await factor.describeEnrolment?.(pending, label)) ?? {}
  const form = holder.confirm?.({ at: TEST_START, page, delivery, shown: [] }) ?? {}
  const confirming = freeze(factor.parseResponse(form))
  assert.notEqual(confirming, undefined)
  const confirmed = await factor.confirmEnrolment?.(pending, confirming, TEST_START)
  assert.ok(confirmed)
  return { state: confirmed.state, pending, confirming, proved: confirmed.assurance, shown: [] }
}

export async function beginEnrolment(
  fixture: FactorFixture,
  existing: readonly Owned<Json>[] = [],
) {
  const { factor } = fixture
  const begun = await factor.beginEnrolment?.({ ...someone(fixture), now: TEST_START, existing })
  assert.ok(begun)
  return { ...begun, value: freeze(begun.value) }
}

/** `address` is one that was verified; `locale` the language of the page. */
export function someone({ random }: FactorFixture) {
  return { accountId: ACCOUNT_ID, random, address: ADDRESS, locale: LOCALE }
}

export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
}
