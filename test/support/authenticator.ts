import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { cbor, type CborValue } from './cbor.ts'

export type Algorithm = -7 | -8 | -257

export interface Device {
  readonly algorithm?: Algorithm
  /** The page that calls the browser. */
  readonly origin?: string
  /** Whether it verifies its user, and whether its keys can be copied and are. */
  readonly userVerified?: boolean
  readonly backupEligible?: boolean
  readonly backedUp?: boolean
  /** The counter before the first response. `null`: it has no counter and always says zero. */
  readonly counter?: number | null
  readonly aaguid?: string
  readonly transports?: readonly string[]
}

/** The parts of a response that are not the truth. The device itself tells each lie: it is signed. */
export interface Lies {
  readonly type?: string
  readonly challenge?: string
  readonly origin?: string
  readonly crossOrigin?: unknown
  readonly topOrigin?: unknown
  /** Client data in place of all the others. */
  readonly clientData?: string | Buffer
  readonly rpId?: string
  readonly userPresent?: boolean
  readonly userVerified?: boolean
  readonly backupEligible?: boolean
  readonly backedUp?: boolean
  readonly counter?: number
  /** The id in the authenticator data, and the one of the response. */
  readonly id?: Buffer
  readonly responseId?: string
  readonly userHandle?: string | null
  /** A COSE key in place of the device's. */
  readonly key?: ReadonlyMap<number, CborValue>
  readonly format?: string
  readonly statement?: ReadonlyMap<string, CborValue>
  /** The whole attestation object, or all authenticator data. */
  readonly attestationObject?: Buffer
  readonly authenticatorData?: Buffer
  /** Signs something else than what is sent. */
  readonly signature?: Buffer
}

/** The parts of the options that a browser and a device read. */
interface Options {
  readonly challenge: string
  readonly rpId?: string
  readonly rp?: { readonly id: string }
  readonly user?: { readonly id: string }
  readonly allowCredentials?: readonly { readonly id: string }[]
  readonly excludeCredentials?: readonly { readonly id: string }[]
}

const ZEROS = '00000000-0000-0000-0000-000000000000'

/**
 * A browser and an authenticator in one, with one credential. It answers the options of a page as
 * `navigator.credentials` does, and it can lie about each part of the answer.
 */
export class SoftAuthenticator {
  readonly id = randomBytes(32)
  readonly key: ReadonlyMap<number, CborValue>
  readonly device: Required<Device>
  readonly #privateKey: KeyObject
  #counter: number
  #userHandle = ''

  constructor(device: Device = {}) {
    this.device = {
      algorithm: -7,
      origin: 'https://id.example.com',
      userVerified: true,
      backupEligible: false,
      backedUp: false,
      counter: 0,
      aaguid: ZEROS,
      transports: ['usb'],
      ...device,
    }
    const { publicKey, privateKey } = keyPair(this.device.algorithm)
    this.#privateKey = privateKey
    this.#counter = this.device.counter ?? 0
    this.key = coseKey(this.device.algorithm, publicKey)
  }

  /** The owner that its credential names. Empty before a registration. */
  get userHandle(): string {
    return this.#userHandle
  }

  get credentialId(): string {
    return this.id.toString('base64url')
  }

