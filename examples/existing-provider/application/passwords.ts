import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const BYTES = 32

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password.normalize('NFC'), salt, BYTES)
  return `${salt.toString('base64')}:${hash.toString('base64')}`
}

/** An unknown user costs as much as a wrong password. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [salt = '', hash = ''] = (stored ?? ':').split(':')
  const derived = await derive(password.normalize('NFC'), Buffer.from(salt, 'base64'), BYTES)
  const known = Buffer.from(hash, 'base64')
  return known.length === BYTES && timingSafeEqual(known, derived)
}
