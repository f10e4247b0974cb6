import { expect } from 'chai'
import {
  makeChallenge,
  makeEnrolmentChallenge,
  openKeptChallenge,
  type Ceremony,
} from '../../src/application/challenge-factor.ts'
import { confirmFactor, describePending } from '../../src/application/enrol-factor.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import {
  challengeFactor,
  softKey,
  type KeyChallenge,
  type KeyProof,
  type KeyResponse,
  type KeyState,
} from '../../src/testing/factors.ts'
import { begin, challenged, verify } from './person.ts'
import { heardOf, load, placeOf, settledRecord, world, type World } from './world.ts'

const GROUND = { locale: 'en', issuer: 'https://id.example.com' }

/** As the key of the contract suite, but its set-up has a challenge of its own, which is open for five minutes. */
function keyWithChallenge(): AnyFactor {
  const key = challengeFactor()
  const factor: AnyFactor = {
    ...key,
    challengeSeconds: 300,
    most: 2,
    enrolmentChallenge: (_pending: KeyChallenge, input) => key.challenge!([], input),
    describeEnrolment: (pending: KeyChallenge, _about, challenge?: KeyChallenge) => ({
      pending: pending.challenge,
      challenge: challenge?.challenge ?? '',
    }),
    confirmEnrolment: async (_pending, response: KeyResponse, now, given) =>
      given.challenge === undefined
        ? undefined
        : key.confirmEnrolment!(given.challenge as KeyChallenge, response, now, given),
    eventTypes: ['key-copied'],
    eventsOfRefusal: (state: KeyState, proof: KeyProof) =>
      proof.counter < state.counter ? [{ type: 'key-copied' }] : [],
  }
  return factor
}

describe('a factor whose set-up has a challenge', () => {
  let one: World
  let key: ReturnType<typeof softKey>
  const factor = keyWithChallenge()
  beforeEach(async () => {
    one = world({ listed: [factor, backupCodes()] })
    key = softKey()
    await begin(one, 'test-key')
  })

  const there = (ceremony: Ceremony) => ({ ...placeOf(), ceremony })
  const open = (sealed: string, ceremony: Ceremony = 'enrolment') =>
    openKeptChallenge(one.deps, factor, there(ceremony), sealed)
  const make = async (): Promise<string> =>
    (await makeEnrolmentChallenge(one.deps, factor, there('enrolment'), {
      ...GROUND,
      pending: { challenge: 'pending' },
    }))!

  const finish = (sealed?: string) => {
    const kept = sealed === undefined ? undefined : open(sealed)
    const { challenge = 'none' } = Object(kept?.value) as Partial<KeyChallenge>
    const response: unknown = factor.parseResponse({ credential: key.answer(challenge) })
    return confirmFactor(one.deps, factor, placeOf(), response, { rule: 'allowed', name: '', kept })
  }

  it('R28 is confirmed by a response to the challenge that its interaction keeps', async () => {
    expect(await finish()).to.deep.equal({ outcome: 'refused' })
    expect(await finish(await make())).to.include({ outcome: 'enrolled' })
  })

  it('shows the challenge beside the data that stay the same', async () => {
    const { record } = await load(one)
    const shown = async () =>
      describePending(one.deps, factor, record, placeOf().interaction, {
        issuerName: 'Acme',
        label: 'mira',
        challengeFor: async () => open(await make()),
      })
    const [first, second] = [await shown(), await shown()]
    expect(first?.['pending']).to.equal(second?.['pending'])
    expect(first?.['challenge']).to.be.a('string').that.does.not.equal(second?.['challenge'])
  })

  it('R46 keeps a challenge to its ceremony, both ways', async () => {
    const ofSetUp = await make()
    expect(open(ofSetUp)).not.to.equal(undefined)
    expect(open(ofSetUp, 'sign-in')).to.equal(undefined)
    const ofSignIn = (await makeChallenge(one.deps, factor, placeOf(), { ...GROUND, states: [] }))!
    expect(open(ofSignIn, 'sign-in')).not.to.equal(undefined)
    expect(open(ofSignIn)).to.equal(undefined)
  })

  it('has its challenges end when the factor says, if that is sooner than ten minutes', async () => {
    const sealed = await make()
    one.clock.advance(299)
    expect(open(sealed)).not.to.equal(undefined)
    one.clock.advance(1)
    expect(open(sealed)).to.equal(undefined)
  })

  it('R29 tells in the words of the factor of a proof that it has not spent', async () => {
    await finish(await make())
    const { epoch, authenticators } = await settledRecord(one)
    const [first, second] = ['first', 'second'].map((interaction) =>
      placeOf({ epoch, interaction }),
    )
    const [asked, askedLater] = [await challenged(one, first!), await challenged(one, second!)]
    const copied = { credential: key.answer(askedLater.challenge) }
    const owners = { credential: key.answer(asked.challenge) }
    await verify(one, 'test-key', owners, first!, asked.sealed)
    expect(await heardOf(one, 'key-copied')).to.deep.equal([])
    await verify(one, 'test-key', copied, second!, askedLater.sealed)
    const [told] = await heardOf(one, 'key-copied')
    const ofKey = authenticators.find((each) => each.factor === 'test-key')
    expect(told?.detail).to.include({ factor: 'test-key', authenticatorId: ofKey!.id })
    expect(await heardOf(one, 'factor-refused')).to.have.length(1)
  })
})