  /** Answers creation options with the JSON of a RegistrationResponse. */
  create(text: string, lies: Lies = {}): string {
    const options = JSON.parse(text) as Options
    this.#userHandle = options.user?.id ?? ''
    const authData = this.#authenticatorData(options.rp?.id ?? '', lies, true)
    const clientDataJSON = this.#clientData('webauthn.create', options, lies)
    const object = new Map<string, CborValue>([
      ['fmt', lies.format ?? 'none'],
      ['attStmt', lies.statement ?? new Map()],
      ['authData', authData],
    ])
    return this.#answer(lies, {
      clientDataJSON: encode(clientDataJSON),
      attestationObject: encode(lies.attestationObject ?? cbor(object)),
      transports: this.device.transports,
    })
  }

  /** A statement that the key signs about itself (packed, without certificates). `algorithm`: the one that it names. */
  selfAttested(text: string, algorithm: number = this.device.algorithm, lies: Lies = {}): string {
    const options = JSON.parse(text) as Options
    const authData = this.#authenticatorData(options.rp?.id ?? '', lies, true)
    const hash = sha256(this.#clientData('webauthn.create', options, lies))
    const sig = this.#sign(Buffer.concat([authData, hash]))
    const statement = new Map<string, CborValue>([
      ['alg', algorithm],
      ['sig', sig],
    ])
    return this.create(text, { ...lies, format: 'packed', statement })
  }

  /** A statement that is signed with the key of a maker's certificate (packed). `x5c`: the chain, this one first. */
  attested(text: string, maker: KeyObject, x5c: readonly Buffer[], lies: Lies = {}): string {
    const options = JSON.parse(text) as Options
    const authData = this.#authenticatorData(options.rp?.id ?? '', lies, true)
    const hash = sha256(this.#clientData('webauthn.create', options, lies))
    const statement = new Map<string, CborValue>([
      ['alg', -7],
      ['sig', sign('sha256', Buffer.concat([authData, hash]), maker)],
      ['x5c', [...x5c]],
    ])
    return this.create(text, { ...lies, format: 'packed', statement })
  }

  /** Answers request options with the JSON of an AuthenticationResponse. */
  get(text: string, lies: Lies = {}): string {
    const options = JSON.parse(text) as Options
    if (this.device.counter !== null) this.#counter += 1
    const authenticatorData =
      lies.authenticatorData ?? this.#authenticatorData(options.rpId ?? '', lies, false)
    const clientDataJSON = this.#clientData('webauthn.get', options, lies)
    const signed = Buffer.concat([authenticatorData, sha256(clientDataJSON)])
    return this.#answer(lies, {
      clientDataJSON: encode(clientDataJSON),
      authenticatorData: encode(authenticatorData),
      signature: encode(lies.signature ?? this.#sign(signed)),
      ...(lies.userHandle === null ? {} : { userHandle: lies.userHandle ?? this.#userHandle }),
    })
  }

  #answer({ responseId = this.credentialId }: Lies, response: object): string {
    return JSON.stringify({
      id: responseId,
      rawId: responseId,
      type: 'public-key',
      authenticatorAttachment: 'cross-platform',
      clientExtensionResults: {},
      response,
    })
  }

  #clientData(type: string, { challenge }: Options, lies: Lies): Buffer {
    const { clientData } = lies
    if (clientData !== undefined)
      return typeof clientData === 'string' ? Buffer.from(clientData) : clientData
    return Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? challenge,
        origin: lies.origin ?? this.device.origin,
        crossOrigin: 'crossOrigin' in lies ? lies.crossOrigin : false,
        ...('topOrigin' in lies ? { topOrigin: lies.topOrigin } : {}),
      }),
    )
  }

  #authenticatorData(rpId: string, lies: Lies, isAttested: boolean): Buffer {
    const { userVerified, backupEligible, backedUp } = { ...this.device, ...lies }
    const flags =
      ((lies.userPresent ?? true) ? 0x01 : 0) |
      (userVerified ? 0x04 : 0) |
      (backupEligible ? 0x08 : 0) |
      (backedUp ? 0x10 : 0) |
      (isAttested ? 0x40 : 0)
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(lies.counter ?? this.#counter)
    const begin = [sha256(Buffer.from(lies.rpId ?? rpId)), Buffer.from([flags]), counter]
    if (!isAttested) return Buffer.concat(begin)
    const id = lies.id ?? this.id
    const length = Buffer.alloc(2)
    length.writeUInt16BE(id.length)
    const aaguid = Buffer.from(this.device.aaguid.replaceAll('-', ''), 'hex')
    return Buffer.concat([...begin, aaguid, length, id, cbor(lies.key ?? this.key)])
  }

  #sign(data: Buffer): Buffer {
    return sign(this.device.algorithm === -8 ? null : 'sha256', data, this.#privateKey)
  }
}

function keyPair(algorithm: Algorithm) {
  switch (algorithm) {
    case -7:
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case -8:
      return generateKeyPairSync('ed25519')
    case -257:
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

/** A public key as COSE writes it (RFC 9053, RFC 8230). */
export function coseKey(algorithm: Algorithm, key: KeyObject): ReadonlyMap<number, CborValue> {
  const { x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' })
  const bytes = (text: string) => Buffer.from(text, 'base64url')
  switch (algorithm) {
    case -7:
      return new Map<number, CborValue>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(x)],
        [-3, bytes(y)],
      ])
    case -8:
      return new Map<number, CborValue>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, bytes(x)],
      ])
    case -257:
      return new Map<number, CborValue>([
        [1, 3],
        [3, -257],
        [-1, bytes(n)],
        [-2, bytes(e)],
      ])
  }
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
