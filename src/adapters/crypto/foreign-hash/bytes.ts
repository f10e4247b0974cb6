import { randomBytes } from 'node:crypto'

/** The lengths of a salt and of a tag. No product makes longer ones; a shorter tag proves too little. */
const FEWEST_BYTES = 4
const MOST_BYTES = 64

/**
 * Reads Base64 as hashes contain it: without padding, and with `.` for `+` in hashes of passlib. Undefined for other
 * text, and for a length that no product makes.
 */
export function readBytes(text: string): Buffer | undefined {
  const plain = text.replaceAll('.', '+').replace(/=+$/, '')
  const bytes = Buffer.from(plain, 'base64')
  const whole = bytes.toString('base64').replace(/=+$/, '') === plain
  return whole && bytes.length >= FEWEST_BYTES && bytes.length <= MOST_BYTES ? bytes : undefined
}

/** Random bytes in the encoding of a hash. Nobody knows a password for them. */
export function randomPart(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '')
}
