import assert from 'node:assert/strict'
import type { Assurance } from '../domain/assurance.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { Examined, Factor, Form, Owned } from '../factors/factor.ts'
import type { Delivery, PasswordHasher, Random } from '../ports/services.ts'
import { TEST_START } from './runner.ts'

/** The information that the suite needs to act as a person with a factor. */
export interface FactorFixture {
  readonly factor: Factor
  readonly random: Random
  /** For factors that hash. Give it a low cost: an issued set is hashed anew for each test. */
  readonly hasher: PasswordHasher
  /** A person with a new device. Called for each enrolment. */
  holder(): FactorHolder
  /**
   * Makes the state of an imported authenticator, and the codes that its owner has; new ones at each call. `none`
   * factors only.
   */
  arrive?(): Promise<{ readonly state: Json; readonly shown: readonly string[] }>
  /**
   * Stores the states of one person's authenticators, in place of those of before, and reads them again. Default: they
   * become JSON and are read from it.
   */
  keep?(states: readonly Json[]): Promise<readonly Json[]>
  /** Ways of typing the very same response. Empty if the person types nothing. */
  variations(form: Form): readonly Form[]
  /** A form that parses and that every authenticator refuses. */
  readonly wrong: Form
  /** Forms that cannot be a response at all. The suite also tries an empty and an oversized one. */
  readonly unreadable: readonly Form[]
}

/** Acts as the person: keeps the values that were shown at set-up and responds with them. */
export interface FactorHolder {
  /** The response that confirms an enrolment. `confirmed` factors only. */
  confirm?(seen: Seen): Form
  /** A good response that was not given before. `at` is later than at any earlier call. */
  respond(seen: Seen): Form
}

/** The data that a person sees: the page's model, the message, the codes shown once. */
export interface Seen {
  readonly at: Instant
  readonly page: JsonObject
  readonly delivery?: Delivery | undefined
  readonly shown: readonly string[]
}

/** The time between two actions of the person: longer than a TOTP code is valid, shorter than a challenge is. */
const LATER_SECONDS = 300
const ACCOUNT_ID = 'account-1'
const ADDRESS = 'mira@example.com'
/** The provider whose pages ask. A factor that is bound to an origin has to take it from here. */
const ISSUER = 'https://id.example.com/op'
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
  /** A second authenticator of the same factor, set up on another device; undefined if there is only one. */
  readonly other: Second | undefined
  readonly pending: Json
  /** The response that confirmed the enrolment. */
  readonly confirming: unknown
  /** The assurance of the confirming response. */
  readonly proved?: Assurance
  readonly shown: readonly string[]
  /** All authenticators, the last used one first, as they are passed to the factor. */
  states(): readonly Owned<Json>[]
  ask(at: Instant): Promise<Asked & { readonly seen: Seen }>
  respond(): Promise<Given & { readonly form: Form }>
  examine(given: Given): Promise<Examined<unknown>>
  /** Examines a response that the first authenticator must have made, and returns its proof. */
  prove(given: Given): Promise<unknown>
}

export interface Second {
  state: Json
  readonly holder: FactorHolder
}

/** The ids of a person's two authenticators. */
export const FIRST_ID = 'first'
export const SECOND_ID = 'second'

/** Enrols a person with a new device. All arguments of the factor are frozen, because a factor must not change them. */
export async function enrol(fixture: FactorFixture): Promise<Person> {
  const holder = fixture.holder()
  const enrolled = await comeBy(fixture, holder)
  const person = personOf(fixture, holder, enrolled, undefined)
  await keep(fixture, person, enrolled.state)
  return person
}

/** Enrols a person with two authenticators of a confirmed factor, each on a device of its own. */
export async function enrolTwice(fixture: FactorFixture): Promise<Person & { other: Second }> {
  const holder = fixture.holder()
  const enrolled = await confirm(fixture, holder)
  const another = fixture.holder()
  const existing = [{ authenticatorId: FIRST_ID, state: freeze(enrolled.state) }]
  const { state } = await confirm(fixture, another, existing)
  const other: Second = { state: freeze(state), holder: another }
  const person = Object.assign(personOf(fixture, holder, enrolled, other), { other })
  await keep(fixture, person, enrolled.state)
  return person
}

/** Stores this state of the first authenticator, beside that of the second one; the person has what is read again. */
export async function keep(fixture: FactorFixture, person: Person, state: Json): Promise<void> {
  const { other } = person
  const states = other === undefined ? [state] : [state, other.state]
  const stored = (await fixture.keep?.(states)) ?? states.map(throughJson)
  assert.equal(stored.length, states.length)
  const [first, second] = stored.map((each) => freeze(fixture.factor.parseState(each)))
  person.state = first as Json
  if (other !== undefined) other.state = second as Json
}

export function throughJson(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json
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
  const challenge = await enrolmentChallenge(fixture, pending)
  const page = (await factor.describeEnrolment?.(pending, label, challenge, existing)) ?? {}
  const form = holder.confirm?.({ at: TEST_START, page, delivery, shown: [] }) ?? {}
  const confirming = freeze(factor.parseResponse(form))
  assert.notEqual(confirming, undefined)
  const given = { challenge, existing }
  const confirmed = await factor.confirmEnrolment?.(pending, confirming, TEST_START, given)
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

/** The challenge of a set-up in progress; undefined: the factor needs none. */
export async function enrolmentChallenge(
  fixture: FactorFixture,
  pending: Json,
): Promise<Json | undefined> {
  const input = { ...someone(fixture), now: TEST_START }
  const begun = await fixture.factor.enrolmentChallenge?.(pending, input)
  return begun && freeze(begun.value)
}

/** The input of a person: `address` is a verified one; `locale` is the language of the page. */
export function someone({ random }: FactorFixture) {
  return { accountId: ACCOUNT_ID, random, address: ADDRESS, locale: LOCALE, issuer: ISSUER }
}

export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
}
