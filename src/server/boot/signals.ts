import type { Logger } from '../observe/log.ts'

/** Stops the server when the process gets SIGTERM or SIGINT. */
export function stopOnSignal(stop: () => Promise<void>, log: Logger): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      log.info({ signal }, 'stopping')
      stop().catch((error: unknown) => {
        log.error({ error }, 'not stopped cleanly')
        process.exitCode = 1
      })
    })
}
