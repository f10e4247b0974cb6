import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A running program of `examples`, which uses the sources of this repository. */
export interface Program {
  /** The output so far. */
  printed(): string
  stop(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FROM_SOURCE = new URL('from-source.ts', import.meta.url).href

/** Starts a program and waits until it prints `ready`. Rejects with its output if it ends before that. */
export async function startProgram(
  path: string,
  { env, ready }: { readonly env: Readonly<Record<string, string>>; readonly ready: string },
): Promise<Program> {
  const child = spawn(process.execPath, ['--import', FROM_SOURCE, path], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const started = Promise.withResolvers<void>()
  const take = (chunk: Buffer): void => {
    printed += chunk.toString()
    if (printed.includes(ready)) started.resolve()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  child.once('exit', (code) => started.reject(new Error(`${path} ended (${code}):\n${printed}`)))
  await started.promise
  return {
    printed: () => printed,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
