import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../../ports/services.ts'

/** The operating system's CSPRNG. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/** The time of this machine. Codes are computed from it, so keep it right (NTP, R7). */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) }
