import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { signInWithPassword, type PasswordSignIn } from '../../interactions/login/finish.ts'
import { parseLogin } from '../../interactions/seal.ts'
import { remember } from '../../src/domain/known-browser.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { load, placeOf, world } from '../application/world.ts'
import { NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const CID = 'the-authorization'

/** Signs in a person whose browser showed tokens with the hashes `shown`. */
async function signIn(record: MfaRecord, shown: readonly string[]) {
  const of = world()
  const cookies: string[] = []
  const stored: Record<string, unknown>[] = []
  const response = {
    req: { headers: {} },
    appendHeader: (_: string, value: string) => void cookies.push(value),
  }
  const interaction = {
    cid: CID,
    returnTo: 'http://op.example/auth/uid',
    persist: async () => void stored.push(interaction.result),
    result: {} as Record<string, unknown>,
  }
  const core = {
    ...corePolicy,
    deps: of.deps,
    provider: { issuer: 'http://op.example' },
  } as unknown as Core
  const to = await signInWithPassword(
    core,
    response as never,
    {
      interaction,
      subject: { accountId: 'mira', amr: ['pwd'], ts: NOW, epoch: 1 },
      seen: { record, version: 0 },
      place: placeOf({ tokenHashes: shown }),
      tokens: { shown: [], fresh: 'f'.repeat(22) },
    } as unknown as PasswordSignIn,
    { note: 1 },
  )
  return { to, cookies, login: parseLogin(of.deps.box, CID, stored[0]?.['login']), of }
}

const known = (...hashes: string[]): MfaRecord =>
  hashes.reduce(
    (record, hash) => remember(record, hash, { now: NOW, detail: {} }),
    newRecord('mira'),
  )

describe('a sign-in that is complete with the password', () => {
  it('has a login of the password’s level, and the browser goes on', async () => {
    const { to, login } = await signIn(newRecord('mira'), [])
    expect(to).to.equal('http://op.example/auth/uid')
    expect(login).to.include({ accountId: 'mira', epoch: 1 })
  })

  it('R4 makes a browser known that the account did not know', async () => {
    for (const [record, shown, cookies] of [
      [known(), [], 1],
      [known('laptop'), [], 1],
      [known('laptop'), ['phone'], 1],
      [known('laptop', 'phone'), ['phone'], 0],
    ] as const) {
      const signedIn = await signIn(record, shown)
      expect(signedIn.cookies).to.have.length(cookies)
      expect((await load(signedIn.of)).record.browsers).to.have.length(
        record.browsers.length + cookies,
      )
    }
  })

  it('R20 is none where the account has changed meanwhile', async () => {
    const error: unknown = await signIn({ ...newRecord('mira'), epoch: 2 }, []).catch(
      (reason: unknown) => reason,
    )
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
  })
})
