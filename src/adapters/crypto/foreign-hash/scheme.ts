/** Why a hash of another product is refused. Part of the result of an import; holds nothing of the hash. */
export type HashFault = 'hash-unknown' | 'hash-malformed' | 'hash-too-costly'

/**
 * The scheme and the parameters of a hash (`bcrypt 12`, `pbkdf2-sha512 210000`). Checks of hashes of one kind take the
 * same time; the number of kinds in a storage decides the cost of every sign-in.
 */
export type HashKind = string

export type HashReading = { readonly kind: HashKind } | { readonly fault: HashFault }

/** A scheme with which other products hash passwords. */
export interface HashScheme {
  /** Undefined: this hash is of another scheme. Computes nothing. */
  read(hash: string): HashReading | undefined
  /** A hash of this kind that no password matches; undefined: a kind of another scheme. */
  unmatched(kind: HashKind): string | undefined
  /** Verifies a secret against a hash that `read` has accepted. */
  verify(hash: string, secret: string): Promise<boolean>
}
