import { expect } from 'chai'
import fc from 'fast-check'
import { passkeys } from '../../../src/factors/passkey/index.ts'
import { canonical, parseResponse } from '../../../src/factors/passkey/response.ts'
import { parseChallenge, parsePending, parseState } from '../../../src/factors/passkey/state.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { creation, registered, request } from './person.ts'

type Answer = Record<string, unknown> & { response: Record<string, unknown> }

describe('R34 the JSON of a passkey', () => {
  const key = new SoftAuthenticator({ transports: ['usb', 'nfc'] })
  const created = () => JSON.parse(key.create(creation().text)) as Answer
  const read = (answer: unknown) => parseResponse({ credential: JSON.stringify(answer) })

  it('is read with the transports that are words', () => {
    const answer = created()
    const words = ['usb', 'smart-card', 'usb']
    answer.response.transports = [...words, 'USB', 7, '', '<b>', 'x'.repeat(33)]
    expect(read(answer)).to.deep.include({ transports: ['usb', 'smart-card'] })
    answer.response.transports = Array.from({ length: 20 }, (_, nth) => 'a'.repeat(nth + 1))
    expect(read(answer)).to.have.property('transports').with.length(12)
    answer.response.transports = 'usb'
    expect(read(answer)).to.deep.include({ transports: [] })
  })

  it('has bytes in the only spelling of base64url, and one id', () => {
    const answer = created()
    for (const id of ['AA==', 'AB', 'A', 'a+b/', '', 7, null, undefined])
      expect(read({ ...answer, id, rawId: id }), String(id)).to.equal(undefined)
    expect(read({ ...answer, rawId: 'AAAA' })).to.equal(undefined)
    expect(read({ ...answer, type: 'password' })).to.equal(undefined)
    for (const part of ['clientDataJSON', 'attestationObject'])
      for (const value of ['', 'AB', 7, undefined])
        expect(read({ ...answer, response: { ...answer.response, [part]: value } })).to.equal(
          undefined,
        )
  })

  it('names its owner or does not', async () => {
    const states = [await registered(key)]
    const answer = JSON.parse(key.get(request({ states }).text)) as Answer
    const named = (userHandle: unknown) =>
      read({ ...answer, response: { ...answer.response, userHandle } })
    for (const none of [undefined, null, '']) expect(named(none)).not.to.have.property('userHandle')
    expect(named('AAAA')).to.include({ userHandle: 'AAAA' })
    expect(named('AB')).to.equal(undefined)
    expect(named(7)).to.equal(undefined)
    const unsigned = { clientDataJSON: answer.response.clientDataJSON }
    expect(read({ ...answer, response: unsigned })).to.equal(undefined)
    const { attestationObject } = created().response
    expect(
      canonical(read({ ...answer, response: { ...unsigned, attestationObject } })!),
    ).to.include('"create"')
    for (const part of ['authenticatorData', 'signature'])
      expect(read({ ...answer, response: { ...answer.response, [part]: '' } })).to.equal(undefined)
    const factor = passkeys()
    expect(factor.identify?.(named(undefined)!)).to.equal(undefined)
    expect(factor.identify?.(read(created())!)).to.equal(undefined)
    expect(factor.handlesOf?.(states[0]!)).to.include(
      factor.identify?.(named(states[0]!.userHandle)!),
    )
  })

  it('has a normal form that contains every signed byte', async () => {
    const states = [await registered(key)]
    const answer = JSON.parse(key.get(request({ states }).text)) as Answer
    const other = { ...answer, response: { ...answer.response, signature: 'AAAA' } }
    expect(canonical(read(answer)!)).not.to.equal(canonical(read(other)!))
  })

  it('has a normal form of a new passkey, with the statement', () => {
    const answer = created()
    const other = { ...answer, response: { ...answer.response, attestationObject: 'AAAA' } }
    expect(canonical(read(answer)!)).not.to.equal(canonical(read(other)!))
  })

  it('throws for nothing that somebody sends', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (credential) => {
        parseResponse({ credential })
      }),
    )
    expect(parseResponse({})).to.equal(undefined)
    expect(parseResponse({ credential: '{' })).to.equal(undefined)
  })

  it('has at most 16,000 characters', () => {
    const credential = JSON.stringify(created())
    const ofLength = (length: number) => parseResponse({ credential: credential.padEnd(length) })
    expect(ofLength(16_000)).to.be.an('object')
    expect(ofLength(16_001)).to.equal(undefined)
  })
})

