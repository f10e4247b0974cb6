import assert from 'node:assert/strict'
import type { Examined } from '../factors/factor.ts'
import {
  enrol,
  enrolTwice,
  FIRST_ID,
  keep,
  SECOND_ID,
  someone,
  type FactorFixture,
  type Person,
  type Second,
} from './factor-person.ts'
import { TEST_START } from './runner.ts'

/** The parts of the factor suite about several authenticators of a person, and about responses that name a person. */

type It = (sentence: string, body: () => Promise<void> | void) => void

const LATER = TEST_START + 600

/** A person with two authenticators of this factor can use either of them. */
export function describeTwoAuthenticators(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('accepts a response of each of two authenticators, and says which one has answered', async () => {
    const person = await enrolTwice(fixture)
    assert.equal(answeredBy(await person.examine(await person.respond())), FIRST_ID)
    const answered = answeredBy(await answerWithSecond(fixture, person))
    // Both authenticators of a delivered code may be the same address.
    const allowed = factor.delivers === true ? [FIRST_ID, SECOND_ID] : [SECOND_ID]
    assert.ok(allowed.includes(String(answered)), `answered: ${String(answered)}`)
  })

  it('R5 spends the proof on the authenticator that has answered', async () => {
    const person = await enrolTwice(fixture)
    const proof = await person.prove(await person.respond())
    const spent = factor.consume(person.state, proof)
    assert.ok(spent !== undefined && !(spent instanceof Promise))
    await keep(fixture, person, spent)
    assert.equal(factor.consume(person.state, proof), undefined)
    assert.notEqual(answeredBy(await answerWithSecond(fixture, person)), undefined)
  })

  it('refuses a wrong response to two authenticators', async () => {
    const person = await enrolTwice(fixture)
    const given = await person.respond()
    const wrong = { ...given, response: factor.parseResponse(fixture.wrong) }
    assert.equal((await person.examine(wrong)).outcome, 'refused')
  })
}

/** The second device responds. A code is delivered to the last used authenticator. */
async function answerWithSecond(
  fixture: FactorFixture,
  person: Person & { other: Second },
): Promise<Examined<unknown>> {
  const { factor, hasher } = fixture
  const states = factor.delivers === true ? person.states().toReversed() : person.states()
  const begun = await factor.challenge?.(states, { ...someone(fixture), now: LATER })
  const page = (await factor.describeVerification?.(states, begun?.value)) ?? {}
  const seen = { at: LATER, page, delivery: begun?.delivery, shown: [] }
  const response = factor.parseResponse(person.other.holder.respond(seen))
  assert.notEqual(response, undefined)
  return factor.examine({ states, challenge: begun?.value, response, now: LATER, hasher })
}

function answeredBy(examined: Examined<unknown>): string | undefined {
  return examined.outcome === 'proved' ? examined.authenticatorId : undefined
}

/** A response that names its owner. */
export function describeIdentifying(fixture: FactorFixture, it: It): void {
  const { factor } = fixture

  it('R4 cannot be guessed and needs a challenge, because nobody has shown a password before', () => {
    assert.equal(factor.guessable, false)
    assert.notEqual(factor.challenge, undefined)
    assert.notEqual(factor.delivers, true)
  })

  it('makes a challenge before an account is named', async () => {
    const input = { ...someone(fixture), now: TEST_START, accountId: undefined }
    const begun = await factor.challenge?.([], input)
    assert.ok(begun !== undefined && begun.delivery === undefined)
  })

  it('names a handle of its own authenticator, of at least 128 bits, and of no other', async () => {
    const [person, other] = [await enrol(fixture), await enrol(fixture)]
    const { response } = await person.respond()
    const handles = factor.handlesOf?.(person.state) ?? []
    assert.ok(handles.includes(String(factor.identify?.(response))))
    for (const handle of handles) {
      assert.ok(Buffer.from(handle, 'base64url').length >= 16, 'a handle has 16 bytes or more')
      assert.ok(!(factor.handlesOf?.(other.state) ?? []).includes(handle))
    }
  })

  it('is proved by examine alone, which refuses the response of another owner', async () => {
    const [person, other] = [await enrol(fixture), await enrol(fixture)]
    const { at, challenge, response } = await other.respond()
    assert.equal((await person.examine({ at, challenge, response })).outcome, 'refused')
  })
}
