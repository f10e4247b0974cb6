import { expect } from 'chai'
import {
  answerOffer,
  askFirst,
  isClosed,
  mayRefuse,
  refuseOffer,
  showOffer,
} from '../../interactions/mfa/offer.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { OFFER } from '../../interactions/step-up-offer.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { placeOf, world } from '../application/world.ts'
import { enrolled } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const BACK = 'http://op.example/auth/uid'

interface Given {
  readonly offer?: { canSetUp: boolean; repeated: boolean } | undefined
  readonly record?: ReturnType<typeof newRecord>
  /** The answer that the person gave before, here or on an earlier page. */
  readonly reply?: string
  readonly earlier?: string
  /** A session of this age asks, rather than a first factor of this sign-in. */
  readonly sessionAge?: number
}

/** A visit to the offer, and what it does. */
function visitWith(given: Given = {}) {
  const { record = newRecord('mira'), reply, earlier, sessionAge } = given
  const of = world()
  const shown: unknown[][] = []
  const stored: Record<string, unknown>[] = []
  const interaction = {
    uid: 'uid',
    cid: 'the-authorization',
    params: {},
    returnTo: BACK,
    lastSubmission: earlier === undefined ? undefined : { [OFFER]: earlier },
    result: (reply === undefined ? undefined : { [OFFER]: reply }) as Record<string, unknown>,
    persist: async () => void stored.push(interaction.result),
  }
  const ctx = {
    status: 200,
    location: '',
    set: () => undefined,
    redirect: (to: string) => (ctx.location = to),
    res: { req: { headers: {} }, appendHeader: () => undefined },
  }
  const visit = {
    core: {
      ...corePolicy,
      deps: of.deps,
      path: '/mfa',
      links: {},
      provider: { issuer: 'http://op.example' },
      views: { render: async (...asked: unknown[]) => (shown.push(asked), '') },
    },
    ctx,
    interaction,
    details: {
      label: 'mira',
      client: {},
      offer: 'offer' in given ? given.offer : { canSetUp: true, repeated: false },
    },
    subject: { accountId: 'mira', amr: ['pwd'], ts: of.clock.now() - (sessionAge ?? 0), epoch: 1 },
    stepUp: sessionAge !== undefined,
    seen: { record, version: 0 },
    place: placeOf(),
    tokens: { shown: [], fresh: 'f'.repeat(22) },
    locale: 'en',
  } as unknown as Visit
  const done = () => ({ to: ctx.location, stored: stored[0] })
  return { visit, shown, done }
}

describe('a set-up that is only offered', () => {
  it('may be refused while no second factor is there', () => {
    expect(mayRefuse(visitWith().visit)).to.equal(true)
    expect(mayRefuse(visitWith({ record: enrolled() }).visit)).to.equal(false)
    expect(mayRefuse(visitWith({ offer: undefined }).visit)).to.equal(false)
  })

  it('R10 is closed until the person accepts, and begins in no old session', () => {
    const isOpen = (given: Given, step: 'begin' | 'confirm'): boolean =>
      !isClosed(visitWith(given).visit, step)
    for (const step of ['begin', 'confirm'] as const) {
      for (const reply of [undefined, 'refused', 'yes'])
        expect(isOpen({ ...(reply !== undefined && { reply }) }, step)).to.equal(false)
      expect(isOpen({ reply: 'accepted' }, step)).to.equal(true)
      expect(isOpen({ earlier: 'accepted' }, step)).to.equal(true)
      expect(isOpen({ earlier: 'accepted', reply: 'refused' }, step)).to.equal(false)
      expect(isOpen({ offer: undefined }, step)).to.equal(true)
      expect(isOpen({ reply: 'accepted', sessionAge: 599 }, step)).to.equal(true)
    }
    expect(isOpen({ reply: 'accepted', sessionAge: 600 }, 'begin')).to.equal(false)
    expect(isOpen({ reply: 'accepted', sessionAge: 600 }, 'confirm')).to.equal(true)
  })

  it('has a page, which says whether a set-up is possible and whether the app asks again and again', async () => {
    for (const offer of [
      { canSetUp: true, repeated: false },
      { canSetUp: false, repeated: true },
    ]) {
      const { visit, shown } = visitWith({ offer })
      await askFirst(visit)
      expect(shown[0]?.[0]).to.equal('mfa-offer')
      expect(shown[0]?.[1]).to.deep.include({ action: '/mfa/uid/offer', ...offer })
    }
    const { visit, shown } = visitWith({ offer: undefined })
    await showOffer(visit)
    expect(shown[0]?.[1]).to.deep.include({ canSetUp: false, repeated: false })
  })

  it('R10 has the first factor asked for again where it was accepted, and keeps the answer', async () => {
    const { visit, shown, done } = visitWith({ reply: 'accepted', sessionAge: 600 })
    await askFirst(visit)
    expect(shown).to.deep.equal([])
    expect(done().to).to.equal(BACK)
    expect(done().stored).to.deep.include({ [OFFER]: 'accepted', firstFactor: false })
  })
})

describe('the answer to an offer', () => {
  const answer = async (given: Given, form: object) => {
    const { visit, done } = visitWith(given)
    await answerOffer(visit, form as never)
    return done()
  }

  it('begins the set-up, in an old session by way of the first factor', async () => {
    for (const given of [{}, { sessionAge: 599 }]) {
      const { to, stored } = await answer(given, { answer: 'set-up' })
      expect([to, stored]).to.deep.equal(['/mfa/uid', { [OFFER]: 'accepted' }])
    }
    const { to, stored } = await answer({ sessionAge: 600 }, { answer: 'set-up' })
    expect(to).to.equal(BACK)
    expect(stored).to.deep.include({ [OFFER]: 'accepted', firstFactor: false })
  })

  it('"Not now" goes on to the app: with a login after a first factor, without one in a session', async () => {
    for (const form of [{ answer: 'not-now' }, {}]) {
      const first = await answer({}, form)
      expect(first.to).to.equal(BACK)
      expect(first.stored)
        .to.include({ [OFFER]: 'refused' })
        .and.to.have.property('login')
      const session = await answer({ sessionAge: 0 }, form)
      expect([session.to, session.stored]).to.deep.equal([BACK, { [OFFER]: 'refused' }])
    }
    const { visit, done } = visitWith({ sessionAge: 0 })
    await refuseOffer(visit)
    expect(done().stored).to.deep.equal({ [OFFER]: 'refused' })
  })

  it('is none where nothing was offered, and is over where nothing can be set up', async () => {
    const { to, stored } = await answer({ offer: undefined }, { answer: 'not-now' })
    expect([to, stored]).to.deep.equal(['/mfa/uid', undefined])
    const none = answer({ offer: { canSetUp: false, repeated: true } }, { answer: 'set-up' })
    const error: unknown = await none.catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
  })
})
