import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'oidc-provider-mfa.mjs')
const USED = join(import.meta.dirname, 'used-by-process.ts')

export interface CommandRun {
  readonly seconds: number
  /** Peak resident memory of the process. */
  readonly peakMib: number
  /** CPU time of all its threads. It depends less on other work of the machine than the wall time. */
  readonly cpuSeconds: number
}

/** Runs a command in a process of its own. Throws if it fails. */
export async function runCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandRun> {
  const began = performance.now()
  const child = spawn(process.execPath, [`--import=${USED}`, PROGRAM, ...argv, '--json'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const [code, told, used] = await Promise.all([
    new Promise<number | null>((resolve) => void child.on('exit', resolve)),
    textOf(child.stderr as Readable),
    textOf(child.stdio[3] as Readable),
  ])
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${told.slice(-2000)}`)
  const [peakKib = NaN, cpuMicroseconds = NaN] = used.split(' ').map(Number)
  return {
    seconds: (performance.now() - began) / 1000,
    peakMib: peakKib / 1024,
    cpuSeconds: cpuMicroseconds / 1e6,
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}
