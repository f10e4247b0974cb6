import { expect } from 'chai'
import {
  makeChallenge,
  makeEnrolmentChallenge,
  openKeptChallenge,
} from '../../src/application/challenge-factor.ts'
import { describePending } from '../../src/application/enrol-factor.ts'
import { existingStates, usableStates } from '../../src/application/owned-states.ts'
import type { Place } from '../../src/application/place.ts'
import type { PasskeyState } from '../../src/factors/passkey/index.ts'
import { begin, confirm, factorOf, verify } from '../application/person.ts'
import { load, placeOf, settledRecord, type World } from '../application/world.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import type { Race } from './sign-in-attempts.ts'

const ID = 'passkey'
const ALL = 200
const GROUND = { locale: 'en', issuer: 'https://id.example.com' }
const LABEL = { issuerName: 'Acme', label: 'mira' }

/** The races of passkeys, on the storage of `here`: 200 attempts at once, in four nodes. */
export function passkeyRaces(ground: () => { readonly here: World; readonly race: Race }): void {
  let here: World
  let race: Race
  beforeEach(() => void ({ here, race } = ground()))

  /** The page of a sign-in: the options for the browser, and the challenge that the interaction keeps. */
  async function asked(place: Place, alone = false): Promise<{ options: string; sealed: string }> {
    const factor = factorOf(here, ID)
    const { record } = await load(here, place.accountId)
    const states = alone ? [] : usableStates(here.deps, record, factor, here.clock.now())
    const where = alone ? { interaction: place.interaction } : place
    const sealed = (await makeChallenge(here.deps, factor, where, { ...GROUND, states }))!
    const kept = openKeptChallenge(here.deps, factor, where, sealed)
    const { options } = (await factor.describeVerification!(states, kept!.value)) as {
      options: string
    }
    return { options, sealed }
  }

  /** The page of a set-up, in the same way. */
  async function setUp(place: Place, adding = false): Promise<{ options: string; sealed: string }> {
    const factor = factorOf(here, ID)
    const where = { ...place, ceremony: 'enrolment' } as const
    const rule = adding ? 'refused' : 'allowed'
    await begin(here, ID, place, { rule, adding })
    const about = { ...GROUND, pending: {} }
    const sealed = (await makeEnrolmentChallenge(here.deps, factor, where, about))!
    const { record } = await load(here, place.accountId)
    const page = await describePending(here.deps, factor, record, place.interaction, {
      ...LABEL,
      challengeFor: async () => openKeptChallenge(here.deps, factor, where, sealed),
    })
    return { options: String(page?.['options']), sealed }
  }

  /** A person with these passkeys. */
  async function owner(accountId: string, ...keys: readonly SoftAuthenticator[]): Promise<void> {
    const [first, ...others] = keys
    const place = placeOf({ accountId, interaction: `first of ${accountId}` })
    const { options, sealed } = await setUp(place)
    const form = { credential: first!.create(options) }
    await confirm(here, ID, form, place, '', { rule: 'allowed', sealed })
    for (const key of others) {
      const { epoch } = await settledRecord(here, accountId)
      const there = placeOf({ accountId, epoch, interaction: `adding to ${accountId}` })
      const proof = await asked(there)
      await verify(here, ID, { credential: first!.get(proof.options) }, there, proof.sealed)
      const page = await setUp(there, true)
      const credential = key.create(page.options)
      const more = { rule: 'refused', adding: true, sealed: page.sealed } as const
      await confirm(here, ID, { credential }, there, '', more)
    }
    const kept = await passkeysOf(accountId)
    expect(kept.map(({ id }) => id)).to.have.members(keys.map(({ credentialId }) => credentialId))
    here.clock.advance(3_600)
    here.heard.length = 0
  }

  async function passkeysOf(accountId: string): Promise<readonly PasskeyState[]> {
    const record = await settledRecord(here, accountId)
    const owned = existingStates(here.deps, record, factorOf(here, ID))
    return owned.map(({ state }) => state as PasskeyState)
  }

  for (const alone of [false, true]) {
    const deed = alone ? 'identify' : 'verify'
    const by = alone ? 'without a password' : 'beside a password'

    it(`R18 R28 R38 takes one answer of a passkey ${by}, sent 200 times in its interaction, as one sign-in`, async () => {
      const accountId = `impatient ${by}`
      const key = new SoftAuthenticator()
      await owner(accountId, key)
      const { epoch } = await settledRecord(here, accountId)
      const interaction = `of ${accountId}`
      const { options, sealed } = await asked(placeOf({ accountId, interaction, epoch }), alone)
      const form = { credential: key.get(options) }
      const { outcomes } = await race({ deed, factor: ID, accountId }, () => ({
        interaction,
        form,
        sealed,
      }))
      expect(outcomes).to.deep.equal({ accepted: ALL })
      const { accepted } = await settledRecord(here, accountId)
      expect(accepted.filter((one) => one.interaction === interaction)).to.have.length(1)
      expect((await passkeysOf(accountId)).map(({ counter }) => counter)).to.deep.equal([1])
    })

    it(`R18 R28 takes one of two passkeys' answers to one challenge, ${by}`, async () => {
      const accountId = `two answers ${by}`
      const keys = [new SoftAuthenticator(), new SoftAuthenticator()]
      await owner(accountId, ...keys)
      const { epoch } = await settledRecord(here, accountId)
      const interaction = `of ${accountId}`
      const before = await passkeysOf(accountId)
      const { options, sealed } = await asked(placeOf({ accountId, interaction, epoch }), alone)
      const forms = keys.map((key) => ({ credential: key.get(options) }))
      const { outcomes } = await race({ deed, factor: ID, accountId }, (number) => ({
        interaction,
        form: forms[number % 2]!,
        sealed,
      }))
      // The repeats of the accepted answer are double taps.
      expect(outcomes).to.deep.equal({ accepted: ALL / 2, refused: ALL / 2 })
      const used = (await passkeysOf(accountId)).filter(
        ({ id, counter }) => before.find((one) => one.id === id)?.counter !== counter,
      )
      expect(used).to.have.length(1)
    })
  }

  it('R18 R46 takes an answer in no other interaction than the one of its challenge', async () => {
    const accountId = 'carried elsewhere'
    const key = new SoftAuthenticator()
    await owner(accountId, key)
    const { epoch } = await settledRecord(here, accountId)
    const interaction = `of ${accountId}`
    const { options, sealed } = await asked(placeOf({ accountId, interaction, epoch }))
    const form = { credential: key.get(options) }
    const { outcomes } = await race({ deed: 'verify', factor: ID, accountId }, (number) => {
      const elsewhere = `elsewhere ${number % 7}`
      return { interaction: number % 8 === 7 ? interaction : elsewhere, form, sealed }
    })
    expect(outcomes).to.deep.equal({ accepted: ALL / 8, refused: (ALL / 8) * 7 })
    const { accepted } = await settledRecord(here, accountId)
    expect(accepted.map((one) => one.interaction)).to.deep.equal([interaction])
  })

  it('R18 R29 takes counters that arrive out of order only as they grow', async () => {
    const accountId = 'out of order'
    const key = new SoftAuthenticator()
    await owner(accountId, key)
    const { epoch } = await settledRecord(here, accountId)
    const pages = await Promise.all(
      Array.from({ length: 8 }, (_, nth) =>
        asked(placeOf({ accountId, interaction: `page ${nth}`, epoch })),
      ),
    )
    const forms = pages.map(({ options }) => ({ credential: key.get(options) }))
    const { outcomes } = await race({ deed: 'verify', factor: ID, accountId }, (number) => {
      const nth = number % pages.length
      const { sealed } = pages[nth]!
      return { interaction: `page ${nth}`, form: forms[nth]!, sealed }
    })
    // The answer with the highest counter is accepted whenever it comes; its nine repeats are double taps.
    const { accepted = 0, refused = 0 } = outcomes
    expect(accepted).to.be.at.least(ALL / pages.length)
    expect(accepted + refused).to.equal(ALL)
    const record = await settledRecord(here, accountId)
    expect((await passkeysOf(accountId))[0]!.counter).to.equal(pages.length)
    const passed = record.accepted.map((one) => Number(one.interaction.split(' ')[1]))
    expect(passed, 'in the order of their counters').to.deep.equal(passed.toSorted((a, b) => a - b))
    expect(passed.length * (ALL / pages.length)).to.equal(accepted)
  })

  it('R11 R18 R20 of a removal and a sign-in with the removed passkey at once, no sign-in outlives the removal', async () => {
    const accountId = 'remover of a passkey'
    const [kept, lost] = [new SoftAuthenticator(), new SoftAuthenticator()]
    await owner(accountId, kept, lost)
    const { epoch, authenticators } = await settledRecord(here, accountId)
    const removing = placeOf({ accountId, epoch, interaction: 'removing' })
    const proof = await asked(removing)
    await verify(here, ID, { credential: kept.get(proof.options) }, removing, proof.sealed)
    const interaction = `with the lost one`
    const { options, sealed } = await asked(placeOf({ accountId, epoch, interaction }))
    const form = { credential: lost.get(options) }
    const owned = existingStates(
      here.deps,
      await settledRecord(here, accountId),
      factorOf(here, ID),
    )
    const authenticatorId = owned.find(
      ({ state }) => (state as PasskeyState).id === lost.credentialId,
    )!.authenticatorId
    expect(authenticators.map(({ id }) => id)).to.include(authenticatorId)
    const { outcomes } = await race({ deed: 'verify', factor: ID, accountId }, (number) =>
      number % 2 === 0
        ? { interaction: 'removing', change: { kind: 'remove', authenticatorId } }
        : { interaction, form, sealed },
    )
    expect(outcomes['changed']).to.equal(ALL / 2)
    expect((outcomes['accepted'] ?? 0) + (outcomes['stale'] ?? 0)).to.equal(ALL / 2)
    const record = await settledRecord(here, accountId)
    expect(record.epoch).to.equal(epoch + 1)
    expect((await passkeysOf(accountId)).map(({ id }) => id)).to.deep.equal([kept.credentialId])
    const alive = record.accepted.filter((one) => one.epoch === record.epoch)
    expect(alive.map((one) => one.interaction)).not.to.include(interaction)
    const after = placeOf({ accountId, epoch: record.epoch, interaction: 'after it' })
    const later = await asked(after)
    const answer = { credential: lost.get(later.options) }
    expect(await verify(here, ID, answer, after, later.sealed)).to.deep.equal({
      outcome: 'refused',
    })
  })

  it('R18 R28 of two passkeys that are created for one challenge, the account has one', async () => {
    const accountId = 'two at once'
    const first = new SoftAuthenticator()
    await owner(accountId, first)
    const { epoch } = await settledRecord(here, accountId)
    const interaction = 'adding two'
    const place = placeOf({ accountId, epoch, interaction })
    const proof = await asked(place)
    await verify(here, ID, { credential: first.get(proof.options) }, place, proof.sealed)
    const { options, sealed } = await setUp(place, true)
    const keys = [new SoftAuthenticator(), new SoftAuthenticator()]
    const forms = keys.map((key) => ({ credential: key.create(options) }))
    const { outcomes } = await race({ deed: 'confirm', factor: ID, accountId }, (number) => ({
      interaction,
      form: forms[number % 2]!,
      sealed,
      adding: true,
    }))
    // Repeats of the winner's form get its answer.
    expect(outcomes).to.deep.equal({ enrolled: ALL / 2, stale: ALL / 2 })
    expect(await passkeysOf(accountId)).to.have.length(2)
  })
}
