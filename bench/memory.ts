/**
 * Measures the resident memory of the complete server, after `npm run build`: `node bench/memory.ts [SIGN_INS] [FLAG...]`.
 * The built server runs with the flags of the image, or with the given ones, on SQLite in a new folder. It is measured
 * idle, while SIGN_INS people with a second factor sign in eight at a time, and afterwards. It needs Linux.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileSchema } from '../config/settings-file.ts'
import { hasherOf } from '../src/server/boot/foundation.ts'
import { freePort } from '../test/support/mongodb.ts'
import { CLIENT } from './host.ts'
import { PASSWORD } from './passwords.ts'
import { openRelyingParty } from './sign-in.ts'

const [times = '400', ...given] = process.argv.slice(2)
const SIGN_INS = Number(times)
const AT_ONCE = 8
/** Longer than a time step, because an import spends the present one. */
const IDLE_SECONDS = 35
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BUILT = join(import.meta.dirname, '..', 'dist', 'src', 'server', 'cli', 'index.js')

const flags = given.length > 0 ? given : flagsOfImage()
const folder = await mkdtemp(join(tmpdir(), 'mfa-bench-'))
const program = join(folder, 'program.mjs')
const port = await freePort()
const issuer = `http://127.0.0.1:${port}`
const environment = {
  PATH: process.env['PATH'],
  ISSUER: issuer,
  HOST: '127.0.0.1',
  PORT: String(port),
  DEMO: 'off',
  LOG_LEVEL: 'warn',
  STORAGE_URL: `sqlite:${join(folder, 'server.db')}`,
  ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
  COOKIE_KEYS: randomBytes(32).toString('base64'),
  CLIENTS_FILE: join(folder, 'clients.json'),
}
const people = Array.from({ length: SIGN_INS }, (_, number) => ({
  username: `person-${number}`,
  secret: Array.from(randomBytes(32), (byte) => BASE32[byte % 32]).join(''),
}))

await writeFile(program, `import { main } from ${JSON.stringify(BUILT)}\nawait main()\n`)
await writeFile(environment.CLIENTS_FILE, JSON.stringify([{ ...CLIENT, first_party: true }]))
await importPeople()
const server = spawn(process.execPath, [...flags, program, 'serve', '--json'], {
  env: environment,
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  await once(server.stdout, 'data')
  await sleep(IDLE_SECONDS * 1000)
  console.log(`Node ${process.version}, flags: ${flags.join(' ') || 'none'}`)
  tell('idle', memoryOf(server))
  tell(`${AT_ONCE} sign-ins at once, at its highest`, await whileSigningIn(server))
  await sleep(IDLE_SECONDS * 1000)
  tell(`${IDLE_SECONDS} s after ${SIGN_INS} sign-ins`, memoryOf(server))
} finally {
  server.kill('SIGKILL')
  await rm(folder, { recursive: true })
}

/** The flags with which the image starts the server. */
function flagsOfImage(): string[] {
  const file = readFileSync(join(import.meta.dirname, '..', 'Dockerfile'), 'utf8')
  const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(file) ?? []
  return (JSON.parse(command) as string[]).filter((word) => word.startsWith('--'))
}

async function importPeople(): Promise<void> {
  const passwordHash = await hasherOf(fileSchema.parse({})).hash(PASSWORD)
  const lines = people.map(({ username, secret }) =>
    JSON.stringify({ username, passwordHash, totp: [{ secret }] }),
  )
  const file = join(folder, 'people.jsonl')
  await writeFile(file, lines.join('\n'))
  execFileSync(process.execPath, [program, 'user', 'import', file], {
    env: environment,
    stdio: 'ignore',
  })
}

interface Memory {
  /** MiB of resident memory. */
  readonly resident: number
  /** MiB of it that belong to this process alone: without the program file of Node, which processes share. */
  readonly own: number
}

function memoryOf({ pid }: ChildProcess): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
  return { resident: mib('VmRSS'), own: mib('RssAnon') }
}

async function whileSigningIn(child: ChildProcess): Promise<Memory> {
  const app = await openRelyingParty(issuer)
  let highest: Memory = { resident: 0, own: 0 }
  const look = setInterval(() => {
    const now = memoryOf(child)
    if (now.resident > highest.resident) highest = now
  }, 5)
  const left = [...people]
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let person = left.pop(); person !== undefined; person = left.pop())
        await app.signIn(person)
    }),
  )
  clearInterval(look)
  app.close()
  return highest
}

function tell(about: string, { resident, own }: Memory): void {
  console.log(`${about}: ${resident.toFixed(0)} MiB resident, ${own.toFixed(0)} of them its own`)
}
