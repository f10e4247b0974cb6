import { randomBytes } from 'node:crypto'

/** Of a salt, and of what is compared. Longer ones nobody makes; shorter ones tell little. */
const FEWEST_BYTES = 4
const MOST_BYTES = 64

/**
 * Base64 as it stands in hashes: without padding, and with `.` for `+` where passlib made it. Undefined for what is
 * not that, or of a length that no product makes.
 */
export function readBytes(text: string): Buffer | undefined {
  const plain = text.replaceAll('.', '+').replace(/=+$/, '')
  const bytes = Buffer.from(plain, 'base64')
  const whole = bytes.toString('base64').replace(/=+$/, '') === plain
  return whole && bytes.length >= FEWEST_BYTES && bytes.length <= MOST_BYTES ? bytes : undefined
}

/** Random bytes as they stand in a hash: of nothing anybody knows. */
export function randomPart(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '')
}