describe('the state of a passkey', () => {
  it('is refused where it does not parse', async () => {
    const state = await registered(new SoftAuthenticator())
    const wrong: Record<string, unknown> = {
      id: Buffer.alloc(1024).toString('base64url'),
      publicKey: '',
      userHandle: Buffer.alloc(65).toString('base64url'),
      transports: ['usb', 7],
      counter: 2 ** 32,
      backupEligible: 'no',
      backedUp: 0,
      aaguid: 'zero',
      userVerified: null,
      lastChallenge: '',
    }
    expect(Object.keys(wrong)).to.have.members(Object.keys(state))
    for (const [name, value] of Object.entries(wrong))
      expect(() => parseState({ ...state, [name]: value }), name)
        .to.throw()
        .with.property('code', 'record-unreadable')
    expect(() => parseState({ ...state, counter: -1 })).to.throw()
    expect(() => parseState({ ...state, aaguid: [state.aaguid] })).to.throw()
    const pending = { userHandle: state.userHandle }
    expect(parsePending(pending)).to.deep.equal(pending)
    for (const userHandle of [wrong.userHandle, '', undefined])
      expect(() => parsePending({ userHandle } as never))
        .to.throw()
        .with.property('code', 'record-unreadable')
  })

  it('has an id, an owner and a counter of the greatest length', async () => {
    const state = await registered(new SoftAuthenticator())
    const long = {
      ...state,
      id: Buffer.alloc(1023).toString('base64url'),
      userHandle: Buffer.alloc(64).toString('base64url'),
      counter: 2 ** 32 - 1,
    }
    expect(parseState(long)).to.deep.equal(long)
  })

  it('is found by its id and by its owner, which never pass for each other', async () => {
    const { handlesOf } = passkeys()
    const state = await registered(new SoftAuthenticator())
    const others = [
      { ...state, id: state.userHandle, userHandle: state.id },
      { ...state, id: 'AAAA', userHandle: 'AAAA' },
    ]
    const handles = [state, ...others].flatMap((one) => handlesOf!(one))
    expect(new Set(handles).size).to.equal(6)
    expect(handlesOf!({ ...state, id: 'AAAA' })[1]).to.equal(handlesOf!(state)[1])
  })

  it('has a challenge, which is refused where it does not parse', () => {
    const { challenge } = request({ states: [] })
    expect(parseChallenge(challenge)).to.deep.equal(challenge)
    const { challenge: ofSetUp } = creation()
    expect(parseChallenge(ofSetUp)).to.deep.equal(ofSetUp)
    const wrong: Record<string, unknown> = {
      ceremony: 'sign-in',
      challenge: 'AAAA',
      rpId: 7,
      origins: 'https://id.example.com',
      expiresAt: 'tomorrow',
      alone: undefined,
    }
    expect(Object.keys(wrong)).to.have.members(Object.keys(challenge))
    for (const [name, value] of Object.entries(wrong))
      expect(() => parseChallenge({ ...challenge, [name]: value }), name)
        .to.throw()
        .with.property('code', 'record-unreadable')
  })

  it('says where a passkey is kept, for a rule that wants two devices', async () => {
    const { deviceOf, keyOf } = passkeys()
    const aaguid = 'ee882879-721c-4913-9775-3dfcce97072a'
    const synced = await registered(new SoftAuthenticator({ backupEligible: true, aaguid }))
    expect(deviceOf?.(synced)).to.equal(`synced ${aaguid}`)
    const bound = await registered(new SoftAuthenticator({ aaguid }))
    expect(deviceOf?.(bound)).to.equal(undefined)
    expect(keyOf?.(bound)).to.equal(bound.publicKey)
  })

  it('R29 tells of a counter that has not grown, and of nothing else', async () => {
    const { eventsOfRefusal, eventTypes } = passkeys()
    const state = await registered(new SoftAuthenticator({ counter: 5 }))
    const flags = { backupEligible: false, backedUp: false, userVerified: true, counts: true }
    const told = (counter: number, challenge: string) =>
      eventsOfRefusal?.(state, { challenge, counter, ...flags })
    expect(told(5, 'another')).to.deep.equal([{ type: 'passkey-cloned' }])
    expect(told(5, state.lastChallenge)).to.deep.equal([])
    expect(eventTypes).to.deep.equal(['passkey-cloned'])
  })

  it('shows no options where no challenge is open', () => {
    const { describeEnrolment, describeVerification } = passkeys()
    const pending = { userHandle: 'AAAA' }
    const about = { issuerName: 'Acme', label: 'mira' }
    expect(describeEnrolment?.(pending, about)).to.deep.equal({ options: '' })
    expect(describeVerification?.([], undefined)).to.deep.equal({ options: '' })
  })
})
