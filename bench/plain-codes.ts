/**
 * Measures how many people with plain backup codes an import adds per second: see README.md in this folder. Run
 * `node bench/plain-codes.ts`, or with `--people 60 --at-once 1,2`.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand, type CommandRun } from './measured-command.ts'

const { values: options } = parseArgs({
  options: {
    people: { type: 'string', default: '60' },
    'at-once': { type: 'string', default: '1,2' },
  },
})
const PEOPLE = Number(options.people)
const CODES = 10

const load = (): string => `load ${loadavg()[0]?.toFixed(1)}`
const folder = await mkdtemp(join(tmpdir(), 'mfa-codes-'))
try {
  console.log(`Node ${process.version}, ${cpus().length} CPUs, ${load()}`)
  for (const atOnce of options['at-once'].split(',').map(Number)) {
    // An import of one person shows the time of the start.
    const [one, all] = [await importOf(1, atOnce), await importOf(PEOPLE, atOnce)]
    const perSecond = (PEOPLE - 1) / (all.seconds - one.seconds)
    const cpuMs = ((all.cpuSeconds - one.cpuSeconds) / ((PEOPLE - 1) * CODES)) * 1000
    console.log(
      `${atOnce} at once: ${(perSecond * CODES).toFixed(1)} codes a second, ` +
        `${(perSecond * 60).toFixed(0)} people a minute, ` +
        `${cpuMs.toFixed(0)} ms of CPU for a code (${load()})`,
    )
  }
} finally {
  await rm(folder, { recursive: true })
}

/** The import of so many people, with the default cost of a hash. */
async function importOf(people: number, hashingAtOnce: number): Promise<CommandRun> {
  const name = join(folder, `${people}-${hashingAtOnce}`)
  const lines = Array.from({ length: people }, (_, nth) =>
    JSON.stringify({
      username: `person-${nth}`,
      totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      backupCodes: Array.from({ length: CODES }, () => randomBytes(10).toString('hex')),
    }),
  )
  await writeFile(`${name}.jsonl`, lines.join('\n'))
  await writeFile(`${name}.json`, JSON.stringify({ passwords: { hashingAtOnce } }))
  return runCommand(['user', 'import', `${name}.jsonl`], {
    STORAGE_URL: `sqlite:${name}.sqlite`,
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    CONFIG_FILE: `${name}.json`,
  })
}
