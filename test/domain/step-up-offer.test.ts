import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type AcrRequest } from '../../src/domain/policy.ts'
import {
  missesWish,
  MOST_CLIENTS,
  offerFor,
  wishOf,
  withRefusal,
  withRound,
  type OfferInput,
  type Wishes,
} from '../../src/domain/step-up-offer.ts'

const NOW = 1_800_000_000
const wanting = (...values: string[]): AcrRequest => ({ essential: false, values })
const asking = { accountId: 'mira', clientId: 'app' }

const offer = (changes: Partial<OfferInput> = {}) =>
  offerFor({
    requested: wanting(MULTI_FACTOR_ACR),
    answered: PASSWORD_ACR,
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
  it('is missed where every level that it names is higher, or unknown', () => {
    expect(missesWish(wanting(MULTI_FACTOR_ACR), PASSWORD_ACR)).to.equal(true)
    expect(missesWish(wanting('urn:unknown'), MULTI_FACTOR_ACR)).to.equal(true)
    for (const [request, answered] of [
      [wanting('urn:unknown', PASSWORD_ACR), PASSWORD_ACR],
      [wanting(MULTI_FACTOR_ACR), MULTI_FACTOR_ACR],
      [wanting(PASSWORD_ACR), MULTI_FACTOR_ACR],
      [wanting(), PASSWORD_ACR],
      [undefined, PASSWORD_ACR],
    ] as const)
      expect(missesWish(request, answered), JSON.stringify(request)).to.equal(false)
  })

  it('R24 is none where it is essential: such a request gets no lower answer', () => {
    const essential = { essential: true, values: [MULTI_FACTOR_ACR] }
    expect(missesWish(essential, PASSWORD_ACR)).to.equal(false)
    expect(offer({ requested: essential })).to.equal('none')
  })
})

describe('the offer to set up a second factor', () => {
  it('comes before an answer that misses the wish', () => {
    expect(offer()).to.equal('offer')
    expect(offer({ requested: wanting(PASSWORD_ACR, MULTI_FACTOR_ACR) })).to.equal('none')
  })

  it('is not made where nothing can be set up, or where it would not help', () => {
    expect(offer({ canSetUp: false })).to.equal('none')
    expect(offer({ requested: wanting('urn:unknown') })).to.equal('none')
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
    for (const canSetUp of [true, false])
      for (const requested of [wanting(MULTI_FACTOR_ACR), wanting('urn:unknown')]) {
        const wish = answeredAt(NOW, NOW + 10, NOW + 20)
        expect(offer({ wish, requested, canSetUp, now: NOW + 59 })).to.equal('repeated')
        expect(offer({ wish, requested, canSetUp: false, now: NOW + 60 })).to.equal('none')
      }
  })

  it('is not stopped for as long as a clock was ahead', () => {
    const wish = answeredAt(NOW, NOW, NOW)
    expect(offer({ wish, canSetUp: false, now: NOW - 60 })).to.equal('repeated')
    expect(offer({ wish, canSetUp: false, now: NOW - 61 })).to.equal('none')
  })

  it('is not stopped where it got the level that it asked for', () => {
    const wish = answeredAt(NOW, NOW, NOW)
    expect(offer({ wish, answered: MULTI_FACTOR_ACR })).to.equal('none')
    expect(offer({ wish, requested: undefined })).to.equal('none')
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
