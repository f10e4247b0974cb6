import { expect } from 'chai'
import type { Adapter } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { overlay } from '../../src/host/overlay.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, follow, redeem, startHost, type Host } from './host.ts'
import { introspect, refresh, type Answered } from './relying-party.ts'
import { enrolledPerson, signIn, type Person } from './sign-in.ts'

/** A storage in which two requests both find a record of `model` before either goes on, so the race always happens. */
function racing(storage: ServerStorage, model: string): ServerStorage {
  let waiting: (() => void)[] = []
  let isRacing = true
  const meet = async (): Promise<void> => {
    if (!isRacing) return
    await new Promise<void>((go) => {
      waiting.push(go)
      if (waiting.length < 2) return
      isRacing = false
      for (const each of waiting) each()
      waiting = []
    })
  }
  return {
    ...storage,
    hostRecords(name) {
      const records: Adapter = storage.hostRecords(name)
      if (name !== model) return records
      return overlay(records, {
        find: async (id: string) => {
          const found = await records.find(id)
          await meet()
          return found
        },
      })
    },
  }
}

describe('a second use at the same moment', () => {
  let host: Host
  let mira: Person

  async function start(model: string): Promise<void> {
    host = await startHost({
      storage: (clock) => racing(memoryStorage({ clock }), model),
      configuration: { rotateRefreshToken: () => true },
    })
    mira = await enrolledPerson(host)
  }
  afterEach(async () => host.close())

  async function callback(): Promise<URLSearchParams> {
    const browser = new HttpClient()
    const parameters = { scope: 'openid email offline_access', prompt: 'consent' }
    const consent = await signIn(host, browser, mira, parameters)
    return callbackOf(await follow(host, browser, await browser.submit(consent)))
  }

  /** Expects that one request succeeded and that the tokens it was given are no longer valid. */
  async function expectEnded(answers: readonly Answered[]): Promise<void> {
    const [won, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).to.deep.equal([])
    const lost = answers.filter(({ status }) => status !== 200)
    expect(lost.map(({ json }) => json.error)).to.deep.equal(['invalid_grant'])
    expect((await introspect(host, String(won?.json.access_token))).json).to.deep.equal({
      active: false,
    })
    expect((await refresh(host, String(won?.json.refresh_token))).json).to.include({
      error: 'invalid_grant',
    })
  }

  it('R21 of a refresh token ends its family, what the winner was given included', async () => {
    await start('RefreshToken')
    const { tokens } = await redeem(host, await callback())
    const { refresh_token: offline = '' } = tokens
    await expectEnded(await Promise.all([refresh(host, offline), refresh(host, offline)]))
  })

  it('R21 of an authorization code ends what the winner was given', async () => {
    await start('AuthorizationCode')
    const parameters = await callback()
    const answers = await Promise.all([redeem(host, parameters), redeem(host, parameters)])
    await expectEnded(answers.map(({ status, tokens }) => ({ status, json: tokens })))
  })
})
