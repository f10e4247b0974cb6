const NOT_AUTHENTICATED = new Set([18, 8000])
/** The names of the driver's errors for a URL that it cannot parse. */
const UNREADABLE = /^(Mongo(Parse|API|InvalidArgument|MissingCredentials)Error|TypeError)$/

const NOT_AUTHORIZED = new Set([13])

/** The codes of Node and OpenSSL for a certificate that is not trusted, has expired, or belongs to another host. */
const CERTIFICATE =
  /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/

/**
 * Why a database could not be opened, and how to correct it. Only host names are taken from the driver's messages:
 * other parts repeat the URL, and with an unescaped `@` or `?` they may hold parts of a password (R31).
 */
export function refusalOf(error: unknown): string {
  const causes = causesOf(error)
  const answered = causes.find(({ name }) => name === 'MongoServerError')
  const code = answered && 'code' in answered ? answered.code : undefined
  if (typeof code === 'number' && NOT_AUTHENTICATED.has(code))
    return 'The database does not accept the user and password of STORAGE_URL: check them, and authSource.'
  if (typeof code === 'number' && NOT_AUTHORIZED.has(code)) return MAY_NOT
  if (causes.some(({ name }) => UNREADABLE.test(name)))
    return 'STORAGE_URL is no address that the MongoDB driver understands: check its options, and write special characters of the password as %XX.'
  const file = causes.find((each) => 'syscall' in each && each.syscall === 'open')
  if (file !== undefined)
    return 'A file that STORAGE_URL names cannot be read: check tlsCAFile and tlsCertificateKeyFile.'
  const codes = causes.map((each) => ('code' in each ? String(each.code) : ''))
  const certificate = codes.find((each) => CERTIFICATE.test(each))
  if (certificate !== undefined)
    return `The TLS connection to the database failed (${certificate}): check tls and tlsCAFile in STORAGE_URL, and the certificate's names.`
  const hosts = causes.flatMap((each) => [...serversOf(each).keys()]).join(', ')
  const why = codes.find((each) => /^E[A-Z]+$/.test(each))
  return `The database cannot be reached${hosts === '' ? '' : ` at ${hosts}`}${why === undefined ? '' : ` (${why})`}.`
}

const MAY_NOT =
  'The user of STORAGE_URL may not work on this database: it needs the role readWrite there.'

/** The error, its causes, and the driver's error for each server. */
function causesOf(error: unknown): Error[] {
  const found: Error[] = []
  const add = (each: unknown): void => {
    if (!(each instanceof Error) || found.includes(each)) return
    found.push(each)
    add(each.cause)
    for (const { error: seen } of serversOf(each).values()) add(seen)
  }
  add(error)
  return found
}

/**
 * Recognised by its shape, because the driver and Mongoose have different errors for the case that no server was found.
 */
function serversOf(error: Error): ReadonlyMap<string, { readonly error: unknown }> {
  const { reason } = error as { reason?: { servers?: unknown } }
  return reason?.servers instanceof Map ? reason.servers : new Map()
}
