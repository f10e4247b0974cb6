import { expect } from 'chai'
import fc from 'fast-check'
import {
  parseFirstFactor,
  parseLogin,
  sealFirstFactor,
  sealLogin,
} from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import type { PendingFirstFactor } from '../../src/domain/first-factor.ts'
import type { Proof } from '../../src/domain/policy/proofs.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const CID = 'the-authorization'

// Small sets of values, so that two of them often differ in one member or in the place of a value alone.
const text = fc.constantFrom('', 'a', 'proofs', 'earlier', 'alone')
const time = fc.constantFrom(0, 1, 2)
const amr = fc.array(text, { maxLength: 2 })
const kind = fc.constantFrom('knowledge' as const, 'possession' as const, 'inherence' as const)
const upstream = fc.record({ issuer: text, isEarlier: fc.boolean() })
const strength = {
  kinds: fc.array(kind, { maxLength: 2 }),
  phishingResistant: fc.boolean(),
  hardware: fc.constant(true as const),
}
const STRENGTH = ['kinds', 'phishingResistant'] as const
const proof: fc.Arbitrary<Proof> = fc.record(
  { ...strength, amr, time, factor: fc.constantFrom('totp', 'key'), recoveredAt: time, upstream },
  { requiredKeys: [...STRENGTH, 'amr', 'time'] },
)
const pending: fc.Arbitrary<PendingFirstFactor> = fc.record(
  {
    accountId: text,
    amr,
    ts: time,
    answeredAt: time,
    epoch: time,
    remember: fc.boolean(),
    isEarlier: fc.boolean(),
    alone: fc.constant(true as const),
    upstream: fc.record({ ...strength, upstream }, { requiredKeys: [...STRENGTH, 'upstream'] }),
    proofs: fc.array(proof, { maxLength: 2 }),
  },
  { requiredKeys: ['accountId', 'amr', 'ts', 'answeredAt', 'epoch'] },
)
const login = fc.record(
  {
    accountId: text,
    acr: text,
    amr,
    ts: time,
    epoch: time,
    remember: fc.boolean(),
    proofs: fc.array(proof, { maxLength: 2 }),
  },
  { requiredKeys: ['accountId', 'acr', 'amr', 'ts', 'epoch'] },
)

/** A member that says the same whether or not it is there is left out. */
function saidBy({ remember, isEarlier, seal, proofsSeal, ...rest }: Record<string, unknown>) {
  return {
    ...rest,
    ...(remember === false ? { remember } : {}),
    ...(isEarlier === true ? { isEarlier } : {}),
  }
}

const bySeal = <T extends object>(seal: (value: T) => object, value: T): unknown => {
  const { proofs: _, ...made } = seal(value) as {
    seal: string
    proofsSeal?: string
    proofs?: object
  }
  return [made.seal, made.proofsSeal]
}

/** Two values of which the second one is the first with some of another's members, or another one. */
const pairOf = <T extends object>(one: fc.Arbitrary<T>): fc.Arbitrary<readonly [T, T]> =>
  fc.tuple(one, one, fc.infiniteStream(fc.boolean())).map(([first, other, takes]) => {
    const taken = Object.entries(other).filter(() => takes.next().value)
    return [first, { ...first, ...Object.fromEntries(taken) }] as const
  })

/** A value with one member replaced by any JSON, as a storage that somebody has written to answers it. */
const damaged = <T extends object>(
  sealed: fc.Arbitrary<T>,
  optional: readonly string[],
): fc.Arbitrary<readonly [T, Record<string, unknown>]> =>
  sealed.chain((value) => {
    const names = [...Object.keys(value), ...optional]
    const parts = fc.oneof(
      fc.jsonValue(),
      fc.array(fc.oneof(fc.jsonValue(), fc.constant(null), proof), { maxLength: 2 }),
      fc.record({
        kinds: fc.jsonValue(),
        phishingResistant: fc.jsonValue(),
        hardware: fc.jsonValue(),
        upstream: fc.jsonValue(),
      }),
    )
    return fc
      .tuple(fc.constantFrom(...names), parts)
      .map(([name, part]) => [value, { ...value, [name]: part }] as const)
  })

/** As JSON says it: that has no negative zero. */
const without = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(saidBy(value as Record<string, unknown>)))

