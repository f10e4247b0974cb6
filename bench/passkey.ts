import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { coseKey } from '../test/support/authenticator.ts'
import { cbor } from '../test/support/cbor.ts'

/** A passkey with its private key, as the person's browser keeps it. Bytes are base64url. */
export interface BenchPasskey {
  readonly id: string
  readonly userHandle: string
  /** PKCS #8 in PEM. */
  readonly privateKey: string
}

const ALGORITHM = -7
/** User present and verified, able to be copied, and copied: a synchronised passkey of a phone. */
const FLAGS = 0x01 | 0x04 | 0x08 | 0x10
/** A synchronised passkey does not count its responses. */
const NO_COUNTER = Buffer.alloc(4)

/** Makes a passkey. `imported`: its public half, as `mfa.accounts.import` takes it. */
export function makePasskey(): { passkey: BenchPasskey; imported: object } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = encode(randomBytes(32))
  const userHandle = encode(randomBytes(32))
  return {
    passkey: {
      id,
      userHandle,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    imported: {
      id,
      userHandle,
      publicKey: encode(cbor(coseKey(ALGORITHM, publicKey))),
      counter: 0,
      backupEligible: true,
      backedUp: true,
    },
  }
}

/** Answers the options of a login page, as `navigator.credentials.get` and its JSON do. */
export function answerOf(
  { id, userHandle, privateKey }: BenchPasskey,
  options: string,
  origin: string,
): string {
  const { challenge, rpId } = JSON.parse(options) as { challenge: string; rpId: string }
  const client = { type: 'webauthn.get', challenge, origin, crossOrigin: false }
  const clientDataJSON = Buffer.from(JSON.stringify(client))
  const authenticatorData = Buffer.concat([
    sha256(Buffer.from(rpId)),
    Buffer.from([FLAGS]),
    NO_COUNTER,
  ])
  const signed = Buffer.concat([authenticatorData, sha256(clientDataJSON)])
  return JSON.stringify({
    id,
    rawId: id,
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: {
      clientDataJSON: encode(clientDataJSON),
      authenticatorData: encode(authenticatorData),
      signature: encode(sign('sha256', signed, createPrivateKey(privateKey))),
      userHandle,
    },
  })
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url')
}
