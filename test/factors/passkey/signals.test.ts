import { expect } from 'chai'
import { passkeys } from '../../../src/factors/passkey/index.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { ISSUER, registered } from './person.ts'

describe('the signals of passkeys', () => {
  it('list the passkeys of each user handle, with the domain and the name', async () => {
    const states = await Promise.all([1, 2, 3].map(() => registered(new SoftAuthenticator())))
    const [one, two, imported] = states as [
      (typeof states)[0],
      (typeof states)[0],
      (typeof states)[0],
    ]
    const owned = [one, { ...two, userHandle: one.userHandle }, imported].map((state, index) => ({
      authenticatorId: `${index}`,
      state,
    }))
    const factor = passkeys({ rpId: 'example.com' })
    const about = { label: 'mira@example.com', issuer: ISSUER }
    expect(factor.pageData?.(owned, about, [])).to.deep.equal({
      rpId: 'example.com',
      name: 'mira@example.com',
      users: [
        { userId: one.userHandle, ids: [one.id, two.id] },
        { userId: imported.userHandle, ids: [imported.id] },
      ],
    })
  })

  it('list nothing for a user handle that only removed passkeys had', async () => {
    const state = await registered(new SoftAuthenticator())
    const factor = passkeys({ rpId: 'example.com' })
    const about = { label: 'mira@example.com', issuer: ISSUER }
    const trace = factor.traceOf!(state)
    expect(trace).to.equal(state.userHandle)
    const usersOf = (owned: Parameters<NonNullable<typeof factor.pageData>>[0]) =>
      factor.pageData?.(owned, about, ['AQID', trace])['users']
    expect(usersOf([])).to.deep.equal([
      { userId: 'AQID', ids: [] },
      { userId: state.userHandle, ids: [] },
    ])
    expect(usersOf([{ authenticatorId: 'one', state }])).to.deep.equal([
      { userId: state.userHandle, ids: [state.id] },
      { userId: 'AQID', ids: [] },
    ])
  })

  it('name the credential of a passkey by the handle under which its owner is found', async () => {
    const state = await registered(new SoftAuthenticator())
    const factor = passkeys({ rpId: 'example.com' })
    const [byCredential] = factor.handlesOf!(state)
    const response = {
      ceremony: 'get',
      id: state.id,
      clientDataJSON: '',
      authenticatorData: '',
      signature: '',
    } as const
    expect(factor.credentialOf!(response)).to.deep.equal({ id: state.id, handle: byCredential })
  })
})
