import { expect } from 'chai'
import type { Lies } from '../../support/authenticator.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { makeBlob, METADATA_ROOT } from '../../support/metadata-blob.ts'
import { passkeys, type PasskeysOptions } from '../../../src/factors/passkey/index.ts'
import { parseChallenge } from '../../../src/factors/passkey/state.ts'
import { assertWith, creation, NOW, register, registered, request } from './person.ts'

/** Nobody has touched the device: the browser has made the passkey by itself. */
const ABSENT: Lies = { userPresent: false, userVerified: false }

describe('a passkey that the browser makes by itself', () => {
  it('is asked for where it would be accepted: not with required verification or makers', () => {
    const isAsked = (options: PasskeysOptions) => passkeys(options).pages?.silent
    expect(isAsked({})).to.equal(true)
    expect(isAsked({ offer: false })).to.equal(false)
    expect(isAsked({ userVerification: 'required' })).to.equal(false)
    const metadata = { metadata: makeBlob(), metadataRoots: [METADATA_ROOT.pem] }
    const direct = { attestation: 'direct', ...metadata } as const
    expect(isAsked(direct)).to.equal(true)
    expect(isAsked({ ...direct, allow: ['FIDO_CERTIFIED_L1'] })).to.equal(false)
  })

  it('needs nobody to be present, and has verified nobody', async () => {
    const state = await registered(new SoftAuthenticator(), { silent: true, lies: ABSENT })
    expect(state.userVerified).to.equal(false)
  })

  it('has verified nobody either where its response says so', async () => {
    const lies = { userPresent: true, userVerified: true }
    expect(
      (await registered(new SoftAuthenticator(), { silent: true, lies })).userVerified,
    ).to.equal(false)
    expect((await registered(new SoftAuthenticator(), { lies })).userVerified).to.equal(true)
  })

  it('R28 is the only one without presence: a set-up and every sign-in need it', async () => {
    const refusal = 'user-presence'
    expect(await register(new SoftAuthenticator(), { lies: ABSENT })).to.deep.equal({ refusal })
    const key = new SoftAuthenticator()
    const states = [await registered(key, { silent: true, lies: ABSENT })]
    expect(await assertWith(key, { states, lies: ABSENT })).to.deep.equal({ refusal })
    const verified = { userPresent: false, userVerified: true }
    expect(await assertWith(key, { states, lies: verified })).to.deep.equal({ refusal })
  })

  it('R28 passes every other check of a registration', async () => {
    const cases = [
      ['origin', { origin: 'https://evil.example' }],
      ['challenge', { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
      ['rp-id', { rpId: 'evil.example' }],
      ['type', { type: 'webauthn.get' }],
      ['cross-origin', { crossOrigin: true }],
      ['backup-flags', { backedUp: true }],
    ] as const
    for (const [refusal, lies] of cases) {
      const given = { silent: true, lies: { ...ABSENT, ...lies } }
      expect(await register(new SoftAuthenticator(), given), refusal).to.deep.equal({ refusal })
    }
    const late = { silent: true, lies: ABSENT, later: 300 }
    expect(await register(new SoftAuthenticator(), late)).to.deep.equal({ refusal: 'expired' })
  })

  it('has to verify its user where every passkey has to', async () => {
    const options = { userVerification: 'required' } as const
    const given = { silent: true, options, lies: ABSENT }
    expect(await register(new SoftAuthenticator(), given)).to.deep.equal({
      refusal: 'user-verification',
    })
  })

  it('is no first factor until it has verified its user beside a password', async () => {
    const key = new SoftAuthenticator()
    const state = await registered(key, { silent: true, lies: { userPresent: false } })
    expect(await assertWith(key, { states: [state], alone: true })).to.deep.equal({
      refusal: 'user-verification',
    })
    const factor = passkeys()
    const beside = await assertWith(key, { states: [state] })
    expect(beside.refusal).to.equal(undefined)
    const proof = beside.refusal === undefined ? beside.proof : undefined
    expect(factor.assurance(proof!).kinds).to.deep.equal(['possession'])
    const raised = factor.consume(state, proof!)
    expect(raised?.userVerified).to.equal(true)
    const alone = await assertWith(key, { states: [raised!], alone: true })
    expect(alone.refusal).to.equal(undefined)
  })

  it('is told to the browser as one that it has to find again', () => {
    const selection = (silent: boolean) =>
      (JSON.parse(creation({}, [], silent).text) as { authenticatorSelection: object })
        .authenticatorSelection
    expect(selection(true)).to.include({ residentKey: 'required', requireResidentKey: true })
    expect(selection(false)).to.include({ residentKey: 'preferred', requireResidentKey: false })
  })

  it('has a challenge that is stored and read again, and is one of a registration', () => {
    const { challenge } = creation({}, [], true)
    expect(parseChallenge({ ...challenge })).to.deep.equal(challenge)
    expect(challenge).to.include({ ceremony: 'create', silent: true, expiresAt: NOW + 300 })
    expect(creation().challenge).not.to.have.property('silent')
    expect(request({ states: [] }).challenge).not.to.have.property('silent')
    for (const wrong of [{ silent: false }, { silent: 'yes' }, { ceremony: 'get' }])
      expect(() => parseChallenge({ ...challenge, ...wrong }), JSON.stringify(wrong)).to.throw()
  })
})
