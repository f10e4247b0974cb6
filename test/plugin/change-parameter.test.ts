import { expect } from 'chai'
import { errors } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { takesOurName, withChangeParameter } from '../../src/plugin/change-parameter.ts'

const factors = new Map([
  ['totp', { enrolment: 'confirmed' }],
  ['backup-codes', { enrolment: 'issued' }],
  ['imported-codes', { enrolment: 'none' }],
])
const core = {
  deps: { factors },
  mayManage: async ({ clientId }: { clientId: string }) => clientId === 'account',
} as unknown as Core

type Check = (ctx: object, value: string | undefined, client: object) => Promise<void>

/** Why a request is refused. Undefined: it is not. */
async function refusal(
  value: string | undefined,
  { route = 'authorization', clientId = 'account' }: { route?: string; clientId?: string } = {},
): Promise<string | undefined> {
  const { mfa_action: check } = withChangeParameter(core, undefined) as unknown as {
    mfa_action: Check
  }
  try {
    await check({ oidc: { route } }, value, { clientId })
    return undefined
  } catch (error) {
    expect(error).to.be.instanceOf(errors.InvalidRequest)
    return (error as errors.InvalidRequest).error_description
  }
}

describe('the parameter that asks for a change of factors', () => {
  const foreign = 'mfa_action is not for this client or endpoint'
  const unknown = 'mfa_action is no change that is offered here'

  it('R11 is for the apps that the application names', async () => {
    expect(await refusal('add')).to.equal(undefined)
    expect(await refusal('add', { clientId: 'other' })).to.equal(foreign)
    expect(await refusal(undefined, { clientId: 'other' })).to.equal(undefined)
  })

  it('R17 is for the routes that lead to a browser', async () => {
    expect(await refusal('add', { route: 'pushed_authorization_request' })).to.equal(undefined)
    for (const route of ['device_authorization', 'backchannel_authentication', 'token', ''])
      expect(await refusal('add', { route }), route).to.equal(foreign)
  })

  it('names a change that the factors allow', async () => {
    for (const value of [
      'add',
      'add:totp',
      'renew:backup-codes',
      'remove:some-id',
      'rename:some-id',
    ])
      expect(await refusal(value), value).to.equal(undefined)
    for (const value of [
      '',
      'nonsense',
      'add:backup-codes',
      'add:imported-codes',
      'add:pigeon',
      'renew:totp',
      'renew:imported-codes',
      'renew:pigeon',
    ])
      expect(await refusal(value), value).to.equal(unknown)
  })
})

describe("the application's own parameters", () => {
  const check = (): void => {}

  it('stay beside it, as names or with their checks', () => {
    const names = (own: never): string[] => Object.keys(withChangeParameter(core, own))
    expect(names(undefined as never)).to.deep.equal(['mfa_action'])
    expect(names(['a', 'b'] as never)).to.deep.equal(['a', 'b', 'mfa_action'])
    expect(names(new Set(['a']) as never)).to.deep.equal(['a', 'mfa_action'])
    expect(withChangeParameter(core, { a: check })).to.include({ a: check })
    expect(withChangeParameter(core, ['a'])).to.include({ a: null })
  })

  it('must not take its name', () => {
    for (const own of [['mfa_action'], new Set(['mfa_action']), { mfa_action: check }])
      expect(takesOurName(own)).to.equal(true)
    for (const own of [undefined, [], ['action'], new Set(['a']), { a: check }])
      expect(takesOurName(own)).to.equal(false)
  })
})
