import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import {
  assuranceOf,
  isCloned,
  spend,
  type Asserted,
  type PasskeyProof,
} from '../../../src/factors/passkey/assertion.ts'
import type { PasskeyRefusal } from '../../../src/factors/passkey/checks.ts'
import type { PasskeyState } from '../../../src/factors/passkey/state.ts'
import { SoftAuthenticator, type Lies } from '../../support/authenticator.ts'
import { assertWith, registered, request } from './person.ts'

function proofOf(asserted: Asserted): PasskeyProof {
  if (asserted.refusal !== undefined) throw new Error(`It was refused: ${asserted.refusal}`)
  return asserted.proof
}

describe('an assertion', () => {
  for (const algorithm of [-7, -8, -257] as const)
    it(`proves the passkey, with algorithm ${algorithm}`, async () => {
      const key = new SoftAuthenticator({ algorithm })
      const state = await registered(key)
      const asserted = await assertWith(key, { states: [state] })
      expect(asserted).to.deep.include({ authenticatorId: 'passkey-0' })
      expect(proofOf(asserted)).to.include({ counter: 1, userVerified: true, counts: true })
    })

  it('is of any of the person\u2019s passkeys, and says of which', async () => {
    const [old, young] = [new SoftAuthenticator(), new SoftAuthenticator()]
    const states = [await registered(young), await registered(old)]
    expect(await assertWith(old, { states })).to.deep.include({ authenticatorId: 'passkey-1' })
    const { text } = request({ states })
    const { allowCredentials } = JSON.parse(text) as { allowCredentials: { id: string }[] }
    expect(allowCredentials.map(({ id }) => id)).to.deep.equal([
      young.credentialId,
      old.credentialId,
    ])
  })

  const refusals: readonly (readonly [PasskeyRefusal, string, Lies])[] = [
    ['type', 'client data of a registration', { type: 'webauthn.create' }],
    ['challenge', 'another challenge', { challenge: randomBytes(32).toString('base64url') }],
    ['origin', 'another origin', { origin: 'https://evil.example' }],
    ['origin', 'a subdomain', { origin: 'https://sub.id.example.com' }],
    ['cross-origin', 'a frame of another site', { crossOrigin: true }],
    ['top-origin', 'a top origin', { topOrigin: 'https://evil.example' }],
    ['malformed', 'client data that are no object', { clientData: '7' }],
    ['malformed', 'short authenticator data', { authenticatorData: randomBytes(36) }],
    ['rp-id', 'another domain', { rpId: 'evil.example' }],
    ['user-presence', 'nobody', { userPresent: false }],
    ['backup-flags', 'a copy of what cannot be copied', { backedUp: true }],
    ['backup-eligibility', 'a passkey that can be copied now', { backupEligible: true }],
    [
      'not-allowed',
      'a credential of nobody',
      { responseId: randomBytes(32).toString('base64url') },
    ],
    ['user-handle', 'another owner', { userHandle: randomBytes(32).toString('base64url') }],
    ['signature', 'a wrong signature', { signature: randomBytes(70) }],
  ]
  for (const [refusal, what, lies] of refusals)
    it(`R28 refuses ${what}, as ${refusal}`, async () => {
      const key = new SoftAuthenticator()
      const states = [await registered(key)]
      expect(await assertWith(key, { states, lies })).to.deep.equal({ refusal })
    })

  it('refuses the response of another key under the id of this one', async () => {
    const [mine, foreign] = [new SoftAuthenticator(), new SoftAuthenticator()]
    const state = await registered(mine)
    const lies = { responseId: mine.credentialId, userHandle: state.userHandle }
    const refused = await assertWith(foreign, { states: [state], lies })
    expect(refused).to.deep.equal({ refusal: 'signature' })
  })

  it('refuses a response whose signed bytes were changed afterwards', async () => {
    const key = new SoftAuthenticator()
    const state = await registered(key)
    const answer = (options: string) => {
      const answered = JSON.parse(key.get(options, { userVerified: false })) as {
        response: { authenticatorData: string }
      }
      const data = Buffer.from(answered.response.authenticatorData, 'base64url')
      data[32]! |= 0x04
      answered.response.authenticatorData = data.toString('base64url')
      return JSON.stringify(answered)
    }
    expect(await assertWith(key, { states: [state], answer })).to.deep.equal({
      refusal: 'signature',
    })
  })

  it('refuses client data that are no text, as malformed', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const answer = (end: Buffer) => (options: string) => {
      const { challenge } = JSON.parse(options) as { challenge: string }
      const { origin } = key.device
      const text = JSON.stringify({ type: 'webauthn.get', challenge, origin, more: '' })
      const clientData = Buffer.concat([Buffer.from(text.slice(0, -2)), end, Buffer.from('"}')])
      return key.get(options, { clientData })
    }
    const refused = await assertWith(key, { states, answer: answer(Buffer.from([0xff])) })
    expect(refused).to.deep.equal({ refusal: 'malformed' })
    const text = answer(Buffer.from('ÿ'))
    expect(await assertWith(key, { states, answer: text })).to.have.property('proof')
  })

  it('accepts client data of a browser that names no crossOrigin', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const lies = { crossOrigin: undefined }
    expect(await assertWith(key, { states, lies })).to.have.property('proof')
  })

  it('R28 needs its own challenge, within five minutes', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const given = (more: object) => assertWith(key, { states, ...more })
    expect(await given({ challenge: undefined })).to.deep.equal({ refusal: 'no-challenge' })
    expect(await given({ later: 300 })).to.deep.equal({ refusal: 'expired' })
    expect(await given({ later: 299 })).to.have.property('proof')
    const { challenge } = request({ states })
    expect(await given({ challenge })).to.deep.equal({ refusal: 'challenge' })
    const ofSetUp = { ...challenge, ceremony: 'create' as const }
    expect(await given({ challenge: ofSetUp })).to.deep.equal({ refusal: 'ceremony' })
    const answer = (options: string) => key.create(options)
    expect(await given({ answer })).to.deep.equal({ refusal: 'ceremony' })
  })

  it('refuses a device that does not verify its user where it has to', async () => {
    const key = new SoftAuthenticator({ userVerified: false })
    const states = [await registered(key)]
    expect(await assertWith(key, { states })).to.have.property('proof')
    const options = { userVerification: 'required' } as const
    const refused = await assertWith(key, { states, options })
    expect(refused).to.deep.equal({ refusal: 'user-verification' })
  })

  it('needs no user handle beside a first factor', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const lies = { userHandle: null }
    expect(await assertWith(key, { states, lies })).to.have.property('proof')
  })
})

