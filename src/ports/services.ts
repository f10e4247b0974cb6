import type { Instant } from '../domain/time.ts'

/** The server's time. The time of a browser or an app is never used (R7). */
export interface Clock {
  now(): Instant
}

/** A CSPRNG. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** A message to be sent after the commit that decided it. `template` names views/mail/<template>.njk. */
export interface Delivery {
  readonly channel: 'mail'
  readonly to: string
  readonly template: string
  /** The language of the message: a BCP 47 tag. */
  readonly locale: string
  readonly values: Readonly<Record<string, string>>
}

export interface Mailer {
  /** Throws if the mail server did not accept the message. */
  send(delivery: Delivery): Promise<void>
}

/**
 * The account and the purpose of a sealed value: part of the authenticated data, so that ciphertexts cannot be swapped
 * (R35).
 */
export interface SealContext {
  readonly accountId: string
  readonly purpose: string
}

/** Authenticated encryption at rest, several keys at once, the newest first. */
export interface SecretBox {
  /** The ids of the keys, the newest first, as `keyIdOf` answers them for values that the keys have sealed. */
  readonly keyIds: readonly [string, ...string[]]
  seal(plaintext: string, context: SealContext): string
  /** Throws MfaError `key-missing` or `seal-broken`. */
  open(sealed: string, context: SealContext): string
  /** The id of the key that a sealed value names, for rotation and for the check at start. */
  keyIdOf(sealed: string): string
  /** HMAC-SHA-256, base64url, under a key derived for `purpose` from the newest key. */
  mac(purpose: string, message: string): string
  /** The MAC as `mac` makes it, under each configured key, the newest first. */
  macs(purpose: string, message: string): readonly [string, ...string[]]
  /**
   * Constant-time check against each configured key, so that a rotation of keys does not break requests in progress.
   */
  verifyMac(purpose: string, message: string, mac: string): boolean
}

/**
 * The party for which a hash is computed, so that one party cannot fill the queue. A hasher without such a queue ignores
 * it.
 */
export interface HashingPlace {
  /** The network of a request, or the account of a known browser. */
  readonly party: string
  /** Whether it comes from a known browser, for which places are kept. */
  readonly kept: boolean
}

/** Slow hashes for secrets that people choose or that are stored for long (argon2id, PHC strings). */
export interface PasswordHasher {
  /** Throws MfaError `hashing-overloaded` when the queue is full. */
  hash(secret: string): Promise<string>
  /**
   * False for a wrong secret and for a string that is no hash, in the same time (R33). Throws as `hash` does, and MfaError
   * `too-many-attempts` when the party of `place` has its share of the queue.
   */
  verify(phc: string, secret: string, place?: HashingPlace): Promise<boolean>
  /** Whether the parameters have grown since this hash was made. */
  needsRehash(phc: string): boolean
}
