import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { unknownCredential } from '../../interactions/login/identify.ts'
import { openSignInForm, signInRequest } from '../../interactions/login/sign-in-form.ts'
import { namedKeyFactor } from '../../src/testing/factors.ts'
import { world } from '../application/world.ts'
import { corePolicy } from './core-policy.ts'

const ID = 'test-named-key'

/** A login page in an interaction whose client is gone. */
function loginPage(changes: object = {}) {
  const { deps } = world({ listed: [namedKeyFactor() as never] })
  const core = {
    ...corePolicy,
    deps,
    provider: {
      issuer: 'https://id.example.com',
      interactionDetails: async () => ({ uid: 'uid', prompt: { name: 'login' }, params: {} }),
      Client: { find: async () => undefined },
      Interaction: { adapter: { find: async () => undefined } },
    },
    views: { hasSignInForm: () => true },
    ...changes,
  } as unknown as Core
  const asked = (method: string, path = `/interaction/uid/${ID}`) =>
    signInRequest(core, { method, path, req: {}, res: {} } as never)
  return { core, asked }
}

describe('the form of a login page', () => {
  it('is not made where the client of the sign-in is gone', async () => {
    const { core } = loginPage({ interactionUrl: () => '/login' })
    const made = openSignInForm(core, { headers: {} } as never, {} as never, { factorId: ID })
    const error = await made.catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
  })

  it('has a route below the page, for the two methods of a form alone', async () => {
    const { asked } = loginPage()
    for (const method of ['GET', 'POST'])
      expect(await asked(method)).to.include({ uid: 'uid', retryHref: '/interaction/uid' })
    for (const method of ['HEAD', 'PUT', 'DELETE'])
      expect(await asked(method), method).to.equal(undefined)
  })

  it('has no other route', async () => {
    const { asked } = loginPage()
    for (const path of ['/', `/${ID}`, `/login/uid/${ID}`, `/interaction/uid/${ID}/more`])
      expect(await asked('POST', path), path).to.equal(undefined)
    const { asked: without } = loginPage({ views: { hasSignInForm: () => false } })
    expect(await without('POST')).to.equal(undefined)
  })

  it('names no unknown credential of a factor whose responses name none', async () => {
    const { core } = loginPage()
    const factor = namedKeyFactor()
    const credential = JSON.stringify({
      handle: 'h',
      counter: 1,
      userVerified: true,
      signature: 'x',
    })
    expect(await unknownCredential(core, factor as never, { credential })).to.equal(undefined)
    expect(await unknownCredential(core, factor as never, {})).to.equal(undefined)
  })
})
