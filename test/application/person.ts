import {
  describePending,
  beginFactor,
  confirmFactor,
  type EnrolmentGround,
} from '../../src/application/enrol-factor.ts'
import type { Place } from '../../src/application/place.ts'
import {
  makeChallenge,
  openKeptChallenge,
  type KeptChallenge,
} from '../../src/application/challenge-factor.ts'
import { usableStates } from '../../src/application/owned-states.ts'
import { verifyFactor, type VerifyOutcome } from '../../src/application/verify-factor.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { softKey } from '../../src/testing/factors.ts'
import { ownCode } from '../support/totp.ts'
import { load, placeOf, settledRecord, type World } from './world.ts'

export const ADDRESS = 'mira@example.com'

export function factorOf({ deps }: World, id: string): AnyFactor {
  const factor = deps.factors.get(id)
  if (factor === undefined) throw new Error(`There is no factor ${id}`)
  return factor
}

/** Begins setting up a factor and shows its page. */
export async function begin(
  of: World,
  id: string,
  place: Place = placeOf(),
  ground: EnrolmentGround = { rule: 'allowed' },
) {
  const factor = factorOf(of, id)
  const began = await beginFactor(of.deps, factor, place, {
    ...ground,
    address: ADDRESS,
    locale: 'en',
    issuer: 'https://id.example.com',
  })
  const { record } = await load(of, place.accountId)
  const page = await describePending(of.deps, factor, record, place.interaction, {
    issuerName: 'Acme',
    label: ADDRESS,
  })
  return { began, page }
}

export function confirm(
  of: World,
  id: string,
  form: Form,
  place: Place = placeOf(),
  name = '',
  ground: EnrolmentGround & { readonly sealed?: string | undefined } = { rule: 'allowed' },
) {
  const factor = factorOf(of, id)
  const { sealed, ...more } = ground
  const where = { ...place, ceremony: 'enrolment' } as const
  const kept = sealed === undefined ? undefined : openKeptChallenge(of.deps, factor, where, sealed)
  return confirmFactor(of.deps, factor, place, factor.parseResponse(form), { ...more, name, kept })
}

/** Types a form into the page of a factor. `sealed`: the challenge that the interaction keeps. */
export async function verify(
  of: World,
  id: string,
  form: Form,
  place: Place,
  sealed?: string,
): Promise<VerifyOutcome> {
  const factor = factorOf(of, id)
  const kept = sealed === undefined ? undefined : openKeptChallenge(of.deps, factor, place, sealed)
  return verifyKept(of, id, form, place, kept)
}

/** The same with a challenge that is open already. */
export async function verifyKept(
  of: World,
  id: string,
  form: Form,
  place: Place,
  kept: KeptChallenge | undefined,
): Promise<VerifyOutcome> {
  const factor = factorOf(of, id)
  const response: unknown = factor.parseResponse(form)
  if (response === undefined) throw new Error('This cannot be a response at all')
  return verifyFactor(of.deps, factor, place, response, {
    seen: await load(of, place.accountId),
    kept,
  })
}

export interface Owner {
  readonly secret: string
  readonly codes: readonly string[]
  /** The form with the present code of the authenticator app, or with that of some seconds later. */
  code(laterSeconds?: number): Form
  /** A form with a code that is wrong at every time in reach. */
  readonly wrong: Form
  /** A later sign-in, in a browser that nobody knows. */
  place(changes?: Partial<Place>): Place
}

/** A person with an authenticator app and backup codes, set up some time ago in the browser `laptop`. */
export async function owner(of: World, accountId = 'mira'): Promise<Owner> {
  const first = placeOf({ accountId, interaction: 'first', newTokenHash: 'laptop' })
  const { page } = await begin(of, 'totp', first)
  const secret = String(page?.secret)
  const codeAt = (later: number) => ({ code: ownCode({ secret }, of.clock.now() + later) })
  const enrolled = await confirm(of, 'totp', codeAt(0), first, 'Phone')
  if (enrolled.outcome !== 'enrolled') throw new Error(`It was ${enrolled.outcome}`)
  const { epoch } = await settledRecord(of, accountId)
  of.clock.advance(3_600)
  of.heard.length = 0
  return {
    secret,
    codes: enrolled.shown,
    code: (laterSeconds = 0) => codeAt(laterSeconds),
    wrong: { code: '73519264' },
    place: (changes = {}) => placeOf({ accountId, epoch, ...changes }),
  }
}

/** Enters the app's next code in this interaction, as the proof of a change; returns its place. */
export async function proveFor(
  of: World,
  { code, place }: Owner,
  interaction: string,
  accountId = 'mira',
): Promise<Place> {
  of.clock.advance(30)
  const { epoch } = await settledRecord(of, accountId)
  const here = place({ interaction, epoch, accountId })
  const outcome = await verify(of, 'totp', code(), here)
  if (outcome.outcome !== 'accepted') throw new Error(`It was ${outcome.outcome}`)
  return here
}

/** Adds a second authenticator app to the account of the owner; returns its id. */
export async function addTablet(of: World, owner: Owner, accountId = 'mira'): Promise<string> {
  const factor = factorOf(of, 'totp')
  const ground = { rule: 'refused', adding: true } as const
  const place = await proveFor(of, owner, 'adding', accountId)
  await beginFactor(of.deps, factor, place, {
    ...ground,
    locale: 'en',
    issuer: 'https://id.example.com',
  })
  const { record } = await load(of, accountId)
  const page = await describePending(of.deps, factor, record, place.interaction, {
    issuerName: 'Acme',
    label: ADDRESS,
  })
  const code = ownCode({ secret: String(page?.secret) }, of.clock.now())
  await confirmFactor(of.deps, factor, place, factor.parseResponse({ code }), {
    ...ground,
    name: 'Tablet',
  })
  const { authenticators } = await settledRecord(of, accountId)
  const added = authenticators.find(({ name }) => name === 'Tablet')
  if (added === undefined) throw new Error('The tablet was not added')
  return added.id
}

/** Somebody with a security key, known in the browser `laptop`. */
export async function keyOwner(of: World) {
  const key = softKey()
  const first = placeOf({ interaction: 'first', newTokenHash: 'laptop' })
  const { page } = await begin(of, 'test-key', first)
  const enrolled = await confirm(
    of,
    'test-key',
    { credential: key.answer(String(page?.challenge)) },
    first,
  )
  if (enrolled.outcome !== 'enrolled') throw new Error(`It was ${enrolled.outcome}`)
  const { epoch } = await settledRecord(of)
  of.clock.advance(3_600)
  of.heard.length = 0
  return { key, place: (changes: Partial<Place> = {}) => placeOf({ epoch, ...changes }) }
}

/** Opens the challenge of a page: what the page would show of it, and what the interaction keeps. */
export async function challenged(
  of: World,
  place: Place,
): Promise<{ challenge: string; sealed: string }> {
  const factor = factorOf(of, 'test-key')
  const { record } = await load(of, place.accountId)
  const states = usableStates(of.deps, record, factor, of.clock.now())
  const sealed = await makeChallenge(of.deps, factor, place, {
    states,
    locale: 'en',
    issuer: 'https://id.example.com',
  })
  const kept = sealed === undefined ? undefined : openKeptChallenge(of.deps, factor, place, sealed)
  if (sealed === undefined || kept === undefined) throw new Error('Nothing was asked')
  return { challenge: (kept.value as { challenge: string }).challenge, sealed }
}
