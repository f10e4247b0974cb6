/**
 * Measures the time and the peak memory of `policy simulate` for all people: see README.md in this folder. Run
 * `node bench/policy-simulate.ts`, or with `--few 1000 --many 100000 --apps 20 --rules 200`.
 */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import { runCommand, type CommandRun } from './measured-command.ts'

const { values: options } = parseArgs({
  options: {
    few: { type: 'string', default: '1000' },
    many: { type: 'string', default: '100000' },
    apps: { type: 'string', default: '20' },
    rules: { type: 'string', default: '200' },
  },
})

/** Every second person has an authenticator app. The others would have to set one up. */
const WITH_APP_EVERY = 2
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const apps = Number(options.apps)

const sizes = [Number(options.few), Number(options.many)]
const runs: CommandRun[] = []
console.log(`Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`)
for (const people of sizes) {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-simulate-'))
  try {
    const environment = {
      STORAGE_URL: `sqlite:${join(folder, 'server.sqlite')}`,
      ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    }
    const [peopleFile, appsFile, rulesFile] = await writeFiles(folder, people)
    await runCommand(['user', 'import', peopleFile], environment)
    await runCommand(['client', 'apply', appsFile], environment)
    const argv = ['policy', 'simulate', rulesFile, '--allow-lockout']
    const run = await runCommand(argv, environment)
    runs.push(run)
    console.log(
      `${people} people: ${run.seconds.toFixed(1)} s, ${run.cpuSeconds.toFixed(1)} s of CPU, ${run.peakMib.toFixed(0)} MiB`,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}
console.log(
  `${options.rules} rules, ${apps} apps, ${sizes.join(' and ')} people: the peak grew by ` +
    `${((runs[1]?.peakMib ?? NaN) - (runs[0]?.peakMib ?? NaN)).toFixed(0)} MiB; load ${loadavg()[0]?.toFixed(1)}`,
)

/** The people, the apps and the proposed rules as files of the commands. */
async function writeFiles(
  folder: string,
  people: number,
): Promise<readonly [string, string, string]> {
  const [peopleFile, appsFile, rulesFile] = ['people.jsonl', 'apps.json', 'rules.json'].map(
    (name) => join(folder, name),
  ) as [string, string, string]
  const passwordHash = await bcryptHash('the password of before', 4)
  await pipeline(Readable.from(peopleLines(people, passwordHash)), createWriteStream(peopleFile))
  await writeFile(appsFile, JSON.stringify(Array.from({ length: apps }, (_, nth) => appOf(nth))))
  const rules = Array.from({ length: Number(options.rules) }, (_, nth) => ruleOf(nth))
  await writeFile(rulesFile, JSON.stringify(rules))
  return [peopleFile, appsFile, rulesFile]
}

function* peopleLines(people: number, passwordHash: string): Generator<string> {
  for (let nth = 0; nth < people; nth += 1) {
    const person = {
      username: `person-${nth}`,
      email: `person-${nth}@example.com`,
      passwordHash,
      groups: [`group-${nth % 50}`],
      ...(nth % WITH_APP_EVERY === 0 ? { totp: [{ secret: newSecret(), name: 'phone' }] } : {}),
    }
    yield `${JSON.stringify(person)}\n`
  }
}

function appOf(nth: number): object {
  return {
    client_id: `app-${nth}`,
    client_name: `App ${nth}`,
    redirect_uris: [`https://app-${nth}.example/callback`],
    token_endpoint_auth_method: 'none',
  }
}

/** Each app and each group has rules of its own, so that no two apps are of one kind. */
function ruleOf(nth: number): object {
  return {
    name: `rule ${nth}`,
    when: nth % 2 === 0 ? { client: [`app-${nth % apps}`] } : { group: [`group-${nth % 50}`] },
    require: 'multi-factor',
    maxAgeSeconds: 3_600 + nth,
  }
}

function newSecret(): string {
  return [...randomBytes(32)].map((byte) => BASE32[byte % BASE32.length]).join('')
}
