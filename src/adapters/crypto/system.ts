import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../../ports/services.ts'

/** The operating system's CSPRNG. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/** This machine's time; keep it right (NTP): codes are computed from it (R7). */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) }