describe('a passkey without a first factor', () => {
  it('R46 names its owner, verifies its user and lists nobody\u2019s credentials', async () => {
    const key = new SoftAuthenticator()
    const states = [await registered(key)]
    const { text } = request({ states, alone: true })
    expect(JSON.parse(text)).to.include({ userVerification: 'required', timeout: 300_000 })
    expect(JSON.parse(text)).to.deep.include({ allowCredentials: [] })
    const signIn = (lies: Lies) => assertWith(key, { states, alone: true, lies })
    expect(await signIn({})).to.have.property('proof')
    expect(await signIn({ userHandle: null })).to.deep.equal({ refusal: 'user-handle' })
    expect(await signIn({ userVerified: false })).to.deep.equal({ refusal: 'user-verification' })
  })

  it('R46 verifies its user only after it has done so beside a password', async () => {
    const key = new SoftAuthenticator({ userVerified: false })
    const state = await registered(key)
    const verified = { userVerified: true }
    const alone = (states: readonly PasskeyState[]) =>
      assertWith(key, { states, alone: true, lies: verified })
    expect(await alone([state])).to.deep.equal({ refusal: 'user-verification' })
    const touched = spend(state, proofOf(await assertWith(key, { states: [state] })))!
    expect(touched.userVerified).to.equal(false)
    expect(await alone([touched])).to.deep.equal({ refusal: 'user-verification' })
    const first = proofOf(await assertWith(key, { states: [state], lies: verified }))
    expect(first).to.include({ userVerified: true, counts: false })
    const raised = spend(state, first)!
    expect(raised.userVerified).to.equal(true)
    expect(await alone([raised])).to.have.property('proof')
    const later = proofOf(await assertWith(key, { states: [raised] }))
    expect(spend(raised, later)?.userVerified, 'it stays').to.equal(true)
  })
})

describe('the signature counter', () => {
  const state = { counter: 5, lastChallenge: 'before', userVerified: true } as PasskeyState
  const proof = (counter: number): PasskeyProof => ({
    challenge: 'now',
    counter,
    backupEligible: false,
    backedUp: false,
    userVerified: true,
    counts: true,
  })

  it('R29 has to grow', () => {
    expect(spend(state, proof(6))).to.include({ counter: 6, lastChallenge: 'now' })
    for (const counter of [5, 4, 1, 0]) {
      expect(spend(state, proof(counter)), `${counter}`).to.equal(undefined)
      expect(isCloned(state, proof(counter)), `${counter}`).to.equal(true)
    }
    expect(isCloned(state, proof(6))).to.equal(false)
  })

  it('R29 may begin to count, and may stay zero for ever', () => {
    const without = { ...state, counter: 0 }
    expect(spend(without, proof(0))).to.include({ counter: 0 })
    expect(isCloned(without, proof(0))).to.equal(false)
    expect(spend(without, proof(3))).to.include({ counter: 3 })
  })

  it('says nothing about a second response to one challenge, which is refused', () => {
    const without = { ...state, counter: 0 }
    const spent = spend(without, proof(0))!
    expect(spend(spent, proof(0))).to.equal(undefined)
    expect(isCloned(spent, proof(0))).to.equal(false)
    const counted = spend(state, proof(6))!
    expect(isCloned(counted, proof(6))).to.equal(false)
  })

  it('R5 remains usable with a higher one after a refusal', async () => {
    const key = new SoftAuthenticator({ counter: 10 })
    const kept = await registered(key)
    const behind = proofOf(await assertWith(key, { states: [kept], lies: { counter: 3 } }))
    expect(spend(kept, behind)).to.equal(undefined)
    const ahead = proofOf(await assertWith(key, { states: [kept] }))
    expect(spend(kept, ahead)).to.include({ counter: 12 })
  })

  it('moves on with the backup state, which may change', async () => {
    const key = new SoftAuthenticator({ backupEligible: true, counter: null })
    const kept = await registered(key)
    const copied = proofOf(await assertWith(key, { states: [kept], lies: { backedUp: true } }))
    expect(spend(kept, copied)).to.include({ backedUp: true, counter: 0 })
  })
})

describe('the assurance of a passkey', () => {
  it('R26 is two kinds with user verification, and one without', () => {
    expect(assuranceOf({ backupEligible: false, counts: true })).to.deep.equal({
      amr: ['hwk', 'user'],
      kinds: ['possession', 'knowledge'],
      phishingResistant: true,
    })
    expect(assuranceOf({ backupEligible: true, counts: false })).to.deep.equal({
      amr: ['swk', 'user'],
      kinds: ['possession'],
      phishingResistant: true,
    })
  })
})
