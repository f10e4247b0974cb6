import { expect } from 'chai'
import { errors } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import {
  acrRequestOf,
  changeIn,
  pendingOf,
  resultsOf,
  unknownAccount,
} from '../../interactions/request.ts'
import { sealFirstFactor } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'

type Params = Record<string, unknown>

const claims = (acr: unknown): Params => ({ claims: JSON.stringify({ id_token: { acr } }) })
const requested = (params: Params | undefined) => acrRequestOf({ params })

describe('R24 the acr that a request asks for', () => {
  it('is none where no parameter names one', () => {
    const silent: (Params | undefined)[] = [
      undefined,
      {},
      { acr_values: '' },
      { acr_values: '  ' },
      { acr_values: ['a'] },
      { claims: '{}' },
      { claims: '{"id_token":{}}' },
      { claims: '{"id_token":null}' },
      claims(null),
      claims({}),
      claims({ value: 7 }),
    ]
    for (const params of silent)
      expect(requested(params), JSON.stringify(params)).to.equal(undefined)
    // An essential one accepts any acr here, but no trusted browser stands in (R14).
    expect(requested(claims({ essential: true }))).to.deep.equal({ essential: false, values: [] })
  })

  it('is voluntary in acr_values, in their order', () => {
    expect(requested({ acr_values: ' b  a ' })).to.deep.equal({
      essential: false,
      values: ['b', 'a'],
    })
  })

  it('is essential where the claims parameter says so in the one way that there is', () => {
    for (const [essential, is] of [
      [true, true],
      [false, false],
      [undefined, false],
      ['true', false],
      [1, false],
    ] as const)
      expect(requested(claims({ essential, value: 'a' }))).to.deep.equal({
        essential: is,
        values: ['a'],
      })
  })

  it('is one of `values`, and the one of `value` where both are there', () => {
    const essential = true
    expect(requested(claims({ essential, values: ['a', 'b'] }))?.values).to.deep.equal(['a', 'b'])
    expect(requested(claims({ values: ['a', 'b'], value: 'b' }))?.values).to.deep.equal(['b'])
    expect(requested(claims({ values: ['a'], value: 'b' }))?.values).to.deep.equal([])
  })

  it('is not lowered by a voluntary one beside an essential one', () => {
    const essential = claims({ essential: true, value: 'high' })
    expect(requested({ ...essential, acr_values: 'low' })).to.deep.equal({
      essential: true,
      values: ['high'],
    })
    const voluntary = claims({ value: 'high' })
    expect(requested({ ...voluntary, acr_values: 'low' })).to.deep.equal({
      essential: false,
      values: ['low'],
    })
    expect(requested(voluntary)).to.deep.equal({ essential: false, values: ['high'] })
  })

  it('is refused where it is essential and cannot be read', () => {
    for (const wrong of [{ values: 'a' }, { values: ['a', 7] }, { value: 7 }, { values: {} }]) {
      expect(() => requested(claims({ ...wrong, essential: true })))
        .to.throw(errors.InvalidRequest)
        .with.property('error_description', 'claims.id_token.acr names no acr values')
      expect(requested(claims(wrong))).to.equal(undefined)
    }
  })
})

describe('the change that a request asks for', () => {
  it('is that of mfa_action, where it is a text', () => {
    expect(changeIn({ mfa_action: 'add:totp' })).to.deep.equal({ kind: 'add', factor: 'totp' })
    for (const params of [undefined, {}, { mfa_action: ['add'] }, { mfa_action: 'nonsense' }])
      expect(changeIn(params)).to.equal(undefined)
  })
})

describe('the results of an interaction', () => {
  it('are empty where nothing was answered', () => {
    expect(resultsOf({} as never)).to.deep.equal({})
    expect(resultsOf({ result: { a: 1 } } as never)).to.deep.equal({ a: 1 })
  })
})

describe('R17 the pending first factor of an authorization', () => {
  const NOW = 1_700_000_100
  const CID = 'the-authorization'
  const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
  const sealed = sealFirstFactor(box, CID, {
    accountId: 'mira',
    amr: ['pwd'],
    ts: NOW,
    answeredAt: NOW,
    epoch: 3,
  })

  const look = (firstFactor: unknown, { epoch = 3, later = 0, cid = CID } = {}) => {
    const core = {
      deps: { box, clock: { now: () => NOW + later } },
      record: async (_ctx: unknown, accountId: string) => ({ record: { accountId, epoch } }),
    } as unknown as Core
    const entities = { Interaction: { cid } }
    return pendingOf(core, { oidc: { entities, result: { firstFactor } } } as never)
  }

  it('is there while it counts', async () => {
    expect(await look(sealed)).to.deep.equal({ present: true, pending: sealed })
  })

  it('is absent where the login page has answered nothing, or the last factor was proved', async () => {
    for (const value of [undefined, null])
      expect(await look(value)).to.deep.equal({ present: false })
  })

  it('counts no more after its time, in another epoch, in another authorization, or without its seal', async () => {
    const gone = { present: true }
    expect(await look(sealed, { later: 600 })).to.deep.equal(gone)
    expect(await look(sealed, { epoch: 4 })).to.deep.equal(gone)
    expect(await look(sealed, { cid: 'another' })).to.deep.equal(gone)
    for (const value of [false, {}, { ...sealed, accountId: 'eve' }])
      expect(await look(value)).to.deep.equal(gone)
  })
})

describe('an account that findAccount does not know', () => {
  it('is the developer’s fault to mend, by name', () => {
    expect(unknownAccount()).to.include({ code: 'account-unknown', status: 404 })
  })
})
