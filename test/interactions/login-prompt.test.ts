import { expect } from 'chai'
import { errors, interactionPolicy } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { loginPrompt } from '../../interactions/login/prompt.ts'
import { corePolicy } from './core-policy.ts'

describe('the check that comes before those of the host’s login prompt', () => {
  const base = interactionPolicy.base().get('login')
  const core = {
    ...corePolicy,
    deps: { factors: new Map() },
    taken: { policy: new WeakSet() },
    provider: {},
  } as unknown as Core
  const own = () => loginPrompt(core, base!).checks[0]

  it('is named in the details of the interaction, and to an app that wants no page', () => {
    expect(own()).to.include({
      reason: 'subject_current',
      description: 'End-User authentication is required',
      error: 'login_required',
    })
  })

  it('R24 refuses an acr that nobody can reach before a password is typed', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:unknown' } } })
    const ctx = { oidc: { provider: core.provider, params: { claims } } }
    const error: unknown = await Promise.resolve(own()?.check(ctx as never)).catch(
      (reason: unknown) => reason,
    )
    expect(error)
      .to.be.instanceOf(errors.UnmetAuthenticationRequirements)
      .with.property('error_description', 'none of the requested ACRs can be obtained')
  })
})
