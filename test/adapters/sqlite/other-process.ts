import { spawn } from 'node:child_process'
import { once } from 'node:events'

const HOLD = `
  import { DatabaseSync } from 'node:sqlite'
  const database = new DatabaseSync(process.argv[1])
  database.exec('BEGIN ' + process.argv[3])
  process.stdout.write('locked')
  const letGo = () => {
    database.exec('ROLLBACK')
    database.close()
    process.exit()
  }
  process.stdin.once('data', letGo)
  if (process.argv[2]) setTimeout(letGo, Number(process.argv[2]))
`

/**
 * Starts another process that holds the write lock of a database until `release` is called. With `milliseconds` it
 * releases the lock by itself after that time, for callers that block and cannot call `release`. `EXCLUSIVE`: nobody
 * reads either, as while SQLite puts a new file in WAL mode.
 */
export async function lockFromAnotherProcess(
  path: string,
  milliseconds?: number,
  kind: 'IMMEDIATE' | 'EXCLUSIVE' = 'IMMEDIATE',
): Promise<{ release(): Promise<void> }> {
  const holder = spawn(
    process.execPath,
    ['--input-type=module', '-e', HOLD, path, `${milliseconds ?? ''}`, kind],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  await once(holder.stdout, 'data')
  return {
    async release() {
      const gone = once(holder, 'exit')
      holder.stdin.write('let go')
      await gone
    },
  }
}
