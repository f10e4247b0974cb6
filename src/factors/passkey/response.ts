import type { Form } from '../factor.ts'
import { isBase64url } from './base64url.ts'
import { fieldsOf, readTransports } from './state.ts'

/** The browser's answer, from the JSON of WebAuthn Level 3, 5.1. Bytes are in base64url. */
export type PasskeyResponse = RegistrationResponse | AssertionResponse

export interface RegistrationResponse {
  readonly ceremony: 'create'
  readonly id: string
  readonly clientDataJSON: string
  readonly attestationObject: string
  readonly transports: readonly string[]
}

export interface AssertionResponse {
  readonly ceremony: 'get'
  readonly id: string
  readonly clientDataJSON: string
  readonly authenticatorData: string
  readonly signature: string
  /** Absent: the credential does not say whose it is. */
  readonly userHandle?: string
}

/** Characters of the JSON. A form of the product has at most 16 KiB, so this is what fits into one. */
const LONGEST_JSON = 16_000

/** Reads the field `credential`. Undefined: it is no response at all. */
export function parseResponse({ credential }: Form): PasskeyResponse | undefined {
  if (credential === undefined || credential.length > LONGEST_JSON) return undefined
  const { id, rawId, type, response } = fieldsOf(readJson(credential))
  const { clientDataJSON, ...more } = fieldsOf(response)
  if (type !== 'public-key' || !isBase64url(id, 1) || rawId !== id) return undefined
  if (!isBase64url(clientDataJSON, 1)) return undefined
  return readRegistration(id, clientDataJSON, more) ?? readAssertion(id, clientDataJSON, more)
}

function readRegistration(
  id: string,
  clientDataJSON: string,
  { attestationObject, transports }: Readonly<Record<string, unknown>>,
): RegistrationResponse | undefined {
  if (!isBase64url(attestationObject, 1)) return undefined
  const named = readTransports(transports)
  return { ceremony: 'create', id, clientDataJSON, attestationObject, transports: named }
}

function readAssertion(
  id: string,
  clientDataJSON: string,
  { authenticatorData, signature, userHandle }: Readonly<Record<string, unknown>>,
): AssertionResponse | undefined {
  if (!isBase64url(authenticatorData, 1) || !isBase64url(signature, 1)) return undefined
  const answer = { ceremony: 'get', id, clientDataJSON, authenticatorData, signature } as const
  // Browsers send null, an empty text or nothing where the credential does not name its owner.
  if (userHandle === undefined || userHandle === null || userHandle === '') return answer
  return isBase64url(userHandle) ? { ...answer, userHandle } : undefined
}

/** The normal form: every signed byte. */
export function canonical(response: PasskeyResponse): string {
  const { id, clientDataJSON } = response
  const signed =
    response.ceremony === 'create'
      ? [response.attestationObject]
      : [response.authenticatorData, response.signature]
  return JSON.stringify([response.ceremony, id, clientDataJSON, ...signed])
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
