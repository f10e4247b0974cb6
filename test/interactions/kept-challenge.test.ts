import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import {
  dropChallenge,
  keepChallenge,
  keptChallenge,
  openChallengeOf,
  openEnrolmentChallengeOf,
} from '../../interactions/mfa/kept-challenge.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { makeChallenge, type ChallengePlace } from '../../src/application/challenge-factor.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import type { Interaction } from '../../src/host/interaction.ts'
import { challengeFactor, namedKeyFactor } from '../../src/testing/factors.ts'
import { world } from '../application/world.ts'
import { corePolicy } from './core-policy.ts'
import { visiting } from './visits.ts'

const [named, other] = [namedKeyFactor(), challengeFactor()] as readonly AnyFactor[] as [
  AnyFactor,
  AnyFactor,
]
const PLACE: ChallengePlace = { accountId: 'mira', interaction: 'uid' }
const SET_UP: ChallengePlace = { ...PLACE, ceremony: 'enrolment' }

describe('the challenges that an interaction keeps', () => {
  const { deps } = world({ listed: [named, other] })
  const core = { ...corePolicy, deps } as unknown as Core
  let interaction: Interaction & { result?: object | undefined }
  beforeEach(async () => {
    interaction = { uid: 'uid', params: {}, persist: async () => undefined } as never
    await keep(named, PLACE)
    await keep(named, SET_UP)
    await keep(other, PLACE)
  })

  async function keep(factor: AnyFactor, place: ChallengePlace): Promise<void> {
    const about = { states: [], locale: 'en', issuer: 'https://id.example.com' }
    const sealed = await makeChallenge(deps, factor, place, about)
    await keepChallenge(interaction, factor, sealed!, place.ceremony)
  }
  const open = () =>
    [keptChallenge(core, interaction, named, PLACE)]
      .concat(keptChallenge(core, interaction, named, SET_UP))
      .concat(keptChallenge(core, interaction, other, PLACE))
      .map((kept) => kept?.id)

  it('are apart for each factor, and for a sign-in and a set-up', () => {
    expect(open()).not.to.include(undefined)
    expect(new Set(open()).size).to.equal(3)
  })

  it('R28 are spent one by one', async () => {
    const [, ofSetUp, ofOther] = open()
    await dropChallenge(interaction, named)
    expect(open()).to.deep.equal([undefined, ofSetUp, ofOther])
    await dropChallenge(interaction, other)
    expect(open()).to.deep.equal([undefined, ofSetUp, undefined])
  })

  it('leave nothing in the interaction once all are spent', async () => {
    interaction = { uid: 'uid', params: {}, persist: async () => undefined } as never
    await keep(named, PLACE)
    await dropChallenge(interaction, named)
    expect(interaction.result).to.deep.equal({})
  })
})

describe('the challenge of a page', () => {
  const passkey = passkeys() as unknown as AnyFactor
  const of = world({ listed: [passkey] })
  const opened = async (open: (visit: Visit) => Promise<{ readonly id: string } | undefined>) => {
    let ids: readonly unknown[] = []
    await visiting(of, {}, async (visit) => {
      ids = [(await open(visit))?.id, (await open(visit))?.id]
    })
    return ids
  }

  it('stays while the page is shown again, and is another one after a response', async () => {
    const pending = { userHandle: 'AAAA', exclude: [] }
    for (const open of [
      (fresh: boolean) => (visit: Visit) => openChallengeOf(visit, passkey, fresh),
      (fresh: boolean) => (visit: Visit) =>
        openEnrolmentChallengeOf(visit, passkey, { pending, fresh }),
    ]) {
      const [first, second] = await opened(open(false))
      expect(first).to.be.a('string').and.equal(second)
      const [one, other] = await opened(open(true))
      expect(one).to.be.a('string').and.not.equal(other)
    }
  })

  it('is not opened for a factor that sends it, because nobody has asked for that', async () => {
    const sending: AnyFactor = { ...passkey, delivers: true }
    expect(await opened((visit) => openChallengeOf(visit, sending, false))).to.deep.equal([
      undefined,
      undefined,
    ])
  })
})
