import { randomBytes } from 'node:crypto'
import type { Model } from 'mongoose'
import { hashPassword } from './passwords.ts'

export interface Person {
  email: string
  name?: string | null
  passwordHash: string
}

/** Makes a person who can sign in, at the first start, and prints the password. */
export async function makeSomebody(User: Model<Person>): Promise<void> {
  if ((await User.countDocuments()) > 0) return
  const password = process.env.DEMO_PASSWORD ?? randomBytes(9).toString('base64url')
  const email = 'mira@example.com'
  await User.create({ email, name: 'Mira', passwordHash: await hashPassword(password) })
  console.log(`user: ${email}\npassword: ${password}`)
}
