import argon2 from 'argon2'
import { passwordHasher } from '../src/adapters/crypto/index.ts'

export const PASSWORD = 'correct horse battery staple'

/**
 * Who computes the password's hash: the server's own hasher, or the `argon2` package that most applications have.
 * Both argon2id with OWASP's parameters (19 MiB, two passes, one lane); the second takes about three times as long.
 */
export type HasherName = 'server' | 'argon2'

/** `none`: for the warm-up alone, which is about everything else and would take minutes. */
export type PasswordCheck = HasherName | 'none'

export interface Passwords {
  /** From now on. */
  use(name: PasswordCheck): void
  check(password: string): Promise<boolean>
}

/** One person's password, hashed with each of them. */
export async function openPasswords(): Promise<Passwords> {
  const own = passwordHasher()
  const hash = await own.hash(PASSWORD)
  const checks: Record<PasswordCheck, (password: string) => Promise<boolean>> = {
    server: (password) => own.verify(hash, password),
    argon2: (password) => argon2.verify(hash, password),
    none: async (password) => password === PASSWORD,
  }
  let check = checks.server
  return {
    use(name) {
      check = checks[name]
    },
    check: (password) => check(password),
  }
}
