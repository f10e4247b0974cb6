import { MfaError } from '../../domain/errors.ts'
import type { Metadata } from './metadata.ts'
import { metadataFaults, metadataIn, trustFaults, type PasskeysFault } from './trust-options.ts'

export { metadataFaults, metadataRemark } from './trust-options.ts'

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
  /**
   * The models of authenticators that people may have: AAGUIDs (UUIDs in lower case), and levels of certification such as
   * `FIDO_CERTIFIED_L2`, which need `metadata`. Needs `attestation: 'direct'`, and `trustRoots` or `metadata`. Default:
   * every model.
   */
  readonly allow?: readonly string[]
  /**
   * The root certificates of the makers, each as PEM text. A passkey is attested if the statement about it leads to one of
   * them. Needs `attestation: 'direct'`. Default: none.
   */
  readonly trustRoots?: readonly string[]
  /**
   * The metadata of makers: the text of a file of the FIDO Metadata Service, as it was downloaded. Each model in it is
   * attested by the certificates of its own entry. Needs `attestation: 'direct'` and `metadataRoots`. Default: none.
   */
  readonly metadata?: string
  /** The certificates, each as PEM text, to one of which the signature of `metadata` has to lead. */
  readonly metadataRoots?: readonly string[]
  /** The algorithms that a new passkey may have, the preferred one first. Default -8, -7, -257. */
  readonly algorithms?: readonly PasskeyAlgorithm[]
  /**
   * Whether a person without a passkey is offered one, after a sign-in with a password and a code on a device that can
   * have one, and whether a browser may then make one without asking. Default true.
   */
  readonly offer?: boolean
}

export interface PasskeySettings extends Required<
  Omit<PasskeysOptions, 'rpId' | 'rpName' | 'allow' | 'metadata' | 'metadataRoots'>
> {
  readonly rpId: string | undefined
  readonly rpName: string | undefined
  readonly allow: readonly string[] | undefined
  readonly metadata: Metadata | undefined
}

const NAMES: readonly string[] = [
  'rpId',
  'rpName',
  'origins',
  'userVerification',
  'attestation',
  'allow',
  'trustRoots',
  'metadata',
  'metadataRoots',
  'algorithms',
  'offer',
]
const VERIFICATIONS: readonly unknown[] = ['required', 'preferred', 'discouraged']
const ATTESTATIONS: readonly unknown[] = ['none', 'direct']
/** The algorithms that this factor knows. */
export const ALGORITHMS: readonly PasskeyAlgorithm[] = [-8, -7, -257]
/** A domain in lower case, or `localhost`. WebAuthn accepts no IP address. */
const DOMAIN =
  /^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$/
const LONGEST_NAME = 64

/** Throws MfaError `options-invalid` that lists every fault. */
export function readPasskeysOptions(options: PasskeysOptions): PasskeySettings {
  const form = passkeysFaults(options)
  const faults = form.length > 0 ? form : metadataFaults(options)
  if (faults.length > 0) {
    const list = faults.map(({ option, problem }) => `${option} ${problem}`)
    throw new MfaError('options-invalid', `passkeys: ${list.join('; ')}`)
  }
  const { rpId, rpName, origins = [], userVerification = 'preferred' } = options
  const { attestation = 'none', algorithms = ALGORITHMS, offer = true } = options
  const { allow, trustRoots = [] } = options
  const makers = { attestation, allow, trustRoots, metadata: metadataIn(options) }
  return { rpId, rpName, origins, userVerification, algorithms, offer, ...makers }
}

/**
 * Every fault of the options but those of the content of `metadata`: `metadataFaults`. Whether `rpId` fits the issuer is a
 * question of its own: `rpIdFault`.
 */
export function passkeysFaults(options: PasskeysOptions): readonly PasskeysFault[] {
  const {
    rpId,
    rpName,
    origins = [],
    userVerification = 'preferred',
    attestation = 'none',
    algorithms = ALGORITHMS,
    offer = true,
  } = options
  const faults = Object.keys(options)
    .filter((name) => !NAMES.includes(name))
    .map((option): PasskeysFault => ({ option, problem: 'is not an option' }))
  const add = (option: string, problem: string): void => void faults.push({ option, problem })
  if (rpId !== undefined && !(typeof rpId === 'string' && rpId.length < 254 && DOMAIN.test(rpId)))
    add('rpId', 'must be a domain in lower case, such as example.com, without scheme and port')
  if (rpName !== undefined && !isName(rpName))
    add('rpName', `must be a text of 1 to ${LONGEST_NAME} characters`)
  for (const problem of originProblems(origins)) add('origins', problem)
  if (!VERIFICATIONS.includes(userVerification))
    add('userVerification', 'must be required, preferred or discouraged')
  if (!ATTESTATIONS.includes(attestation)) add('attestation', 'must be none or direct')
  if (!isAlgorithms(algorithms))
    add('algorithms', 'must be a list of one or more of -8, -7 and -257, each once')
  if (typeof offer !== 'boolean') add('offer', 'must be true or false')
  faults.push(...trustFaults(options))
  return faults
}

function originProblems(origins: unknown): string[] {
  if (!Array.isArray(origins)) return ['must be a list']
  return origins
    .filter((origin) => !isOrigin(origin))
    .map(
      (origin) => `has ${JSON.stringify(origin)}, which is no origin such as https://example.com`,
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

/**
 * Whether browsers know passkeys on the pages of an issuer: on `https:` with a name, and on `http://localhost`, but
 * never of an IP address.
 */
export function passkeysWorkAt(issuer: string): boolean {
  const { origin, hostname } = new URL(issuer)
  // The parser writes every IPv4 address as four numbers, and an IPv6 address in brackets.
  return isOrigin(origin) && !/^(?:\[|\d+\.\d+\.\d+\.\d+$)/.test(hostname)
}

/** The fault of an `rpId` that is neither the host of the issuer nor a parent domain of it: every browser refuses it. */
export function rpIdFault(rpId: string | undefined, issuer: string): string | undefined {
  const { hostname } = new URL(issuer)
  if (rpId === undefined || hostname === rpId || hostname.endsWith(`.${rpId}`)) return undefined
  return `${rpId} is neither the host of the issuer, ${hostname}, nor a parent domain of it`
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
  const fault = rpIdFault(rpId, issuer)
  if (fault !== undefined) throw new MfaError('options-invalid', `passkeys: rpId ${fault}`)
  const { origin, hostname } = new URL(issuer)
  return { rpId: rpId ?? hostname, origins: [...new Set([origin, ...origins])] }
}
