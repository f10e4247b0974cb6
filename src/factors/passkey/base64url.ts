const TEXT = /^[A-Za-z0-9_-]*$/

/** Whether the text is base64url without padding, in its only spelling, of so many bytes (RFC 4648, 5). */
export function isBase64url(value: unknown, fewest = 0, most = Infinity): value is string {
  if (typeof value !== 'string' || !TEXT.test(value)) return false
  const bytes = Buffer.from(value, 'base64url')
  return bytes.toString('base64url') === value && bytes.length >= fewest && bytes.length <= most
}

export function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** A copy with a buffer of its own: the library slices the bytes, and Node's small buffers share one. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64url'))
}
