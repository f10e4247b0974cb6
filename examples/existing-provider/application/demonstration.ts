import { randomBytes } from 'node:crypto'
import type { Model } from 'mongoose'
import { hashPassword } from './passwords.ts'

export interface Person {
  email: string
  name?: string | null
  passwordHash: string
}

/** So that there is somebody who can sign in: made at the first start, with a password that is printed. */
export async function makeSomebody(User: Model<Person>): Promise<void> {
  if ((await User.countDocuments()) > 0) return
  const password = process.env.DEMO_PASSWORD ?? randomBytes(9).toString('base64url')
  const email = 'mira@example.com'
  await User.create({ email, name: 'Mira', passwordHash: await hashPassword(password) })
  console.log(`user: ${email}\npassword: ${password}`)
}
