import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { EVENT_TYPES } from '../../src/domain/events.ts'
import { BACKUP_CODE_EVENTS } from '../../src/factors/backup-codes/index.ts'
import {
  createMfa,
  totp,
  type EventDetails,
  type MfaEvent,
  type MfaEventOf,
} from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, signIn, wrongCode } from './sign-in.ts'

/** `true` if the types are the same one; anything else does not compile. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles if the value has exactly the expected type. */
const has =
  <Expected>() =>
  <Found>(value: Found, isSame: Same<Found, Expected>): boolean =>
    isSame && value !== null

const mfa = createMfa({
  issuerName: 'Acme',
  storage: memoryStorage(),
  encryptionKeys: [Buffer.alloc(32, 7)],
  factors: [totp()],
  firstEnrolment: 'password',
})

/** The compiler checks these listeners, at `npm run typecheck`; each directive would be an error if it were unused. */
const LISTENERS = {
  'of one type': () =>
    mfa.on('locked', ({ type, detail }) => {
      has<'locked'>()(type, true)
      has<number>()(detail.until, true)
      has<'known' | 'unknown'>()(detail.browser, true)
      // @ts-expect-error a lock raises no epoch
      has<number>()(detail.epoch, true)
    }),
  'of a type of backup codes': () =>
    mfa.on('backup-code-used', ({ detail }) => has<number>()(detail.remaining, true)),
  'of all types, which asks for the type': () =>
    mfa.on('*', (event) => {
      if (event.type === 'epoch-raised') has<number>()(event.detail.epoch, true)
      if (event.type === 'factor-removed') has<string>()(event.detail.factor, true)
      has<string | undefined>()(event.detail.userAgent, true)
      // @ts-expect-error without its type nothing is certain of an event
      has<number>()(event.detail.until, true)
      // @ts-expect-error no event has this type
      return event.type === 'loked'
    }),
  'of a type of a factor of one’s own': () =>
    mfa.on('pin-changed', ({ type, detail }) => {
      has<string>()(type, true)
      has<string>()(detail.factor, true)
    }),
}

describe('an event', () => {
  let host: Host | undefined
  afterEach(async () => {
    await host?.close()
    host = undefined
  })

  for (const [what, listen] of Object.entries(LISTENERS))
    it(`has the detail of its type for a listener ${what}`, () => {
      expect(listen()).to.be.a('function')
    })

  it('has a detail for every type of the product, and no other', () => {
    for (const type of [...EVENT_TYPES, ...BACKUP_CODE_EVENTS])
      expect(has<keyof EventDetails>()(type, true)).to.equal(true)
  })

  it('has the members that its type promises', async () => {
    host = await startHost()
    const heard: MfaEvent[] = []
    host.mfa.on('*', (event) => heard.push(event))
    const person = await enrolledPerson(host)
    await signIn(host, new HttpClient(), person)
    const stranger = new HttpClient()
    const page = await showPassword(host, stranger, person.username)
    for (let wrong = 0; wrong < 5; wrong += 1)
      await stranger.submit(page, { code: wrongCode(host, person) })
    await host.mfa.accounts.endEverything(person.username, 'test')
    await host.mfa.settled()
    const one = <Type extends keyof EventDetails>(type: Type): MfaEventOf<Type>['detail'] =>
      heard.find((event) => event.type === type)!.detail as MfaEventOf<Type>['detail']
    const { factor, authenticatorId, browser } = one('factor-enrolled')
    expect([factor, typeof authenticatorId, browser]).to.deep.equal(['totp', 'string', 'unknown'])
    expect(one('factor-accepted').factor).to.equal('totp')
    expect(one('factor-refused').reason).to.equal('wrong')
    expect(one('locked').until).to.be.a('number')
    expect(one('epoch-raised').epoch).to.be.a('number')
    expect(one('enrolment-started').reason).to.equal('password')
    expect(one('backup-codes-created').authenticatorId).to.be.a('string')
  })
})
