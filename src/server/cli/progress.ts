import type { Terminal } from './terminal.ts'

const PROGRESS_MS = 1_000

/**
 * Says on standard error, at most once a second, how far a long run has come. Call the result once for each document.
 */
export function progress(terminal: Terminal, json: boolean, total: number): () => void {
  let done = 0
  let toldAt = performance.now()
  return () => {
    done += 1
    if (performance.now() - toldAt < PROGRESS_MS) return
    toldAt = performance.now()
    terminal.err(
      json
        ? `${JSON.stringify({ progress: { done, total } })}\n`
        : `${done} of about ${total} documents\n`,
    )
  }
}
