import assert from 'node:assert/strict'
import type { Assurance } from '../domain/assurance.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { Examined, Factor, Form } from '../factors/factor.ts'
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

export interface Asked {
  readonly at: Instant
  readonly challenge: Json | undefined
}

export interface Given extends Asked {
  readonly response: unknown
}

export interface Person {
  state: Json
  readonly pending: Json
  /** The response that confirmed the enrolment. */
  readonly confirming: unknown
  /** What that proved. */
  readonly proved?: Assurance
  readonly shown: readonly string[]
  ask(at: Instant): Asked & { readonly seen: Seen }
  respond(): Given & { readonly form: Form }
  examine(given: Given): Promise<Examined<unknown>>
  /** Examines what has to be proved. */
  prove(given: Given): Promise<unknown>
}

/** Enrols a person with a new device. Whatever the factor is given is frozen: it decides, it changes nothing. */
export async function enrol(fixture: FactorFixture): Promise<Person> {
  const { factor, hasher } = fixture
  const holder = fixture.holder()
  const enrolled = await comeBy(fixture, holder)
  let now = TEST_START

  const person: Person = {
    ...enrolled,
    state: freeze(enrolled.state),
    ask(at) {
      const begun = factor.challenge?.(person.state, { ...someone(fixture), now: at })
      const challenge = begun && freeze(begun.value)
      const page = factor.describeVerification?.(person.state, challenge) ?? {}
      return { at, challenge, seen: { at, page, delivery: begun?.delivery, shown: person.shown } }
    },
    respond() {
      now += LATER_SECONDS
      const { at, challenge, seen } = person.ask(now)
      const form = holder.respond(seen)
      const response = factor.parseResponse(form)
      assert.notEqual(response, undefined)
      return { at, challenge, form, response: freeze(response) }
    },
    examine: ({ at, challenge, response }) =>
      factor.examine({ state: person.state, challenge, response, now: at, hasher }),
    async prove(given) {
      const examined = await person.examine(given)
      assert.equal(examined.outcome, 'proved')
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

async function confirm(fixture: FactorFixture, holder: FactorHolder): Promise<Enrolled> {
  const { factor } = fixture
  const { value: pending, delivery } = beginEnrolment(fixture)
  const label = { issuerName: 'Acme', label: ADDRESS }
  const page = (await factor.describeEnrolment?.(pending, label)) ?? {}
  const form = holder.confirm?.({ at: TEST_START, page, delivery, shown: [] }) ?? {}
  const confirming = freeze(factor.parseResponse(form))
  assert.notEqual(confirming, undefined)
  const confirmed = await factor.confirmEnrolment?.(pending, confirming, TEST_START)
  assert.ok(confirmed)
  return { state: confirmed.state, pending, confirming, proved: confirmed.assurance, shown: [] }
}

export function beginEnrolment(fixture: FactorFixture) {
  const { factor } = fixture
  const begun = factor.beginEnrolment?.({ ...someone(fixture), now: TEST_START, address: ADDRESS })
  assert.ok(begun)
  return { ...begun, value: freeze(begun.value) }
}

export function someone({ random }: FactorFixture) {
  return { accountId: ACCOUNT_ID, random }
}

export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
}
