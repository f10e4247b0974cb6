/** The address of a MongoDB database, with the properties of the connection that its URL shows. */
export interface MongodbAddress {
  readonly kind: 'mongodb'
  /** The URL, which may hold a password: it is never printed and never logged. */
  readonly url: string
  readonly tls: boolean
  /** The URL accepts any certificate, so an attacker on the network can read and change everything. */
  readonly trustsAnyCertificate: boolean
  /** Every host of the URL is this machine. */
  readonly local: boolean
}

/** Contains nothing of the given URL, which may hold a password. */
export const MEND_MONGODB =
  'must name a database, such as mongodb://USER:PASSWORD@HOST/DATABASE or mongodb+srv://..., with special characters of the password written as %XX'

const SHAPE = /^mongodb(\+srv)?:\/\/(?:[^@/?#]+@)?([^@/?#]+)\/([^/?#]+)(?:\?([^#?]*))?$/

/** The name of a database: excludes the characters that MongoDB's manual forbids on any operating system. */
const DATABASE = /^[^\s\\/."$*<>:|?\0]{1,63}$/

const OFF_GUARD = ['tlsInsecure', 'tlsAllowInvalidCertificates', 'tlsAllowInvalidHostnames']

/** Parses the shape of the URL only; the driver checks the options and the rest. */
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
    // `mongodb+srv` uses TLS unless an option says otherwise.
    tls: on('tls') || on('ssl') || (srv !== undefined && options.get('tls') !== 'false'),
    trustsAnyCertificate: OFF_GUARD.some(on),
    local: hosts.split(',').every((host) => /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host)),
  }
}
