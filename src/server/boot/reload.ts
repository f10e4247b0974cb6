import type { PolicyReload } from '../upkeep/policy-reload.ts'
import type { Logger } from '../observe/log.ts'

/** Reads CONFIG_FILE again at each SIGHUP. Returns the function that ends it. */
export function reloadOnHangup(
  reload: Pick<PolicyReload, 'look'>,
  log: Pick<Logger, 'info' | 'error'>,
): () => void {
  const look = (): void => {
    log.info({ signal: 'SIGHUP' }, 'told to read the policy again')
    reload.look(true).catch((error: unknown) => log.error({ error }, 'the policy was not read'))
  }
  process.on('SIGHUP', look)
  return () => process.off('SIGHUP', look)
}
