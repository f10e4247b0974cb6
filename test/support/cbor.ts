/** A value that the authenticator of the tests writes: CBOR (RFC 8949) has more, WebAuthn needs no more. */
export type CborValue =
  number | string | Uint8Array | readonly CborValue[] | ReadonlyMap<string | number, CborValue>

const MAJOR = { positive: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5 } as const

/** Encodes in the canonical form of CTAP2, as far as the caller puts the keys of a map in order. */
export function cbor(value: CborValue): Buffer {
  if (typeof value === 'number')
    return value < 0 ? head(MAJOR.negative, -1 - value) : head(MAJOR.positive, value)
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([head(MAJOR.text, text.length), text])
  }
  if (value instanceof Uint8Array) return Buffer.concat([head(MAJOR.bytes, value.length), value])
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string | number, CborValue>)]
    const parts = entries.flatMap(([key, member]) => [cbor(key), cbor(member)])
    return Buffer.concat([head(MAJOR.map, entries.length), ...parts])
  }
  const list = value as readonly CborValue[]
  return Buffer.concat([head(MAJOR.list, list.length), ...list.map(cbor)])
}

function head(major: number, count: number): Buffer {
  const type = major << 5
  if (count < 24) return Buffer.from([type | count])
  if (count < 0x100) return Buffer.from([type | 24, count])
  if (count < 0x1_0000) return Buffer.from([type | 25, count >> 8, count & 0xff])
  const long = Buffer.alloc(5, type | 26)
  long.writeUInt32BE(count, 1)
  return long
}
