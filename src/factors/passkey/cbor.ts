const MAJOR = { bytes: 2, text: 3, list: 4, map: 5, tag: 6 } as const
/** Lists and maps in each other. CTAP2 allows four (8: canonical form); nobody needs twice as many. */
const DEEPEST = 8
/** The bytes of the number that follows the first byte of an item, by the low five bits of that byte. */
const NUMBER_BYTES: Readonly<Record<number, number>> = { 24: 1, 25: 2, 26: 4, 27: 8 }
const FEWEST_UNUSED = 24

/**
 * Where the CBOR item that begins at `from` ends (RFC 8949). Undefined: it is cut off, nested too deeply, has a tag or
 * no length, none of which CTAP2 allows. The decoder of the library takes an item that is cut off as a shorter one, and
 * does not say how many bytes it has read.
 */
function endOfItem(bytes: Uint8Array, from: number, deepest = DEEPEST): number | undefined {
  const head = readHead(bytes, from)
  if (head === undefined || deepest === 0) return undefined
  const { major, count, end } = head
  switch (major) {
    case MAJOR.bytes:
    case MAJOR.text:
      return end + count <= bytes.length ? end + count : undefined
    case MAJOR.list:
      return endOfItems(bytes, end, count, deepest - 1)
    case MAJOR.map:
      return endOfItems(bytes, end, 2 * count, deepest - 1)
    case MAJOR.tag:
      return undefined
    default:
      return end
  }
}

/** The same for a map. Undefined also: another kind of item. */
export function endOfMap(bytes: Uint8Array, from: number): number | undefined {
  return readHead(bytes, from)?.major === MAJOR.map ? endOfItem(bytes, from) : undefined
}

/** Each item has a byte at least, so a great count ends with the bytes. */
function endOfItems(
  bytes: Uint8Array,
  from: number,
  count: number,
  deepest: number,
): number | undefined {
  let end: number | undefined = from
  for (let nth = 0; nth < count && end !== undefined; nth += 1) end = endOfItem(bytes, end, deepest)
  return end
}

interface Head {
  readonly major: number
  /** The number of the item: its value, its bytes or its members. */
  readonly count: number
  readonly end: number
}

function readHead(bytes: Uint8Array, from: number): Head | undefined {
  const first = bytes[from]
  if (first === undefined) return undefined
  const [major, low] = [first >> 5, first & 0x1f]
  if (low < FEWEST_UNUSED) return { major, count: low, end: from + 1 }
  const length = NUMBER_BYTES[low]
  if (length === undefined) return undefined
  const end = from + 1 + length
  const number = Buffer.from(bytes.subarray(from + 1, end))
  return end <= bytes.length
    ? { major, count: Number(`0x${number.toString('hex')}`), end }
    : undefined
}