describe('R17 any two results of a sign-in', () => {
  it('have one seal only if they say the same', () => {
    const sealFirst = (value: PendingFirstFactor) => sealFirstFactor(box, CID, value)
    fc.assert(
      fc.property(pairOf(pending), ([one, other]) => {
        if (JSON.stringify(bySeal(sealFirst, one)) !== JSON.stringify(bySeal(sealFirst, other)))
          return
        expect(without(one)).to.deep.equal(without(other))
      }),
      { numRuns: 500 },
    )
    const sealOf = (value: Parameters<typeof sealLogin>[2]) => sealLogin(box, CID, value)
    fc.assert(
      fc.property(pairOf(login), ([one, other]) => {
        if (JSON.stringify(bySeal(sealOf, one)) !== JSON.stringify(bySeal(sealOf, other))) return
        expect(without(one)).to.deep.equal(without(other))
      }),
      { numRuns: 500 },
    )
  })

  it('are read as they were written', () => {
    fc.assert(
      fc.property(pending, login, (first, whole) => {
        const read = parseFirstFactor(box, CID, sealFirstFactor(box, CID, first))
        expect(without(read)).to.deep.equal(without(first))
        const signedIn = parseLogin(box, CID, sealLogin(box, CID, whole))
        expect(without(signedIn)).to.deep.equal(without(whole))
      }),
    )
  })

  it('R34 are refused with any other value in a member, without an exception', () => {
    const sealedFirst = pending.map((value) => sealFirstFactor(box, CID, value))
    fc.assert(
      fc.property(
        damaged(sealedFirst, ['upstream', 'proofs', 'alone', 'isEarlier', 'remember']),
        ([made, other]) => {
          const read = parseFirstFactor(box, CID, other)
          if (read !== undefined) expect(without(read)).to.deep.equal(without(made))
        },
      ),
      { numRuns: 1_000 },
    )
    const sealedLogin = login.map((value) => sealLogin(box, CID, value))
    fc.assert(
      fc.property(damaged(sealedLogin, ['proofs', 'remember']), ([made, other]) => {
        const read = parseLogin(box, CID, other)
        if (read === undefined || read.proofs === undefined) return
        expect(without(read)).to.deep.equal(without(made))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('R34 a member of another shape in a sealed result', () => {
  const PROOF = { amr: ['pwd'], kinds: ['knowledge'], phishingResistant: false, time: 1 } as const
  const FIRST = { accountId: 'mira', amr: ['pwd'], ts: 1, answeredAt: 1, epoch: 1 }

  it('is `null` in a storage that keeps absent members so, and means that there is none', () => {
    const sealed = sealLogin(box, CID, { ...FIRST, acr: 'a', proofs: [PROOF] })
    const none = { factor: null, recoveredAt: null, upstream: null, hardware: null }
    const proofs = [{ ...PROOF, ...none }]
    const read = parseLogin(box, CID, { ...sealed, proofs, remember: null })
    expect(read?.proofs).to.deep.equal([PROOF])
    expect(read).not.to.have.property('remember')
    const absent = { upstream: null, proofs: null, alone: null, isEarlier: null, remember: null }
    const first = sealFirstFactor(box, CID, FIRST)
    expect(parseFirstFactor(box, CID, { ...first, ...absent })).to.deep.equal(first)
  })

  it('makes the whole void', () => {
    const sealed = sealLogin(box, CID, { ...FIRST, acr: 'a', proofs: [PROOF] })
    for (const other of [
      { kinds: 'knowledge' },
      { kinds: ['another kind'] },
      { phishingResistant: null },
      { hardware: false },
      { hardware: true },
      { hardware: 'yes' },
      { time: 'now' },
      { amr: null },
      { factor: '' },
      { factor: 7 },
      { recoveredAt: '1' },
      { upstream: 'https://idp.example' },
      { upstream: { issuer: 'https://idp.example' } },
    ])
      expect(parseLogin(box, CID, { ...sealed, proofs: [{ ...PROOF, ...other }] })).to.equal(
        undefined,
      )
    for (const proofs of [7, 'x', {}, [null], [7], [[PROOF]]])
      expect(parseLogin(box, CID, { ...sealed, proofs })).to.equal(undefined)
    const first = sealFirstFactor(box, CID, FIRST)
    for (const other of [
      { upstream: 7 },
      { upstream: { kinds: ['knowledge'], phishingResistant: false } },
      { upstream: { kinds: ['knowledge'], phishingResistant: false, upstream: null } },
      {
        upstream: {
          kinds: ['knowledge'],
          phishingResistant: false,
          hardware: 1,
          upstream: { issuer: 'https://idp.example', isEarlier: false },
        },
      },
      { proofs: {} },
      { proofs: [null] },
      { isEarlier: 'yes' },
      { remember: 'yes' },
      { alone: 1 },
    ])
      expect(parseFirstFactor(box, CID, { ...first, ...other })).to.equal(undefined)
  })
})
