import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** A certificate that a test has made, with its key. */
export interface Made {
  readonly der: Buffer
  readonly pem: string
  readonly name: string
  readonly privateKey: KeyObject
}

export interface Making {
  /** The common name. */
  readonly name: string
  /** Absent: it is signed with its own key. */
  readonly issuer?: Made
  readonly isCa?: boolean
  /** Its keys. Default: new ones on P-256. Only such a certificate can be an issuer. */
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** The year at whose beginning it ends; it begins with 2020. Default 2048. */
  readonly until?: number
  /** The extension id-fido-gen-ce-aaguid. */
  readonly aaguid?: string
  /** Where the certificate says that the list of revoked certificates is. */
  readonly revocationList?: string
}

/** Makes an X.509 certificate with a P-256 key (RFC 5280), of the form that WebAuthn wants of an attestation (8.2.1). */
export function makeCertificate(making: Making): Made {
  const { name, issuer, isCa = false, until = 2048 } = making
  const { keys = generateKeyPairSync('ec', { namedCurve: 'P-256' }) } = making
  const { publicKey, privateKey } = keys
  const serial = createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' }))
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), serial.digest().subarray(0, 8)])),
    algorithm,
    subject(issuer?.name ?? name),
    sequence(time(2020), time(until)),
    subject(name),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions({ ...making, isCa }))),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const bits = der(0x03, Buffer.concat([Buffer.from([0]), signature]))
  const certificate = sequence(body, algorithm, bits)
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  return { der: certificate, pem, name, privateKey }
}

function extensions({ isCa = false, aaguid, revocationList }: Making): Buffer[] {
  const made = [extension('551d13', sequence(...(isCa ? [der(0x01, Buffer.from([0xff]))] : [])))]
  if (aaguid !== undefined) {
    const model = Buffer.from(aaguid.replaceAll('-', ''), 'hex')
    made.push(extension('2b0601040182e51c010104', der(0x04, model)))
  }
  if (revocationList !== undefined) {
    const place = der(0x86, Buffer.from(revocationList))
    made.push(extension('551d1f', sequence(sequence(der(0xa0, der(0xa0, place))))))
  }
  return made
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value))
}

function subject(commonName: string): Buffer {
  const part = (id: string, tag: number, value: string) =>
    der(0x31, sequence(oid(id), der(tag, Buffer.from(value))))
  return sequence(
    part('550406', 0x13, 'AA'),
    part('55040a', 0x0c, 'Acme'),
    part('55040b', 0x0c, 'Authenticator Attestation'),
    part('550403', 0x0c, commonName),
  )
}

function time(year: number): Buffer {
  return der(0x17, Buffer.from(`${String(year).slice(2)}0101000000Z`))
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

/** A value of DER with its tag and its length. */
function der(tag: number, value: Buffer): Buffer {
  const { length } = value
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value])
  const size = Buffer.alloc(2)
  size.writeUInt16BE(length)
  return Buffer.concat([Buffer.from([tag, 0x82]), size, value])
}
