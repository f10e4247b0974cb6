/** Why a hash of another product is not taken. Part of the answer of an import; holds nothing of the hash. */
export type HashFault = 'hash-unknown' | 'hash-malformed' | 'hash-too-costly'

/**
 * What a hash costs to check: its scheme and parameters (`bcrypt 12`, `pbkdf2-sha512 210000`). Hashes of one kind
 * take one time; how many kinds a storage holds decides what every sign-in costs.
 */
export type HashKind = string

export type HashReading = { readonly kind: HashKind } | { readonly fault: HashFault }

/** One way in which other products hash passwords. */
export interface HashScheme {
  /** Undefined: this hash is of another scheme. Computes nothing. */
  read(hash: string): HashReading | undefined
  /** A hash of this kind that nothing matches; undefined: a kind of another scheme. */
  unmatched(kind: HashKind): string | undefined
  /** Of a hash that was read without a fault. */
  verify(hash: string, secret: string): Promise<boolean>
}
