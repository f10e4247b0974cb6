/**
 * The export of Google Authenticator: `otpauth-migration://offline?data=` and base64 of a protocol buffer. Its format is
 * not published; this is the one that the app has written since 2020, as other apps read it.
 *
 *     payload: 1 = account (repeated), 2 to 5 = version and place among several pictures
 *     account: 1 = secret, 2 = name, 3 = issuer, 4 = algorithm, 5 = digits, 6 = type
 */
export interface MigratedAccount {
  readonly secret: Uint8Array
  readonly name: string
  /** Undefined: a number that stands for no algorithm (or number of digits) that is known. */
  readonly algorithm: string | undefined
  readonly digits: number | undefined
  readonly isTimeBased: boolean
}

/** Zero means that the app left the choice to the default. */
const ALGORITHMS = ['SHA1', 'SHA1', 'SHA256', 'SHA512', 'MD5']
const DIGITS = [6, 6, 8]
const TIME_BASED = 2

/** The accounts of such a URI. Undefined: it cannot be read, or has none. */
export function accountsInMigration(uri: string): readonly MigratedAccount[] | undefined {
  // A plus sign that was not percent-encoded is read as a space.
  const data = URL.parse(uri)?.searchParams.get('data')?.replaceAll(' ', '+')
  if (data === undefined || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(data)) return undefined
  const payload = messageIn(Buffer.from(data, 'base64'))
  const accounts = payload?.get(1)?.map(accountIn) ?? []
  return accounts.length > 0 && accounts.every((account) => account !== undefined)
    ? accounts
    : undefined
}

function accountIn(field: Field): MigratedAccount | undefined {
  const fields = typeof field === 'number' ? undefined : messageIn(field)
  const secret = fields?.get(1)?.at(-1)
  if (fields === undefined || secret === undefined || typeof secret === 'number') return undefined
  const text = (key: number): string => {
    const value = fields.get(key)?.at(-1) ?? ''
    return typeof value === 'object' ? Buffer.from(value).toString() : ''
  }
  const number = (key: number): number => Number(fields.get(key)?.at(-1) ?? 0)
  return {
    secret,
    name:
      text(2)
        .replace(/^[^:]*:/, '')
        .trim() || text(3),
    algorithm: ALGORITHMS[number(4)],
    digits: DIGITS[number(5)],
    isTimeBased: number(6) === TIME_BASED,
  }
}

/** A number, or bytes: a text or a message once more. */
type Field = number | Uint8Array

const NUMBER = 0
const EIGHT_BYTES = 1
const LENGTH_AND_BYTES = 2
const FOUR_BYTES = 5
/** A number of 64 bits in groups of seven. */
const MOST_GROUPS = 10

/** The fields of a protocol buffer by their numbers, each as often as it is there. Undefined: it cannot be read. */
function messageIn(bytes: Uint8Array): ReadonlyMap<number, readonly Field[]> | undefined {
  const fields = new Map<number, Field[]>()
  const reader = readerOf(bytes)
  while (!reader.isAtEnd()) {
    const tag = reader.number()
    const field = tag === undefined ? undefined : fieldOf(tag % 8, reader)
    if (tag === undefined || field === undefined) return undefined
    const key = Math.floor(tag / 8)
    fields.set(key, [...(fields.get(key) ?? []), field])
  }
  return fields
}

function fieldOf(wireType: number, reader: Reader): Field | undefined {
  if (wireType === NUMBER) return reader.number()
  if (wireType === EIGHT_BYTES) return reader.bytes(8)
  if (wireType === FOUR_BYTES) return reader.bytes(4)
  if (wireType !== LENGTH_AND_BYTES) return undefined
  const length = reader.number()
  return length === undefined ? undefined : reader.bytes(length)
}

/** Undefined from either method: the bytes end too early. */
interface Reader {
  isAtEnd(): boolean
  /** A number in groups of seven bits, the lowest first. Only small ones matter here: others lose precision. */
  number(): number | undefined
  bytes(length: number): Uint8Array | undefined
}

function readerOf(bytes: Uint8Array): Reader {
  let at = 0
  return {
    isAtEnd: () => at >= bytes.length,
    number() {
      let value = 0
      for (let group = 0; group < MOST_GROUPS; group += 1) {
        const byte = bytes[at]
        if (byte === undefined) return undefined
        at += 1
        value += (byte % 128) * 128 ** group
        if (byte < 128) return value
      }
      return undefined
    },
    bytes(length) {
      if (length > bytes.length - at) return undefined
      at += length
      return bytes.subarray(at - length, at)
    },
  }
}
