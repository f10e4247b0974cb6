/** A MongoDB database, with what can be told of the way to it before it is gone. */
export interface MongodbAddress {
  readonly kind: 'mongodb'
  /** Holds the password: never printed, never logged. */
  readonly url: string
  readonly tls: boolean
  /** Takes any certificate: an attacker in between reads and changes everything. */
  readonly trustsAnyCertificate: boolean
  /** On this machine alone. */
  readonly local: boolean
}

/** Says nothing of what was given: it may hold a password. */
export const MEND_MONGODB =
  'must name a database, such as mongodb://USER:PASSWORD@HOST/DATABASE or mongodb+srv://..., with special characters of the password written as %XX'

const SHAPE = /^mongodb(\+srv)?:\/\/(?:[^@/?#]+@)?([^@/?#]+)\/([^/?#]+)(?:\?([^#?]*))?$/

/** What the manual forbids in the name of a database on one system or another. */
const DATABASE = /^[^\s\\/."$*<>:|?\0]{1,63}$/

const OFF_GUARD = ['tlsInsecure', 'tlsAllowInvalidCertificates', 'tlsAllowInvalidHostnames']

/** Only the shape: options, and the rest of the URL, are the driver's to understand. */
export function parseMongodbAddress(text: string): MongodbAddress | undefined {
  const match = SHAPE.exec(text)
  if (match === null) return undefined
  const [, srv, hosts = '', database = '', query = ''] = match
  if (!DATABASE.test(database)) return undefined
  const options = new Map(
    [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]),
  )
  const on = (name: string): boolean => options.get(name.toLowerCase()) === 'true'
  return {
    kind: 'mongodb',
    url: text,
    // An address by DNS is TLS unless it says otherwise.
    tls: on('tls') || on('ssl') || (srv !== undefined && options.get('tls') !== 'false'),
    trustsAnyCertificate: OFF_GUARD.some(on),
    local: hosts.split(',').every((host) => /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host)),
  }
}
