import argon2 from 'argon2'
import { fileSchema } from '../config/settings-file.ts'
import { hasherOf } from '../src/server/boot/foundation.ts'

export const PASSWORD = 'correct horse battery staple'

/**
 * The hasher of the password: the complete server's hasher with its default settings (argon2id, 64 MiB, three passes),
 * or the `argon2` package that most applications have, with OWASP's least (19 MiB, two passes).
 */
export type HasherName = 'server' | 'argon2'

/**
 * `none` computes no hash. It is for the warm-up, which would take minutes with hashes, and for bench/scale.ts, where
 * a hash would hide a difference.
 */
export type PasswordCheck = HasherName | 'none'

export interface Passwords {
  /** Uses this hasher from now on. */
  use(name: PasswordCheck): void
  check(password: string): Promise<boolean>
}

const OWASP_LEAST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Hashes one password with each hasher. */
export async function openPasswords(): Promise<Passwords> {
  const own = hasherOf(fileSchema.parse({}))
  const ownHash = await own.hash(PASSWORD)
  const packageHash = await argon2.hash(PASSWORD, OWASP_LEAST)
  const checks: Record<PasswordCheck, (password: string) => Promise<boolean>> = {
    server: (password) => own.verify(ownHash, password),
    argon2: (password) => argon2.verify(packageHash, password),
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
