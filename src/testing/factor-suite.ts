import assert from 'node:assert/strict'
import type { Assurance } from '../domain/assurance.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Factor } from '../factors/factor.ts'
import { describePages } from './factor-pages-suite.ts'
import {
  beginEnrolment,
  enrol,
  enrolmentChallenge,
  freeze,
  keep,
  LOCALE,
  someone,
  throughJson,
  type FactorFixture,
} from './factor-person.ts'
import { describeIdentifying, describeTwoAuthenticators } from './factor-suite-several.ts'
import { globalRunner, TEST_START, type Runner } from './runner.ts'

export type { FactorFixture, FactorHolder, Seen } from './factor-person.ts'

const OVERSIZED = '1'.repeat(100_000)
const RUBBISH: readonly Json[] = [null, true, 0, 'x', [], {}, [{}], { x: 1 }]

/**
 * The contract of src/factors/factor.ts as mocha tests: `describeFactor('totp', { factor: totp(), ... })`. A factor
 * that passes can be handed to `createMfa`.
 */
export function describeFactor(
  name: string,
  fixture: FactorFixture,
  runner: Runner = globalRunner(),
): void {
  const { factor } = fixture
  const it: It = (sentence, body) => void runner.it(sentence, async () => body())

  runner.describe(`${name} keeps the contract of a factor`, () => {
    describeForms(fixture, it)
    describeProofs(fixture, it)
    if (factor.enrolment === 'confirmed') {
      describeConfirmed(fixture, it)
      describeTwoAuthenticators(fixture, it)
    } else if (factor.remaining !== undefined) describeSupply(fixture, it)
    if (factor.challenge !== undefined) describeChallenged(fixture, it)
    if (factor.pages !== undefined) describePages(fixture, it)
    if (factor.identify !== undefined) describeIdentifying(fixture, it)
  })
}

type It = (sentence: string, body: () => Promise<void> | void) => void

