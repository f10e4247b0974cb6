/**
 * `oidc-provider-mfa keys rotate encryption` in a process of its own, on the settings of the environment. It sends the
 * answer to its parent. Told so by its first argument, it ends itself, as `kill -9` would, when it has told so often
 * how far it is.
 */
import { readFile } from 'node:fs/promises'
import { run } from '../../src/server/cli/index.ts'

const endAfter = Number(process.argv[2] ?? 'Infinity')
let out = ''
let told = 0
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
})
process.send?.({ code, out })
process.disconnect?.()
