import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, showPassword } from './host.ts'
import { begin, end, eventsOf, host, isSignedIn, mira, prove } from './managed-host.ts'
import { signIn } from './sign-in.ts'

const OFF = { purpose: 'turn-off', secret: 'kept in the browser by the page' }
const ACTION = `prove:turn-off:${createHash('sha256').update(OFF.secret).digest('base64url')}`

describe('turning the second factor off', () => {
  beforeEach(async () => {
    let required = true
    await begin({
      mfa: {
        require: () => required,
        firstEnrolment: ({ firstSignIn }) => (firstSignIn ? 'password' : 'refused'),
      },
    })
    required = false
  })
  afterEach(end)

  it('R11 is nothing that a stolen session can do, nor a proof for another change', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    expect(await host.mfa.accounts.turnOff('mira', OFF)).to.deep.equal({ outcome: 'not-proved' })
    await prove(ACTION.replace('turn-off', 'change-email'))
    expect(await host.mfa.accounts.turnOff('mira', OFF)).to.deep.equal({ outcome: 'not-proved' })
    expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(true)
  })

  it('R10 R11 R20 ends everything with one proof; a thief of the password sets up no factor after it', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    await prove(ACTION)
    const off = await host.mfa.accounts.turnOff('mira', OFF, { clientId: 'app' })
    expect(off.outcome).to.equal('turned-off')
    for (const browser of [elsewhere, mira.browser])
      expect(await isSignedIn(browser)).to.equal(false)
    const removed = await eventsOf('factor-removed')
    expect(removed.map(({ detail }) => detail)).to.deep.include({
      factor: 'totp',
      authenticatorId: removed[0]?.detail.authenticatorId,
      authenticatorName: 'Phone',
      clientId: 'app',
      reason: 'turned-off',
    })
    const thief = new HttpClient()
    expect(callbackOf(await showPassword(host, thief, 'mira')).get('code')).to.be.a('string')
    const page = await showPassword(host, new HttpClient(), 'mira', { mfa_action: 'add' })
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(await host.mfa.accounts.turnOff('mira', OFF)).to.deep.equal({ outcome: 'not-enrolled' })
  })
})
