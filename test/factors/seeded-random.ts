import { createHash } from 'node:crypto'
import type { Random } from '../../src/ports/services.ts'

/** The same bytes at every run, different ones at every call. */
export function seededRandom(seed: string): Random {
  let block = 0
  let ready = Buffer.alloc(0)
  return {
    bytes(length) {
      while (ready.length < length) {
        block += 1
        ready = Buffer.concat([ready, createHash('sha256').update(`${seed} ${block}`).digest()])
      }
      const bytes = ready.subarray(0, length)
      ready = ready.subarray(length)
      return bytes
    },
  }
}
