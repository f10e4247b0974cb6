import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose'
import type { Clock } from './clock.ts'
import { fetchKeySet } from './discovery.ts'
import { Unavailable } from './fetch-json.ts'
import type { ParsedOptions } from './options.ts'
import { RETRY_AFTER_SECONDS } from './refusal.ts'

/** A key that the issuer has removed from its set is accepted for this time at most. */
const HELD_SECONDS = 600
/** Anybody can send a token with an unknown `kid`: the provider is asked again at most once in this time. */
const COOLDOWN_SECONDS = 30

interface Held {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly since: number
}

/**
 * The keys of an issuer, fetched at the first token and held for ten minutes. jose's `createRemoteJWKSet` needs the
 * address of the keys beforehand and counts no failure: while the provider is away, each token would ask it.
 */
export class Keys {
  readonly #options: Pick<ParsedOptions, 'issuer' | 'timeoutMs'>
  readonly #clock: Clock
  #held: Held | undefined
  #loading: Promise<Held> | undefined
  #failure: { readonly since: number; readonly cause: Unavailable } | undefined

  constructor({ issuer, timeoutMs, clock }: ParsedOptions) {
    this.#options = { issuer, timeoutMs }
    this.#clock = clock
  }

  /** The key that fits a token. Throws jose's `JWKSNoMatchingKey` if the issuer has none, and `Unavailable`. */
  async find(header: JWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey> {
    const held = await this.#fresh()
    try {
      return await held.find(header, input)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // The failure may hide a new key: nobody knows whether the token is valid.
      if (this.#failure !== undefined && this.#isWithin(this.#failure.since, COOLDOWN_SECONDS))
        throw this.#failure.cause
      if (this.#isWithin(held.since, COOLDOWN_SECONDS)) throw error
    }
    return (await this.#load()).find(header, input)
  }

  async #fresh(): Promise<Held> {
    if (this.#held !== undefined && this.#isWithin(this.#held.since, HELD_SECONDS))
      return this.#held
    if (this.#failure !== undefined && this.#isWithin(this.#failure.since, RETRY_AFTER_SECONDS))
      throw this.#failure.cause
    return this.#load()
  }

  /** Whether less than this time has passed. A clock that was set back makes a time count as over. */
  #isWithin(since: number, seconds: number): boolean {
    const age = this.#clock.now() - since
    return age >= 0 && age < seconds
  }

  /** Requests that need the keys at the same moment share one fetch. */
  #load(): Promise<Held> {
    this.#loading ??= this.#fetch().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #fetch(): Promise<Held> {
    try {
      const set = await fetchKeySet(this.#options.issuer, this.#options.timeoutMs)
      const find = createLocalJWKSet(set as unknown as JSONWebKeySet)
      this.#failure = undefined
      return (this.#held = { find, since: this.#clock.now() })
    } catch (error) {
      const cause =
        error instanceof Unavailable ? error : new Unavailable('The key set is unusable', error)
      this.#failure = { since: this.#clock.now(), cause }
      throw cause
    }
  }
}
