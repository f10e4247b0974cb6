import { MfaError } from '../../domain/errors.ts'

export type UserVerification = 'required' | 'preferred' | 'discouraged'
/** COSE algorithm identifiers: EdDSA with Ed25519, ES256 with P-256, RS256. */
export type PasskeyAlgorithm = -8 | -7 | -257

export interface PasskeysOptions {
  /**
   * The domain to which passkeys are bound: the host of the issuer or a parent domain of it. Default: the host of the
   * issuer. With another one, the passkeys that people have no longer work.
   */
  readonly rpId?: string
  /** The name of the service that browsers show beside the passkey. Default: the `issuerName` of `createMfa`. */
  readonly rpName?: string
  /** Origins whose pages may ask for a passkey, such as `https://login.example.com`. The issuer's is always one. */
  readonly origins?: readonly string[]
  /**
   * Whether the device has to verify its user by a PIN, a fingerprint or a face. `preferred`, the default: where it can.
   * A passkey without it counts as one kind of factor.
   */
  readonly userVerification?: UserVerification
  /** Whether the browser is asked for a statement about the authenticator. Default `none`. */
  readonly attestation?: 'none' | 'direct'
  /** The algorithms that a new passkey may have, the preferred one first. Default -8, -7, -257. */
  readonly algorithms?: readonly PasskeyAlgorithm[]
}

export interface PasskeySettings extends Required<Omit<PasskeysOptions, 'rpId' | 'rpName'>> {
  readonly rpId: string | undefined
  readonly rpName: string | undefined
}

const NAMES: readonly string[] = [
  'rpId',
  'rpName',
  'origins',
  'userVerification',
  'attestation',
  'algorithms',
]
const VERIFICATIONS: readonly unknown[] = ['required', 'preferred', 'discouraged']
const ATTESTATIONS: readonly unknown[] = ['none', 'direct']
const ALGORITHMS: readonly PasskeyAlgorithm[] = [-8, -7, -257]
/** A domain in lower case, or `localhost`. WebAuthn accepts no IP address. */
const DOMAIN =
  /^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$/
const LONGEST_NAME = 64

/** Throws MfaError `options-invalid` that lists every fault. */
export function readPasskeysOptions(options: PasskeysOptions): PasskeySettings {
  const {
    rpId,
    rpName,
    origins = [],
    userVerification = 'preferred',
    attestation = 'none',
    algorithms = ALGORITHMS,
  } = options
  const faults = Object.keys(options)
    .filter((name) => !NAMES.includes(name))
    .map((name) => `there is no option ${name}`)
  if (rpId !== undefined && !(typeof rpId === 'string' && rpId.length < 254 && DOMAIN.test(rpId)))
    faults.push('rpId must be a domain in lower case, such as example.com, without scheme and port')
  if (rpName !== undefined && !isName(rpName))
    faults.push(`rpName must be a text of 1 to ${LONGEST_NAME} characters`)
  faults.push(...originFaults(origins))
  if (!VERIFICATIONS.includes(userVerification))
    faults.push('userVerification must be required, preferred or discouraged')
  if (!ATTESTATIONS.includes(attestation)) faults.push('attestation must be none or direct')
  if (!isAlgorithms(algorithms))
    faults.push('algorithms must be a list of one or more of -8, -7 and -257, each once')
  if (faults.length > 0) throw new MfaError('options-invalid', `passkeys: ${faults.join('; ')}`)
  return { rpId, rpName, origins, userVerification, attestation, algorithms }
}

function originFaults(origins: unknown): string[] {
  if (!Array.isArray(origins)) return ['origins must be a list']
  return origins
    .filter((origin) => !isOrigin(origin))
    .map(
      (origin) => `origins: ${JSON.stringify(origin)} is not an origin such as https://example.com`,
    )
}

/** Browsers run WebAuthn on https and, for developers, on http://localhost. */
function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { origin, protocol, hostname } = new URL(value)
  return origin === value && (protocol === 'https:' || isLocal(protocol, hostname))
}

function isLocal(protocol: string, hostname: string): boolean {
  return protocol === 'http:' && (hostname === 'localhost' || hostname.endsWith('.localhost'))
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= LONGEST_NAME
}

function isAlgorithms(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  const known: readonly unknown[] = ALGORITHMS
  return new Set(value).size === value.length && value.every((one) => known.includes(one))
}

/** The domain and the origins of the ceremonies of one provider. */
export interface Site {
  readonly rpId: string
  readonly origins: readonly string[]
}

/**
 * The site of an issuer. Throws MfaError `options-invalid` if `rpId` is neither the host of the issuer nor a parent
 * domain of it: every browser would refuse it.
 */
export function siteOf(
  { rpId, origins }: Pick<PasskeySettings, 'rpId' | 'origins'>,
  issuer: string,
): Site {
  const { origin, hostname } = new URL(issuer)
  const domain = rpId ?? hostname
  if (hostname !== domain && !hostname.endsWith(`.${domain}`))
    throw new MfaError(
      'options-invalid',
      `passkeys: rpId ${domain} is neither the host of the issuer, ${hostname}, nor a parent domain of it`,
    )
  return { rpId: domain, origins: [...new Set([origin, ...origins])] }
}
