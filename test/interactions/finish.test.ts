import { expect } from 'chai'
import { finish } from '../../interactions/mfa/finish.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { parseLogin } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { NO_MEASURES } from '../../src/ports/measures.ts'
import { OTP } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const CID = 'the-authorization'
const NOW = 1_700_000_000
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const accepted = { factor: 'totp', at: NOW, epoch: 3, assurance: OTP } as unknown as AcceptedAttempt

interface Given {
  readonly change?: object
  readonly stepUp?: boolean
  readonly maxAge?: unknown
  /** The age of the first factor, in seconds. */
  readonly age?: number
  /** The hashes that the record knows, and those that the browser showed. */
  readonly known?: readonly string[]
  readonly shown?: readonly string[]
}

/** Finishes a sign-in; returns what was stored, the cookie and where the browser goes on. */
async function end(given: Given = {}, attempt = accepted) {
  const { change, stepUp = true, maxAge, age = 0, known = [], shown = [] } = given
  const stored: Record<string, unknown>[] = []
  const cookies: string[] = []
  const interaction = {
    uid: 'the-interaction',
    cid: CID,
    returnTo: 'http://op.example/auth/the-interaction',
    params: {
      ...(maxAge === undefined ? {} : { max_age: maxAge }),
      ...(change === undefined ? {} : { mfa_action: 'add' }),
    },
    persist: async () => void stored.push(interaction.result),
    result: {} as Record<string, unknown>,
  }
  const ctx = {
    status: 200,
    location: '',
    set: () => {},
    redirect(to: string) {
      ctx.location = to
      ctx.status = 302
    },
    res: { appendHeader: (_name: string, value: string) => void cookies.push(value) },
  }
  await finish(
    {
      core: {
        ...corePolicy,
        path: '/mfa',
        provider: { issuer: 'http://op.example' },
        deps: { box, clock: { now: () => NOW }, measures: NO_MEASURES },
      },
      ctx,
      interaction,
      stepUp,
      details: { change },
      subject: { accountId: 'mira', amr: ['pwd'], ts: NOW - age, epoch: 3 },
      seen: { record: { history: {}, browsers: known.map((tokenHash) => ({ tokenHash })) } },
      place: { tokenHashes: shown },
      tokens: { shown: [], fresh: 'f'.repeat(22) },
    } as unknown as Visit,
    attempt,
  )
  const [result] = stored
  return { result, cookies, to: ctx.location, status: ctx.status }
}

const signedIn = async (given: Given): Promise<boolean> =>
  parseLogin(box, CID, (await end(given)).result?.['login']) !== undefined

describe('the end of a sign-in', () => {
  it('gives the host the login, and the browser the way on (R22)', async () => {
    const { result, to, status } = await end()
    expect(parseLogin(box, CID, result?.['login'])).to.include({ accountId: 'mira', epoch: 3 })
    expect([to, status]).to.deep.equal(['http://op.example/auth/the-interaction', 303])
  })

  it('R11 leads to the change first, with a proof that is not spent yet', async () => {
    const change = { kind: 'add' }
    const { result, to, status } = await end({ change })
    expect(result).to.equal(undefined)
    expect([to, status]).to.deep.equal(['/mfa/the-interaction/change', 303])
    const spent = { ...accepted, spentOn: 'the-change' }
    expect((await end({ change }, spent)).result).to.have.property('login')
  })

  it('R4 makes a browser known that the account did not know', async () => {
    for (const [known, shown, cookies] of [
      [[], [], 1],
      [['laptop'], [], 1],
      [['laptop'], ['phone'], 1],
      [['laptop', 'phone'], ['phone'], 0],
    ] as const)
      expect((await end({ known, shown })).cookies).to.have.length(cookies)
  })

  it('R25 writes no login in a session that has become too old for max_age meanwhile', async () => {
    expect(await signedIn({ maxAge: 60, age: 60 })).to.equal(true)
    expect(await signedIn({ maxAge: '60', age: 60 })).to.equal(true)
    expect((await end({ maxAge: 60, age: 61 })).result).to.deep.equal({})
    const change = { kind: 'add' }
    const spent = { ...accepted, spentOn: 'the-change' }
    const { result } = await end({ maxAge: 60, age: 61, change }, spent)
    expect(result).to.include({ error: 'login_required' }).and.not.to.have.property('login')
  })

  it('R25 writes one after a first factor of this sign-in, and without max_age', async () => {
    expect(await signedIn({ maxAge: 60, age: 61, stepUp: false })).to.equal(true)
    for (const maxAge of [undefined, null])
      expect(await signedIn({ maxAge, age: 1e6 })).to.equal(true)
  })
})
