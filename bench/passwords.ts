import argon2 from 'argon2'
import { passwordHasher } from '../src/adapters/crypto/index.ts'

export const PASSWORD = 'correct horse battery staple'

/**
 * Who computes the password's hash: the server's own hasher, or the `argon2` package that most applications have.
 * Both argon2id with OWASP's parameters (19 MiB, two passes, one lane); the second takes about three times as long.
 */
export type HasherName = 'server' | 'argon2'

export interface Passwords {
  /** From now on. */
  use(name: HasherName): void
  check(password: string): Promise<boolean>
}

/** One person's password, hashed with each of them. */
export async function openPasswords(): Promise<Passwords> {
  const own = passwordHasher()
  const hash = await own.hash(PASSWORD)
  const checks: Record<HasherName, (password: string) => Promise<boolean>> = {
    server: (password) => own.verify(hash, password),
    argon2: (password) => argon2.verify(hash, password),
  }
  let check = checks.server
  return {
    use(name) {
      check = checks[name]
    },
    check: (password) => check(password),
  }
}
