import type { Writable } from 'node:stream'

/** How much of the log may wait for a reader of standard output. */
const MOST_BYTES = 1024 * 1024

/** Whether the reader of a stream has ended. A process may open several logs on one standard output. */
const broken = new WeakMap<Writable, { value: boolean }>()

export interface LogStream {
  write(line: string): void
}

/**
 * Writes the log without waiting for its reader. A pipe that nobody reads is full after 64 KiB; a write that waits for
 * it would stop the whole server, and with it the answer to SIGTERM. Lines beyond a megabyte are dropped and counted:
 * `onDropped` is told their number as soon as the reader is back. A reader that has ended is no fault of the server:
 * its lines are dropped too.
 */
export function logStream(out: Writable, onDropped: (lines: number) => void): LogStream {
  let dropped = 0
  const isBroken = watch(out)
  return {
    write(line) {
      if (isBroken.value) return
      if (out.writableLength > MOST_BYTES) {
        dropped += 1
        return
      }
      if (dropped > 0) {
        const lines = dropped
        dropped = 0
        onDropped(lines)
      }
      out.write(line)
    },
  }
}

function watch(out: Writable): { readonly value: boolean } {
  const known = broken.get(out)
  if (known !== undefined) return known
  const state = { value: false }
  out.on('error', () => {
    state.value = true
  })
  broken.set(out, state)
  return state
}
