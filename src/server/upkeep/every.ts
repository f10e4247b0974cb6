/**
 * Runs the work repeatedly, never twice at once. The timer alone does not keep the process alive.
 * Returns the function that stops it and waits for the work in hand.
 */
export function every(milliseconds: number, work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= work().finally(() => {
      running = undefined
    })
  }, milliseconds)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
