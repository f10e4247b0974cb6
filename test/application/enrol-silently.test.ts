import { expect } from 'chai'
import { keepAnswer } from '../../src/application/answer-offer.ts'
import { loadRecord } from '../../src/application/commit.ts'
import {
  beginSilently,
  describeSilently,
  enrolSilently,
  openSilently,
} from '../../src/application/enrol-silently.ts'
import type { Place } from '../../src/application/place.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { factorOf, owner, proveFor } from './person.ts'
import { settledRecord, world, type World } from './world.ts'

const GROUND = { locale: 'en', issuer: 'https://id.example.com' }

describe('an authenticator that a browser makes without asking, at the time of the save', () => {
  let of: World
  let place: Place
  beforeEach(async () => {
    of = world({ listed: [totp(), passkeys(), backupCodes()] })
    place = await proveFor(of, await owner(of), 'here')
  })

  /** A response to a silent set-up of this sign-in, and the record as the request has read it. */
  async function response() {
    const factor = factorOf(of, 'passkey')
    const sealed = (await beginSilently(of.deps, factor, place, GROUND))!
    const setUp = openSilently(of.deps, factor, place, sealed)!
    const about = { issuerName: 'Acme', label: 'mira' }
    const { options } = (await describeSilently(factor, setUp, about)) as { options: string }
    const credential = new SoftAuthenticator().create(options, { userPresent: false })
    const seen = await loadRecord(of.deps, 'mira')
    const given = { response: factor.parseResponse({ credential }) as unknown, setUp, seen }
    return { sealed, send: () => enrolSilently(of.deps, factor, place, given) }
  }
  const passkeysOf = async () =>
    (await settledRecord(of)).authenticators.filter(({ factor }) => factor === 'passkey').length

  it('R18 is bound once, also for a second request that has read the same record', async () => {
    const { send } = await response()
    expect(await send()).to.equal(true)
    expect(await send()).to.equal(false)
    expect(await passkeysOf()).to.equal(1)
  })

  it('R18 is not bound if the person has answered the offer since the record was read', async () => {
    const { send } = await response()
    const seen = await loadRecord(of.deps, 'mira')
    await keepAnswer(of.deps, place, { factor: 'passkey', answer: 'never' }, seen)
    expect(await send()).to.equal(false)
    expect(await passkeysOf()).to.equal(0)
  })

  it('R46 is sealed to its account, its interaction and its ceremony, for five minutes', async () => {
    const { sealed } = await response()
    const factor = factorOf(of, 'passkey')
    const isOpen = (other: Partial<Place>) =>
      openSilently(of.deps, factor, { ...place, ...other }, sealed) !== undefined
    expect(isOpen({})).to.equal(true)
    expect(isOpen({ accountId: 'theo' })).to.equal(false)
    expect(isOpen({ interaction: 'elsewhere' })).to.equal(false)
    of.clock.advance(300)
    expect(isOpen({})).to.equal(false)
  })
})
