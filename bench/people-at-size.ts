/**
 * Measures the time and the peak memory of commands that go through all people: see README.md in this folder. Run
 * `node bench/people-at-size.ts`, or with `--few 2000 --many 200000`.
 */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import { passwordHasher } from '../src/adapters/crypto/index.ts'
import { runCommand, type CommandRun } from './measured-command.ts'

const { values: options } = parseArgs({
  options: {
    few: { type: 'string', default: '2000' },
    many: { type: 'string', default: '200000' },
  },
})

/** Every tenth person brings ten backup codes. Their hashes are kept as they are, so that no slow hash is measured. */
const WITH_CODES_EVERY = 10
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** An installation with its people, and the keys of its commands. */
interface Installation {
  readonly folder: string
  readonly people: number
  readonly keys: readonly string[]
}

/** The commands in their order, each with the arguments and with how many of the keys it gets, the newest first. */
function commandsOf(folder: string): readonly { readonly argv: string; readonly keys: 1 | 2 }[] {
  return [
    { argv: `user import ${join(folder, 'people.jsonl')}`, keys: 1 },
    { argv: 'user list --mfa none', keys: 1 },
    { argv: 'user hashes', keys: 1 },
    { argv: 'audit --limit 10000', keys: 1 },
    { argv: 'audit export', keys: 1 },
    { argv: 'doctor', keys: 1 },
    { argv: 'keys rotate encryption --dry-run', keys: 2 },
    { argv: 'keys rotate encryption', keys: 2 },
    { argv: 'restore --dry-run', keys: 2 },
    { argv: 'restore --confirm', keys: 2 },
  ]
}

const sizes = [Number(options.few), Number(options.many)]
const tables = new Map<string, CommandRun[]>()
console.log(`Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`)
for (const people of sizes) {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-people-'))
  try {
    const installation = { folder, people, keys: [newKey(), newKey()] }
    await writePeople(installation)
    for (const { argv, keys } of commandsOf(folder)) {
      const run = await runCommand(argv.split(' '), {
        STORAGE_URL: `sqlite:${join(folder, 'server.sqlite')}`,
        ENCRYPTION_KEYS: installation.keys.slice(-keys).join(','),
      })
      const name = argv.replace(folder, '').replace('/people', 'people')
      tables.set(name, [...(tables.get(name) ?? []), run])
      console.log(`${people}: ${name}: ${run.seconds.toFixed(1)} s, ${run.peakMib.toFixed(0)} MiB`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
console.log(`\n| | ${sizes.map((people) => `${people} people | |`).join(' ')}`)
for (const [name, runs] of tables)
  console.log(
    `| \`${name}\` | ${runs.map(({ seconds, peakMib }) => `${seconds.toFixed(1)} s | ${peakMib.toFixed(0)} MiB`).join(' | ')} |`,
  )
console.log(`load ${loadavg()[0]?.toFixed(1)}`)

function newKey(): string {
  return randomBytes(32).toString('base64')
}

/** A file as another application exports it: a bcrypt hash and a TOTP secret of each person, and codes of some. */
async function writePeople({ folder, people }: Installation): Promise<void> {
  const passwordHash = await bcryptHash('the password of before', 4)
  const code = await passwordHasher({ memoryKib: 8, iterations: 1 }).hash('abcd-efgh-1234-5678')
  function* lines(): Generator<string> {
    for (let nth = 0; nth < people; nth += 1) {
      const person = {
        username: `person-${nth}`,
        email: `person-${nth}@example.com`,
        passwordHash,
        groups: ['staff'],
        totp: [{ secret: newSecret(), name: 'phone' }],
        ...(nth % WITH_CODES_EVERY === 0 ? { backupCodes: Array(10).fill(code) as string[] } : {}),
      }
      yield `${JSON.stringify(person)}\n`
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'people.jsonl')))
}

function newSecret(): string {
  return [...randomBytes(32)].map((byte) => BASE32[byte % BASE32.length]).join('')
}
