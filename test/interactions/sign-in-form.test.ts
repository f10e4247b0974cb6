import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { unknownCredential } from '../../interactions/login/identify.ts'
import { openSignInForm, signInRequest } from '../../interactions/login/sign-in-form.ts'
import { namedKeyFactor } from '../../src/testing/factors.ts'
import { world } from '../application/world.ts'
import { corePolicy } from './core-policy.ts'

const ID = 'test-named-key'
/** The parts of the host that make a context for the application's functions. */
const CONTEXT = {
  createContext: () => ({}),
  OIDCContext: class {
    entity(): void {}
  },
}

/** A login page in an interaction whose client is gone. `ofProvider`: changed members of the provider. */
function loginPage(changes: object = {}, ofProvider: object = {}) {
  const { deps } = world({ listed: [namedKeyFactor() as never] })
  const core = {
    ...corePolicy,
    deps,
    provider: {
      issuer: 'https://id.example.com',
      interactionDetails: async () => ({ uid: 'uid', prompt: { name: 'login' }, params: {} }),
      Client: { find: async () => undefined },
      Interaction: { adapter: { find: async () => undefined } },
      ...ofProvider,
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
    const { identify: _, ...nameless } = namedKeyFactor()
    const { deps } = world({ listed: [nameless as never] })
    const { asked: ofNameless } = loginPage({ deps })
    expect(await ofNameless('POST')).to.equal(undefined)
  })

  it('has its route also at an issuer with a path, which the provider does not see', async () => {
    const issuer = 'https://id.example.com/op'
    const client = {}
    const provider = { issuer, Client: { find: async () => client }, ...CONTEXT }
    for (const at of ['', '/op']) {
      const { asked } = loginPage({ interactionUrl: () => `${at}/sign-in/uid` }, provider)
      const route = await asked('POST', `/sign-in/uid/${ID}`)
      expect(route).to.include({ retryHref: `${at}/sign-in/uid` })
    }
  })

  it('is over for a browser whose interaction has ended, and is asked again where the storage is away', async () => {
    const ended = Object.assign(new Error('ended'), { name: 'SessionNotFound' })
    const failing = (error: Error) => ({
      interactionDetails: async () => Promise.reject(error),
      Interaction: { adapter: { find: async () => ({}) } },
    })
    const route = await loginPage({}, failing(ended)).asked('POST')
    expect(route).to.include({ uid: 'uid', retryHref: undefined })
    const error = await route!.answer().catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
    const away = new Error('away')
    const asked = loginPage({}, failing(away)).asked('POST')
    expect(await asked.catch((reason: unknown) => reason)).to.equal(away)
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
