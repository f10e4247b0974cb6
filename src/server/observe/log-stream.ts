import type { Writable } from 'node:stream'

/** How much of the log may wait for a reader of standard output. */
const MOST_BYTES = 1024 * 1024

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
  let isBroken = false
  out.on('error', () => {
    isBroken = true
  })
  return {
    write(line) {
      if (isBroken) return
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
