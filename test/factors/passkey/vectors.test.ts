import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { verifyAssertion } from '../../../src/factors/passkey/assertion.ts'
import { readPasskeysOptions } from '../../../src/factors/passkey/options.ts'
import { verifyRegistration } from '../../../src/factors/passkey/registration.ts'
import { parseResponse } from '../../../src/factors/passkey/response.ts'
import type { Ceremony, PasskeyState } from '../../../src/factors/passkey/state.ts'
import { NOW } from './person.ts'

/** Values in hexadecimal. */
interface Vector {
  readonly name: string
  readonly registration: Readonly<
    Record<'challenge' | 'credential_id' | 'clientDataJSON' | 'attestationObject', string>
  > & { readonly aaguid?: string }
  readonly authentication: Readonly<
    Record<'challenge' | 'clientDataJSON' | 'authenticatorData' | 'signature', string>
  >
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../vectors/webauthn-3.json', import.meta.url), 'utf8'),
) as { vectors: readonly Vector[] }

/** The vectors that are refused, with the reason. The others are accepted. */
const REFUSED: Readonly<Record<string, { registration: string }>> = {
  'ES256 Credential with "crossOrigin": true in clientDataJSON': { registration: 'cross-origin' },
  // `crossOrigin` is true beside it, and it is checked first.
  'ES256 Credential with "topOrigin" in clientDataJSON': { registration: 'cross-origin' },
  'Packed Attestation with ES384 Credential': { registration: 'algorithm' },
  'Packed Attestation with ES512 Credential': { registration: 'algorithm' },
  'Packed Attestation with Ed448 Credential': { registration: 'algorithm' },
  // The library knows the makers of real chips, and wants the AAGUID of U2F to be zeros, as real keys have it.
  'TPM Attestation with ES256 Credential': { registration: 'attestation' },
  'FIDO U2F Attestation with ES256 Credential': { registration: 'attestation' },
  // The library has the roots of Google and Apple, and these chains end at the root of the test vectors.
  'Android Key Attestation with ES256 Credential': { registration: 'attestation' },
  'Apple Anonymous Attestation with ES256 Credential': { registration: 'attestation' },
}

const settings = readPasskeysOptions({})
const encode = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')

function challengeOf(ceremony: Ceremony, challenge: string) {
  return {
    ceremony,
    challenge: encode(challenge),
    rpId: 'example.org',
    origins: ['https://example.org'],
    expiresAt: NOW + 300,
    alone: false,
  }
}

function responseOf(id: string, response: Readonly<Record<string, string>>) {
  const parts = Object.entries(response).map(([name, hex]) => [name, encode(hex)])
  const credential = { id, rawId: id, type: 'public-key', response: Object.fromEntries(parts) }
  const read = parseResponse({ credential: JSON.stringify(credential) })
  if (read === undefined) throw new Error('This is no response')
  return read
}

function register({ registration }: Vector) {
  const { challenge, credential_id: id, clientDataJSON, attestationObject } = registration
  return verifyRegistration({
    settings,
    pending: { userHandle: 'AAAA' },
    challenge: challengeOf('create', challenge),
    response: responseOf(encode(id), { clientDataJSON, attestationObject }),
    existing: [],
    now: NOW,
  })
}

function signIn({ authentication }: Vector, state: PasskeyState) {
  const { challenge, ...response } = authentication
  return verifyAssertion({
    settings,
    states: [{ authenticatorId: 'vector', state }],
    challenge: challengeOf('get', challenge),
    response: responseOf(state.id, response),
    now: NOW,
  })
}

describe('the test vectors of WebAuthn Level 3, section 16', () => {
  for (const vector of vectors) {
    const refused = REFUSED[vector.name]
    if (refused === undefined)
      it(`accepts: ${vector.name}`, async () => {
        const { state, refusal } = (await register(vector)) as {
          state?: PasskeyState
          refusal?: string
        }
        expect(refusal).to.equal(undefined)
        expect(state!.aaguid.replaceAll('-', '')).to.equal(
          vector.registration.aaguid ?? '0'.repeat(32),
        )
        expect(await signIn(vector, state!)).to.deep.include({ authenticatorId: 'vector' })
      })
    else
      it(`refuses as ${refused.registration}: ${vector.name}`, async () => {
        expect(await register(vector)).to.deep.equal({ refusal: refused.registration })
      })
  }

  it('are all there, and every refusal is of one of them', () => {
    expect(vectors).to.have.length(15)
    const names = vectors.map(({ name }) => name)
    expect(names).to.include.members(Object.keys(REFUSED))
  })
})