function describeForms(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('has a stable id in kebab-case', () => {
    assert.match(factor.id, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  })

  it('has the functions of its way of enrolment and no others', () => {
    const confirmed = ['beginEnrolment', 'describeEnrolment', 'confirmEnrolment'] as const
    const deeds = [...confirmed, 'issue'] as const
    const expected = { confirmed, issued: ['issue'], none: [] }[factor.enrolment]
    assert.deepEqual(
      deeds.filter((deed) => factor[deed] !== undefined),
      expected,
    )
    if (factor.enrolment === 'issued') assert.notEqual(factor.remaining, undefined)
    if (factor.enrolment === 'confirmed') assert.equal(factor.remaining, undefined)
    if (factor.enrolment !== 'none') assert.equal(factor.supersededBy, undefined)
  })

  it('R34 reads no empty form, no oversized form and no form that cannot be a response', async () => {
    const { form } = await (await enrol(fixture)).respond()
    const oversized = Object.keys(form).map((field) => ({ [field]: OVERSIZED }))
    for (const unreadable of [{}, ...oversized, ...fixture.unreadable])
      assert.equal(
        factor.parseResponse(unreadable),
        undefined,
        JSON.stringify(unreadable).slice(0, 99),
      )
  })

  it('R34 reads one response however it is typed, and ignores fields that are not its own', async () => {
    const { form, response } = await (await enrol(fixture)).respond()
    for (const variation of [form, ...fixture.variations(form)]) {
      const read = factor.parseResponse({ csrf: 'x', constructor: 'x', ...variation })
      assert.deepEqual(read, response)
      assert.equal(factor.canonical(read), factor.canonical(response))
    }
  })

  it('R37 reads back the state that it has after a restore', async () => {
    const { state } = await enrol(fixture)
    const restored = factor.afterRestore?.(state, TEST_START)
    if (restored !== undefined) assert.deepEqual(factor.parseState(restored), restored)
  })

  it('tells two responses apart by their normal form', async () => {
    const person = await enrol(fixture)
    const [first, second] = [await person.respond(), await person.respond()]
    assert.notEqual(factor.canonical(first.response), factor.canonical(second.response))
  })

  it('reads back what it stored, and refuses rubbish', async () => {
    const { state, pending, states } = await enrol(fixture)
    const begun = await factor.challenge?.(states(), { ...someone(fixture), now: TEST_START })
    const kept: readonly [stored: Json, parse: (stored: Json) => Json][] = [
      [state, (stored) => factor.parseState(stored)],
      [pending, (stored) => factor.parsePending(stored)],
      [begun?.value ?? null, (stored) => factor.parseChallenge(stored)],
    ]
    const enrolment = await enrolmentChallenge(fixture, pending)
    if (enrolment !== undefined)
      assert.deepEqual(factor.parseChallenge(throughJson(enrolment)), enrolment)
    for (const [stored, parse] of kept) {
      assert.deepEqual(parse(throughJson(stored)), stored)
      for (const rubbish of [...RUBBISH, ...spoilt(stored)])
        if (JSON.stringify(rubbish) !== JSON.stringify(stored)) assert.throws(() => parse(rubbish))
    }
  })
}

function describeProofs(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('R5 accepts a proof once, also when the state was written and read again', async () => {
    const person = await enrol(fixture)
    const proof = await person.prove(await person.respond())
    const spent = consume(factor, person.state, proof)
    assert.equal(factor.consume(spent, proof), undefined)
    await keep(fixture, person, spent)
    assert.equal(factor.consume(person.state, proof), undefined)
  })

  it('R5 decides on the state that consume is given: examined twice at once, accepted once', async () => {
    const person = await enrol(fixture)
    const given = await person.respond()
    const [first, second] = await Promise.all([person.prove(given), person.prove(given)])
    assert.equal(factor.consume(consume(factor, person.state, first), second), undefined)
  })

  it('accepts the next response after one was spent', async () => {
    const person = await enrol(fixture)
    const spent = consume(factor, person.state, await person.prove(await person.respond()))
    await keep(fixture, person, spent)
    consume(factor, person.state, await person.prove(await person.respond()))
  })

  it('refuses a wrong response', async () => {
    const person = await enrol(fixture)
    const given = { ...(await person.respond()), response: factor.parseResponse(fixture.wrong) }
    assert.notEqual(given.response, undefined)
    assert.equal((await person.examine(given)).outcome, 'refused')
  })

  it('refuses the response of another person', async () => {
    const [person, other] = [await enrol(fixture), await enrol(fixture)]
    const given = await other.respond()
    const { challenge, seen } = await person.ask(given.at)
    // A delivered code is bound to its challenge; a key could have received the same challenge.
    const bound = seen.delivery === undefined ? given : { ...given, challenge }
    assert.equal((await person.examine(bound)).outcome, 'refused')
  })

  it('R26 reports what it proved itself, and neither the password nor `mfa`', async () => {
    const person = await enrol(fixture)
    checkAssurance(factor.assurance(await person.prove(await person.respond())))
  })
}

function describeConfirmed(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('makes new data for each enrolment', async () => {
    const [first, second] = [await beginEnrolment(fixture), await beginEnrolment(fixture)]
    assert.notDeepEqual(first.value, second.value)
  })

  it('R26 reports the assurance of the confirming response', async () => {
    const { proved } = await enrol(fixture)
    assert.ok(proved)
    checkAssurance(proved)
  })

  it('refuses to confirm an enrolment with a wrong response', async () => {
    const { value } = await beginEnrolment(fixture)
    const challenge = await enrolmentChallenge(fixture, value)
    const response = factor.parseResponse(fixture.wrong)
    const given = { challenge, existing: [] }
    assert.equal(await factor.confirmEnrolment?.(value, response, TEST_START, given), undefined)
  })

  if (factor.enrolmentChallenge !== undefined)
    it('R28 confirms no enrolment by a response to another challenge, or to none', async () => {
      const { pending, confirming } = await enrol(fixture)
      for (const challenge of [await enrolmentChallenge(fixture, pending), undefined]) {
        const given = { challenge, existing: [] }
        const confirmed = await factor.confirmEnrolment?.(pending, confirming, TEST_START, given)
        assert.equal(confirmed, undefined)
      }
    })

  it('R5 spends the response that confirmed the enrolment', async () => {
    const person = await enrol(fixture)
    const examined = await person.examine({
      ...(await person.ask(TEST_START)),
      response: person.confirming,
    })
    assert.ok(
      examined.outcome === 'refused' || factor.consume(person.state, examined.proof) === undefined,
    )
  })
}

function describeSupply(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('R5 accepts each shown secret once, and counts down to zero', async () => {
    const person = await enrol(fixture)
    for (let left = person.shown.length; left > 0; left -= 1) {
      assert.equal(factor.remaining?.(person.state), left)
      person.state = consume(factor, person.state, await person.prove(await person.respond()))
    }
    assert.equal(factor.remaining?.(person.state), 0)
  })

  it('R5 spends nothing in a set that was renewed after the examination', async () => {
    const [before, after] = [await enrol(fixture), await enrol(fixture)]
    const proof = await before.prove(await before.respond())
    assert.equal(factor.consume(after.state, proof), undefined)
  })

  it('R8 stores none of the shown secrets', async () => {
    const person = await enrol(fixture)
    const stored = JSON.stringify(person.state).toLowerCase()
    const parts = person.shown
      .flatMap((shown) => shown.split('-'))
      .filter((part) => part.length > 3)
    assert.ok(parts.length > 0)
    for (const part of parts) assert.ok(!stored.includes(part.toLowerCase()))
  })
}

function describeChallenged(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('sends a code exactly when it says that it delivers, in the language of the page', async () => {
    const { seen } = await (await enrol(fixture)).ask(TEST_START)
    assert.equal(seen.delivery !== undefined, factor.delivers === true)
    if (seen.delivery !== undefined) assert.equal(seen.delivery.locale, LOCALE)
  })

  it('makes a new challenge each time', async () => {
    const person = await enrol(fixture)
    const [first, second] = [await person.ask(TEST_START), await person.ask(TEST_START)]
    assert.notDeepEqual(first.challenge, second.challenge)
  })

  it('refuses the response to another challenge, and to none', async () => {
    const person = await enrol(fixture)
    const [first, second] = [await person.respond(), await person.respond()]
    for (const challenge of [second.challenge, undefined])
      assert.equal((await person.examine({ ...first, challenge })).outcome, 'refused')
  })
}

function checkAssurance({ amr, kinds }: Assurance): void {
  assert.ok(amr.length > 0 && kinds.length > 0)
  assert.ok(!amr.includes('pwd') && !amr.includes('mfa'))
  for (const kind of kinds) assert.ok(['knowledge', 'possession', 'inherence'].includes(kind))
}

function consume(factor: Factor, state: Json, proof: unknown): Json {
  const spent = factor.consume(state, proof)
  assert.ok(spent !== undefined && !(spent instanceof Promise))
  return freeze(spent)
}

/** Copies of the state, each with one field replaced by an invalid value. */
function spoilt(stored: Json): readonly Json[] {
  const fields = Object(stored) as JsonObject
  return Object.keys(fields).map((field) => ({ ...fields, [field]: { x: 1 } }))
}
