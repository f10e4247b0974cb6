/**
 * This process runs `oidc-provider-mfa keys rotate encryption` with the settings of the environment and sends the
 * result to its parent. Its first argument, if present, is the number of progress messages after which it kills itself
 * with SIGKILL.
 */
import { readFile } from 'node:fs/promises'
import { run } from '../../src/server/cli/index.ts'

const endAfter = Number(process.argv[2] ?? 'Infinity')
let out = ''
let told = 0
let at = 0
const code = await run(['keys', 'rotate', 'encryption', '--json'], {
  out: (text) => {
    out += text
  },
  err: () => {
    told += 1
    if (told === endAfter) process.kill(process.pid, 'SIGKILL')
  },
  readLine: async () => '',
  readFile: (path) => readFile(path, 'utf8'),
  environment: process.env,
  // Two seconds pass before each look at the clock, so that every batch is told.
  now: () => (at += 2_000),
  isInteractive: true,
})
process.send?.({ code, out })
process.disconnect?.()
