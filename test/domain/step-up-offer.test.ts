import { expect } from 'chai'
import type { AcrRequest } from '../../src/domain/policy/decide.ts'
import {
  DEFAULT_LEVELS,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
} from '../../src/domain/policy/levels.ts'
import {
  missesWish,
  MOST_CLIENTS,
  offerFor,
  wishOf,
  withRefusal,
  withRound,
  wouldHelp,
  type OfferInput,
  type Wishes,
} from '../../src/domain/step-up-offer.ts'

const NOW = 1_800_000_000
const wanting = (...values: string[]): AcrRequest => ({ essential: false, values })
const asking = { accountId: 'mira', clientId: 'app' }

const offer = (changes: Partial<OfferInput> = {}) =>
  offerFor({
    isMissed: true,
    canSetUp: true,
    reply: undefined,
    wish: undefined,
    now: NOW,
    ...changes,
  })

/** The wish of a client that has got answers at these times. */
const answeredAt = (...times: number[]) =>
  wishOf(
    times.reduce<Wishes | undefined>((wishes, at) => withRound(wishes, asking, at), undefined),
    asking,
  )

describe('a wish for a higher level', () => {
  const misses = (requested: AcrRequest | undefined, answered: number) =>
    missesWish(DEFAULT_LEVELS, requested, answered)

  it('is missed where every level that it names is higher, or unknown', () => {
    expect(misses(wanting(MULTI_FACTOR_ACR), 0)).to.equal(true)
    expect(misses(wanting('urn:unknown'), 1)).to.equal(true)
    for (const [request, answered] of [
      [wanting('urn:unknown', PASSWORD_ACR), 0],
      [wanting(MULTI_FACTOR_ACR), 1],
      [wanting(PASSWORD_ACR), 1],
      [wanting(), 0],
      [undefined, 0],
    ] as const)
      expect(misses(request, answered), JSON.stringify(request)).to.equal(false)
  })

  it('R24 is none where it is essential: such a request gets no lower answer', () => {
    expect(misses({ essential: true, values: [MULTI_FACTOR_ACR] }, 0)).to.equal(false)
  })

  it('is helped by a set-up where it names a level above the answer that a factor reaches', () => {
    const helps = (requested: AcrRequest | undefined, answered: number, highest: number) =>
      wouldHelp(DEFAULT_LEVELS, requested, { answered, highest })
    expect(helps(wanting(MULTI_FACTOR_ACR), 0, 1)).to.equal(true)
    expect(helps(wanting('urn:unknown', PHISHING_RESISTANT_ACR), 1, 2)).to.equal(true)
    expect(helps(wanting(PHISHING_RESISTANT_ACR), 0, 1)).to.equal(false)
    expect(helps(wanting(MULTI_FACTOR_ACR), 1, 1)).to.equal(false)
    expect(helps(wanting('urn:unknown'), 0, 1)).to.equal(false)
    expect(helps(undefined, 0, 1)).to.equal(false)
  })
})

describe('the offer to set up a second factor', () => {
  it('comes before an answer that misses the wish', () => {
    expect(offer()).to.equal('offer')
    expect(offer({ isMissed: false })).to.equal('none')
  })

  it('is not made where nothing that would help can be set up', () => {
    expect(offer({ canSetUp: false })).to.equal('none')
  })

  it('is not made again in the authorization in which it was refused, however often the app asks', () => {
    const wish = answeredAt(NOW, NOW, NOW)
    expect(offer({ reply: 'refused' })).to.equal('none')
    expect(offer({ reply: 'refused', wish })).to.equal('none')
  })

  it('is not made again to the client for which it was refused', () => {
    const wish = wishOf(withRefusal(undefined, asking), asking)
    expect(offer({ wish })).to.equal('none')
  })

  it('stays made once it was accepted, also when the first factor had to be shown again', () => {
    const refused = wishOf(withRefusal(undefined, asking), asking)
    for (const wish of [undefined, refused, answeredAt(NOW, NOW, NOW)])
      expect(offer({ reply: 'accepted', wish })).to.equal('offer')
    expect(offer({ reply: 'accepted', canSetUp: false })).to.equal('none')
  })
})

describe('an app that asks again and again', () => {
  it('gets three answers in a minute, and then a page, to the second', () => {
    expect(offer({ wish: answeredAt(NOW, NOW), now: NOW + 1 })).to.equal('offer')
    for (const canSetUp of [true, false]) {
      const wish = answeredAt(NOW, NOW + 10, NOW + 20)
      expect(offer({ wish, canSetUp, now: NOW + 59 })).to.equal('repeated')
      expect(offer({ wish, canSetUp: false, now: NOW + 60 })).to.equal('none')
    }
  })

  it('is not stopped for as long as a clock was ahead', () => {
    const wish = answeredAt(NOW, NOW, NOW)
    expect(offer({ wish, canSetUp: false, now: NOW - 60 })).to.equal('repeated')
    expect(offer({ wish, canSetUp: false, now: NOW - 61 })).to.equal('none')
  })

  it('is not stopped where it got the level that it asked for', () => {
    const wish = answeredAt(NOW, NOW, NOW)
    expect(offer({ wish, isMissed: false })).to.equal('none')
  })
})

describe('the wishes that a session remembers', () => {
  it('are those of one account: another person decides anew', () => {
    const wishes = withRefusal(undefined, asking)
    const other = { ...asking, accountId: 'theo' }
    expect(wishOf(wishes, other)).to.equal(undefined)
    expect(withRound(wishes, other, NOW)).to.deep.equal({
      accountId: 'theo',
      clients: [{ clientId: 'app', refused: false, answeredAt: [NOW] }],
    })
  })

  it('are kept by client: a refusal beside the latest answers', () => {
    let wishes = withRound(undefined, asking, NOW - 1)
    wishes = withRefusal(wishes, asking)
    for (const at of [NOW, NOW + 1, NOW + 2]) wishes = withRound(wishes, asking, at)
    wishes = withRound(wishes, { ...asking, clientId: 'other' }, NOW)
    expect(wishes.clients).to.deep.equal([
      { clientId: 'app', refused: true, answeredAt: [NOW, NOW + 1, NOW + 2] },
      { clientId: 'other', refused: false, answeredAt: [NOW] },
    ])
  })

  it('are of so many clients at most', () => {
    let wishes: Wishes | undefined
    for (let n = 0; n <= MOST_CLIENTS; n += 1)
      wishes = withRefusal(wishes, { ...asking, clientId: `app-${n}` })
    expect(wishes?.clients).to.have.length(MOST_CLIENTS)
    expect(wishOf(wishes, { ...asking, clientId: 'app-0' })).to.equal(undefined)
  })
})
