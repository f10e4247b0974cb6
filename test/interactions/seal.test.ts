import { expect } from 'chai'
import {
  parseFirstFactor,
  parseLogin,
  sealFirstFactor,
  sealLogin,
} from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const CID = 'the-authorization'

const LOGIN = {
  accountId: 'mira',
  acr: 'urn:oidc-provider-mfa:password',
  amr: ['pwd'],
  ts: 1_700_000_000,
  epoch: 3,
  remember: false,
}

const PENDING = {
  accountId: 'mira',
  amr: ['pwd'],
  ts: 1_700_000_000,
  answeredAt: 1_700_000_100,
  epoch: 3,
  remember: false,
}

/** Another value of the same type, for each member that a seal holds. */
const OTHER = {
  accountId: 'eve',
  acr: 'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
  amr: ['pwd', 'otp', 'mfa'],
  ts: 1_700_000_500,
  answeredAt: 1_700_000_500,
  epoch: 4,
  remember: true,
}

/** A value of another type for each member, as a document in the database could hold it. */
const MISTYPED: readonly (readonly [string, unknown])[] = [
  ['accountId', 7],
  ['accountId', undefined],
  ['acr', ['x']],
  ['amr', 'pwd'],
  ['amr', ['pwd', 7]],
  ['amr', [7]],
  ['amr', undefined],
  ['ts', '1700000000'],
  ['answeredAt', '1700000100'],
  ['epoch', '3'],
  ['epoch', undefined],
]

/** Values that are no sealed result at all. */
const NOTHING = [undefined, null, false, 7, 'mira', [], {}]

const ASSURANCE = {
  kinds: ['knowledge', 'possession'] as const,
  phishingResistant: false,
  upstream: { issuer: 'https://idp.example', isEarlier: true },
}

/** Other assurances: each differs in one member. */
const OTHER_ASSURANCES = [
  undefined,
  { ...ASSURANCE, kinds: ['knowledge', 'possession', 'inherence'] },
  { ...ASSURANCE, phishingResistant: true },
  { ...ASSURANCE, upstream: { ...ASSURANCE.upstream, issuer: 'https://other.example' } },
  { ...ASSURANCE, upstream: { ...ASSURANCE.upstream, isEarlier: false } },
]

describe('R17 the seal of the assurance of an upstream provider', () => {
  const pending = sealFirstFactor(box, CID, { ...PENDING, upstream: ASSURANCE })
  const proof = { ...ASSURANCE, amr: ['pwd'], time: LOGIN.ts }
  const login = sealLogin(box, CID, { ...LOGIN, proofs: [proof] })

  it('fits the first factor and the login that it was made for', () => {
    expect(parseFirstFactor(box, CID, pending)).to.deep.equal(pending)
    expect(parseLogin(box, CID, login)).to.deep.equal(login)
  })

  it('fits no first factor and no login with another one', () => {
    for (const other of OTHER_ASSURANCES) {
      expect(parseFirstFactor(box, CID, { ...pending, upstream: other })).to.equal(undefined)
      const { upstream: _, ...plain } = proof
      const changed = { ...login, proofs: [{ ...plain, ...other }] }
      expect(parseLogin(box, CID, changed)).to.equal(undefined)
    }
    const without = sealFirstFactor(box, CID, PENDING)
    expect(parseFirstFactor(box, CID, { ...without, upstream: ASSURANCE })).to.equal(undefined)
  })
})

describe('R17 the seal of a login', () => {
  const sealed = sealLogin(box, CID, LOGIN)

  it('fits the login that it was made for', () => {
    expect(parseLogin(box, CID, sealed)).to.deep.equal(sealed)
  })

  for (const name of ['accountId', 'acr', 'amr', 'ts', 'epoch', 'remember'] as const)
    it(`fits no login with another ${name}`, () => {
      expect(parseLogin(box, CID, { ...sealed, [name]: OTHER[name] })).to.equal(undefined)
    })

  it('fits no login without `remember`, which would last longer', () => {
    const { remember: _, ...lasting } = sealed
    expect(parseLogin(box, CID, lasting)).to.equal(undefined)
  })

  it('fits in no other authorization, and in none without an id', () => {
    for (const cid of ['another-authorization', '', undefined, 7])
      expect(parseLogin(box, cid, sealed)).to.equal(undefined)
  })

  for (const [name, wrong] of MISTYPED.filter(([member]) => member in LOGIN))
    it(`R34 does not help a login whose ${name} is ${JSON.stringify(wrong)}`, () => {
      const mistyped = sealLogin(box, CID, { ...LOGIN, [name]: wrong })
      expect(parseLogin(box, CID, mistyped)).to.equal(undefined)
    })

  it('R34 is a text, on a login that is an object', () => {
    for (const seal of [undefined, null, 7, {}])
      expect(parseLogin(box, CID, { ...sealed, seal })).to.equal(undefined)
    for (const value of NOTHING) expect(parseLogin(box, CID, value)).to.equal(undefined)
  })

  it('fits in no authorization without an id, even where it was made for none', () => {
    for (const cid of [undefined, null, 7]) {
      const without = sealLogin(box, cid as never, LOGIN)
      expect(parseLogin(box, cid, without)).to.equal(undefined)
    }
  })

  it('is not the seal of a first factor', () => {
    const pending = sealFirstFactor(box, CID, { ...LOGIN, answeredAt: LOGIN.ts })
    expect(parseLogin(box, CID, { ...sealed, seal: pending.seal })).to.equal(undefined)
  })

  it('is not made by another key', () => {
    const other = secretBox({ keys: [Buffer.alloc(32, 8)] })
    expect(parseLogin(box, CID, sealLogin(other, CID, LOGIN))).to.equal(undefined)
  })
})

