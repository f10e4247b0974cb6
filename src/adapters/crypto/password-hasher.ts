import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { hash, parseOptions, verify, type ParsedHashOptions } from '@node-rs/argon2'
import { MfaError } from '../../domain/errors.ts'
import type { HashingPlace, PasswordHasher } from '../../ports/services.ts'
import { NO_MEASURES } from '../../ports/measures.ts'
import { boundedQueue, type QueueMeasures } from './bounded-queue.ts'

export interface PasswordHasherOptions {
  /** KiB of memory per hash. Default 19456 (OWASP's minimum for two iterations). */
  readonly memoryKib?: number
  /** Passes over that memory. Default 2. */
  readonly iterations?: number
  /** Lanes. Default 1. */
  readonly parallelism?: number
  /**
   * Hashes computed at the same time. Default: one per CPU, at most 3. They run on libuv's pool of four threads, which
   * also serves the file system and DNS look-ups: if you raise this number, raise UV_THREADPOOL_SIZE too.
   */
  readonly maxConcurrent?: number
  /** The most hashes that wait; one more is refused. Default 64. */
  readonly maxQueued?: number
}

/**
 * Argon2id in PHC strings, outside the event loop. The number of hashes at one time is limited: a flood of sign-ins is
 * refused with MfaError `hashing-overloaded` (503), and other requests are still answered.
 *
 * Secrets are hashed as they are given. The caller brings a password that a person chose to one Unicode form first
 * (NFKC, R16); otherwise the same password, typed on another keyboard, would be wrong.
 *
 * Throws MfaError `options-invalid`. `measures` takes the waits, and reads the length of the queue.
 */
export function passwordHasher(
  options: PasswordHasherOptions = {},
  measures: QueueMeasures = NO_MEASURES,
): QueuedPasswordHasher {
  const settings = readOptions(options)
  const { memoryKib, iterations, parallelism } = settings
  const run = boundedQueue(settings, measures)
  const cost = { memoryCost: memoryKib, timeCost: iterations, parallelism }
  const unmatched = unmatchedHash(settings)

  /**
   * A text that is no Argon2 hash (an account without a password, a spent slot) also costs one verification with the
   * present parameters: the time of a refusal must not show the difference (R33).
   */
  const evaluate = (phc: string, secret: string): Promise<boolean> =>
    verify(parse(phc) === undefined ? unmatched : phc, secret)

  return {
    kind: `argon2id v=19,m=${memoryKib},t=${iterations},p=${parallelism}`,
    hash: (secret) => run(() => hash(secret, cost)),
    verify: (phc, secret, place) => run(() => evaluate(phc, secret), place),
    queued: (job, place) => run(() => job(evaluate), place),

    /** True also for a string that is no Argon2id hash, because it has to be replaced. */
    needsRehash(phc) {
      const made = phc.startsWith('$argon2id$v=19$') ? parse(phc) : undefined
      return (
        made === undefined ||
        made.memoryCost < memoryKib ||
        made.timeCost < iterations ||
        made.parallelism < parallelism
      )
    },
  }
}

export interface QueuedPasswordHasher extends PasswordHasher {
  /** The kind of the hashes that are made now, as `readForeignHash` names it. */
  readonly kind: string
  /**
   * Runs a job of several evaluations in one place of the queue, so that a flood of such jobs is refused like a flood
   * of single hashes. `evaluate` is `verify` without waiting. Throws what `verify` throws.
   */
  queued<T>(
    job: (evaluate: PasswordHasher['verify']) => Promise<T>,
    place?: HashingPlace,
  ): Promise<T>
}

type Settings = Required<PasswordHasherOptions>

const DEFAULTS: Settings = {
  memoryKib: 19_456,
  iterations: 2,
  parallelism: 1,
  maxConcurrent: Math.min(availableParallelism(), 3),
  maxQueued: 64,
}

function readOptions(options: PasswordHasherOptions): Settings {
  const settings = { ...DEFAULTS, ...options }
  const faults: string[] = []
  const least: Record<keyof Settings, number> = {
    memoryKib: 8 * settings.parallelism, // RFC 9106 3.1
    iterations: 1,
    parallelism: 1,
    maxConcurrent: 1,
    maxQueued: 0,
  }
  for (const name of Object.keys(least) as (keyof Settings)[])
    if (!Number.isSafeInteger(settings[name]) || settings[name] < least[name])
      faults.push(`${name} must be a whole number, at least ${least[name]}`)
  if (faults.length > 0)
    throw new MfaError('options-invalid', `password hashing: ${faults.join('; ')}`)
  return settings
}

/** A hash that no known password matches. It is not computed: its tag is random. */
function unmatchedHash({ memoryKib, iterations, parallelism }: Settings): string {
  const [salt, tag] = [16, 32].map((bytes) =>
    randomBytes(bytes).toString('base64').replace(/=+$/, ''),
  )
  return `$argon2id$v=19$m=${memoryKib},t=${iterations},p=${parallelism}$${salt}$${tag}`
}

function parse(phc: string): ParsedHashOptions | undefined {
  try {
    return parseOptions(phc)
  } catch {
    return undefined
  }
}
