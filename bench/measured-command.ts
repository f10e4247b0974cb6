import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'oidc-provider-mfa.mjs')
const PEAK_MEMORY = join(import.meta.dirname, 'peak-memory.ts')

export interface CommandRun {
  readonly seconds: number
  /** Peak resident memory of the process. */
  readonly peakMib: number
}

/** Runs a command in a process of its own. Throws if it fails. */
export async function runCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandRun> {
  const began = performance.now()
  const child = spawn(process.execPath, [`--import=${PEAK_MEMORY}`, PROGRAM, ...argv, '--json'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const [code, told, peakKib] = await Promise.all([
    new Promise<number | null>((resolve) => void child.on('exit', resolve)),
    textOf(child.stderr as Readable),
    textOf(child.stdio[3] as Readable),
  ])
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${told.slice(-2000)}`)
  return { seconds: (performance.now() - began) / 1000, peakMib: Number(peakKib) / 1024 }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}