describe('R17 the seal of a first factor', () => {
  const sealed = sealFirstFactor(box, CID, PENDING)

  it('fits the first factor that it was made for', () => {
    expect(parseFirstFactor(box, CID, sealed)).to.deep.equal(sealed)
  })

  for (const name of ['accountId', 'amr', 'ts', 'answeredAt', 'epoch', 'remember'] as const)
    it(`fits no first factor with another ${name}`, () => {
      expect(parseFirstFactor(box, CID, { ...sealed, [name]: OTHER[name] })).to.equal(undefined)
    })

  it('fits in no other authorization, and in none without an id', () => {
    for (const cid of ['another-authorization', '', undefined, 7])
      expect(parseFirstFactor(box, cid, sealed)).to.equal(undefined)
  })

  for (const [name, wrong] of MISTYPED.filter(([member]) => member in PENDING))
    it(`R34 does not help a first factor whose ${name} is ${JSON.stringify(wrong)}`, () => {
      const mistyped = sealFirstFactor(box, CID, { ...PENDING, [name]: wrong })
      expect(parseFirstFactor(box, CID, mistyped)).to.equal(undefined)
    })

  it('R34 is a text, on a first factor that is an object', () => {
    for (const seal of [undefined, null, 7, {}])
      expect(parseFirstFactor(box, CID, { ...sealed, seal })).to.equal(undefined)
    for (const value of NOTHING) expect(parseFirstFactor(box, CID, value)).to.equal(undefined)
  })

  it('fits in no authorization without an id, even where it was made for none', () => {
    for (const cid of [undefined, null, 7]) {
      const without = sealFirstFactor(box, cid as never, PENDING)
      expect(parseFirstFactor(box, cid, without)).to.equal(undefined)
    }
  })

  it('R25 fits no first factor of which somebody says that it is new', () => {
    const earlier = sealFirstFactor(box, CID, { ...PENDING, isEarlier: true })
    expect(parseFirstFactor(box, CID, earlier)).to.deep.equal(earlier)
    for (const isEarlier of [false, undefined])
      expect(parseFirstFactor(box, CID, { ...earlier, isEarlier })).to.equal(undefined)
  })

  it('R17 fits no first factor with other proofs beside it', () => {
    const proof = { amr: ['otp'], kinds: ['possession'], phishingResistant: false } as const
    const proofs = [{ ...proof, time: PENDING.ts, factor: 'totp' }]
    const proved = sealFirstFactor(box, CID, { ...PENDING, proofs })
    expect(parseFirstFactor(box, CID, proved)).to.deep.equal(proved)
    for (const other of [undefined, [], [{ ...proofs[0]!, phishingResistant: true }]])
      expect(parseFirstFactor(box, CID, { ...proved, proofs: other })).to.equal(undefined)
    expect(parseFirstFactor(box, CID, { ...sealed, proofs })).to.equal(undefined)
    // With the mark, the factor would be asked for as if it had not been shown.
    expect(parseFirstFactor(box, CID, { ...proved, alone: true })).to.equal(undefined)
    const alone = sealFirstFactor(box, CID, { ...PENDING, proofs, alone: true })
    expect(parseFirstFactor(box, CID, alone)?.alone).to.equal(true)
  })

  it('is not the seal of a login', () => {
    const login = sealLogin(box, CID, { ...PENDING, acr: LOGIN.acr })
    expect(parseFirstFactor(box, CID, { ...sealed, seal: login.seal })).to.equal(undefined)
  })
})

describe('the proofs in a login', () => {
  const PROOFS = [
    {
      amr: ['otp'],
      kinds: ['possession'],
      phishingResistant: false,
      time: 1_700_000_050,
      factor: 'totp',
      recoveredAt: 1_699_999_000,
    },
    { amr: ['pwd'], kinds: ['knowledge'], phishingResistant: false, time: 1_700_000_000 },
  ] as const
  const sealed = sealLogin(box, CID, { ...LOGIN, proofs: PROOFS })
  const [first, second] = PROOFS

  it('count in the order in which a storage keeps their members', () => {
    expect(parseLogin(box, CID, sealed)?.proofs).to.deep.equal(PROOFS)
    const turned = PROOFS.map((proof) => Object.fromEntries(Object.entries(proof).toReversed()))
    expect(parseLogin(box, CID, { ...sealed, proofs: turned })).to.not.equal(undefined)
  })

  it('R45 make the login void if one was changed, added, left out or has no seal', () => {
    for (const [name, other] of Object.entries({
      amr: ['swk'],
      kinds: ['knowledge'],
      phishingResistant: true,
      time: 1_700_000_060,
      factor: 'key',
      recoveredAt: 1_699_999_001,
    })) {
      const proofs = [{ ...first, [name]: other }, second]
      expect(parseLogin(box, CID, { ...sealed, proofs }), name).to.equal(undefined)
    }
    for (const proofs of [[first], [], [...PROOFS, first], [second, first]])
      expect(parseLogin(box, CID, { ...sealed, proofs })).to.equal(undefined)
    const { proofsSeal: _, ...without } = sealed
    expect(parseLogin(box, CID, without)).to.equal(undefined)
    expect(parseLogin(box, CID, { ...sealed, proofsSeal: sealed.seal })).to.equal(undefined)
  })

  it('R45 belong to their login: a seal of another sign-in does not hold', () => {
    const other = sealLogin(box, 'another authorization', { ...LOGIN, proofs: PROOFS })
    const { proofsSeal = '' } = other
    expect(parseLogin(box, CID, { ...sealed, proofsSeal })).to.equal(undefined)
  })
})
