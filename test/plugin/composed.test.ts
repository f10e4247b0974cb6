import { expect } from 'chai'
import type { Core, Taken } from '../../interactions/core.ts'
import { refuseOtherPolicy, refuseUnconfigured } from '../../src/plugin/composed.ts'
import { refuseForeignKeys } from '../../src/plugin/cookie-keys.ts'
import { mailedCode } from '../../src/plugin/first-enrolment.ts'

const codeOf = (act: () => void): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('R17 a provider that was not made from the answer of configure', () => {
  const taken = (changes: Partial<Taken> = {}): Core =>
    ({
      taken: { configured: true, adapter: false, policy: new WeakSet(), ...changes },
    }) as unknown as Core
  /** A provider that makes its adapter at the first use. */
  const provider = (make: () => void): never =>
    ({
      Interaction: {
        get adapter() {
          make()
          return {}
        },
      },
    }) as never

  it('is refused where configure was not called', () => {
    const core = taken({ configured: false, adapter: true })
    expect(
      codeOf(() =>
        refuseUnconfigured(
          core,
          provider(() => {}),
        ),
      ),
    ).to.equal('not-configured')
  })

  it('is refused where it has another adapter', () => {
    const core = taken()
    expect(
      codeOf(() =>
        refuseUnconfigured(
          core,
          provider(() => {}),
        ),
      ),
    ).to.equal('not-configured')
    const ours = provider(() => (core.taken.adapter = true))
    expect(codeOf(() => refuseUnconfigured(core, ours))).to.equal(undefined)
  })

  it('is asked again later where its adapter cannot be made yet', () => {
    const away = provider(() => {
      throw new Error('no database yet')
    })
    expect(codeOf(() => refuseUnconfigured(taken(), away))).to.equal(undefined)
  })

  it('gets no authorization through that the policy has not seen', () => {
    const core = taken()
    const ctx = { app: { listenerCount: () => 0 } } as never
    expect(codeOf(() => refuseOtherPolicy(core, ctx))).to.equal('not-configured')
    core.taken.policy.add(ctx)
    expect(codeOf(() => refuseOtherPolicy(core, ctx))).to.equal(undefined)
  })
})

describe('the keys by which cookies are signed', () => {
  const signer = (key: string) => ({
    sign: (data: string) => `${key} ${data}`,
    verify: (data: string, signature: string) => signature === `${key} ${data}`,
  })
  /** A request through an application that signs with `writer`, to a provider that verifies with `reader`. */
  const through = (writer: string | undefined, reader: string | undefined) => {
    const keys = (key: string | undefined) => ({
      keys: key === undefined ? undefined : signer(key),
    })
    const app = { listenerCount: () => 0 }
    const provider = { createContext: () => ({ cookies: keys(reader) }) }
    return { app, cookies: keys(writer), oidc: { provider } } as never
  }

  it('are those of the application that the provider is mounted in, or the interaction is refused by name', () => {
    expect(codeOf(() => refuseForeignKeys(through('a', 'a')))).to.equal(undefined)
    for (const writer of ['b', undefined])
      expect(codeOf(() => refuseForeignKeys(through(writer, 'a')))).to.equal('cookie-keys-differ')
    expect(codeOf(() => refuseForeignKeys(through('b', undefined)))).to.equal(undefined)
  })

  it('do not matter where cookies are not signed', () => {
    const ctx = through('b', 'a')
    expect(codeOf(() => refuseForeignKeys(ctx, { short: { signed: false } }))).to.equal(undefined)
    expect(codeOf(() => refuseForeignKeys(ctx, { short: {} }))).to.equal('cookie-keys-differ')
  })

  it('are compared once for each application', () => {
    const fits = through('a', 'a') as { oidc: { provider: { createContext: () => object } } }
    expect(codeOf(() => refuseForeignKeys(fits as never))).to.equal(undefined)
    let compared = 0
    const { createContext } = fits.oidc.provider
    fits.oidc.provider.createContext = () => ((compared += 1), createContext())
    refuseForeignKeys(fits as never)
    expect(compared).to.equal(0)
  })
})

describe('R10 the proof of a mailed code', () => {
  const question = {} as never

  it('is the rule for everybody unless the application decides', async () => {
    const send = async (): Promise<void> => {}
    const plain = mailedCode(send)
    expect(plain).to.include({ kind: 'mailed-code', send })
    expect(await plain.rule(question)).to.equal('mailed-code')
    expect(await mailedCode(send, () => 'refused').rule(question)).to.equal('refused')
  })
})
