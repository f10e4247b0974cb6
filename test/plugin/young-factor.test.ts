import { expect } from 'chai'
import type { MfaOptions } from '../../src/index.ts'
import { add, begin, end, eventsOf, host } from './managed-host.ts'

const HOURS_72 = 259_200
const SHUT = ['password', 'email', 'recovery']

/** The doors of the account that the young factor shuts now. */
async function shutDoors(): Promise<string[]> {
  const doors = await host.mfa.accounts.doors('mira')
  return Object.entries(doors).flatMap(([door, state]) =>
    !state.open && state.reason === 'young-factor' ? [door] : [],
  )
}

describe('a first factor that was bound on the password alone', () => {
  afterEach(end)

  for (const [name, firstEnrolment] of Object.entries({
    'the option': 'password',
    'a rule of the application': () => 'password',
  } satisfies Record<string, MfaOptions['firstEnrolment']>))
    it(`R10 shuts the doors to email, password and recovery for 72 h: ${name}`, async () => {
      await begin({ mfa: { firstEnrolment } })
      const [{ at: boundAt } = { at: 0 }] = await eventsOf('factor-enrolled')
      expect(await shutDoors()).to.deep.equal(SHUT)
      // Another factor makes the first one no older.
      await add()
      host.clock.at = boundAt + HOURS_72 - 1
      expect(await shutDoors()).to.deep.equal(SHUT)
      host.clock.at = boundAt + HOURS_72
      expect(await shutDoors()).to.deep.equal([])
    })

  it('shuts them for as long as the application says', async () => {
    await begin({ mfa: { youngSeconds: 0 } })
    expect(await shutDoors()).to.deep.equal([])
  })

  it('shuts none where the application had another proof', async () => {
    await begin({ mfa: { firstEnrolment: () => 'allowed' } })
    expect(await shutDoors()).to.deep.equal([])
  })
})
