/**
 * Measures the cost of a whole sign-in with a second factor, of one with a passkey alone, and of the same host without
 * either: see README.md in this folder. `npm run bench`, or `npm run bench -- --rounds 3 --operations --profile FOLDER`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeasuredServer, type Round } from './measured-server.ts'
import { median } from './median.ts'
import type { PasswordCheck } from './passwords.ts'
import { measurePolicy } from './policy.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    'sign-ins': { type: 'string', default: '16' },
    /** Prints the number of calls of each storage operation per sign-in. */
    operations: { type: 'boolean', default: false },
    /** A folder for a CPU profile of each server. Sampling costs CPU: the figures of such a run do not count. */
    profile: { type: 'string' },
  },
})
const ROUNDS = Number(options.rounds)
const SIGN_INS = Number(options['sign-ins'])
/**
 * The number of sign-ins before the measurement. After them the compiler has little left to do; the time of its threads
 * would count.
 */
const WARM_UP = 600
const AT_ONCE = [1, 8]
const HASHERS: Readonly<Record<PasswordCheck, string>> = {
  none: 'no hash, so that everything else of a sign-in is measured by itself',
  argon2: 'the application hashes with the argon2 package',
  server: "the application hashes with the server's own hasher",
}
/** The servers that are compared, in the order of the columns. */
const COLUMNS = ['floor', 'mfa', 'passkey'] as const
type Column = (typeof COLUMNS)[number]
/** One round of each server. */
type Rounds = Readonly<Record<Column, Round>>
const AIMS = { ratio: 1.15, never: 1.25, outsideHashMs: 9, withoutHash: 2, operations: 40 }

const folder = await mkdtemp(join(tmpdir(), 'mfa-bench-'))
const people = WARM_UP + 3 * AT_ONCE.length * ROUNDS * SIGN_INS
const floor = await MeasuredServer.start('floor', { path: '', people: 0 })
const mfa = await MeasuredServer.start('mfa', { path: join(folder, 'mfa.db'), people })
const passkey = await MeasuredServer.start('passkey', { path: join(folder, 'passkey.db'), people })
const servers = [floor, mfa, passkey]
try {
  console.log(`Node ${process.version}. ${ROUNDS} rounds of ${SIGN_INS} sign-ins each, medians.`)
  measurePolicy()
  for (const server of servers) {
    await server.checkPasswordsWith('none')
    await server.round(WARM_UP, 8)
  }
  if (options.profile !== undefined) for (const server of servers) await server.profile()
  for (const hasher of ['none', 'argon2', 'server'] as const) {
    for (const server of servers) await server.checkPasswordsWith(hasher)
    for (const atOnce of AT_ONCE) await compare(atOnce, hasher)
  }
  if (options.profile !== undefined)
    for (const server of servers)
      await server.writeProfile(join(options.profile, `${server.kind}.cpuprofile`))
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true })
}

/** Runs a round of each server in turn, in alternating order, so that a drift of the machine affects all. */
async function compare(atOnce: number, hasher: PasswordCheck): Promise<void> {
  const rounds: Rounds[] = []
  for (let number = 0; number < ROUNDS; number += 1) {
    const order = number % 2 === 0 ? servers : servers.toReversed()
    const round: Record<string, Round> = {}
    for (const server of order) round[server.kind] = await server.round(SIGN_INS, atOnce)
    rounds.push(round as Rounds)
  }
  const of = (kind: Column, figure: keyof Round) =>
    median(rounds.map((round) => round[kind][figure] as number))
  const each = (figure: keyof Round) => COLUMNS.map((kind) => of(kind, figure))
  const least = (kind: Column) => Math.min(...rounds.map((round) => round[kind].cpuMs))
  const ratio = median(rounds.map((round) => round.mfa.cpuMs / round.floor.cpuMs))

  console.log(
    `\n${atOnce} at a time; ${HASHERS[hasher]}\n${' '.repeat(36)}${COLUMNS.map((kind) => kind.padStart(10)).join('')}`,
  )
  line('sign-ins per second', each('perSecond'))
  line('server CPU, ms per sign-in', each('cpuMs'))
  line('  in the best round', COLUMNS.map(least))
  if (hasher !== 'none')
    // A sign-in with a passkey computes no hash: all of it is outside.
    line('  outside the password hash', [
      of('floor', 'outsideHashMs'),
      of('mfa', 'outsideHashMs'),
      of('passkey', 'cpuMs'),
    ])
  line('storage operations per sign-in', each('operations'))
  line('resident memory, MiB', each('rssMib'))
  if (hasher === 'none')
    console.log(`without a hash ${ratio.toFixed(2)} times the host (aim ${AIMS.withoutHash})`)
  else
    console.log(
      `CPU ratio ${ratio.toFixed(3)}, of the best rounds ${(least('mfa') / least('floor')).toFixed(3)} ` +
        `(aim ${AIMS.ratio}, never above ${AIMS.never}); outside the hash ` +
        `${of('mfa', 'outsideHashMs').toFixed(2)} ms (aim ${AIMS.outsideHashMs}); ` +
        `${of('mfa', 'operations').toFixed(1)} operations (aim ${AIMS.operations})`,
    )
  const passkeyRatio = median(rounds.map((round) => round.passkey.cpuMs / round.mfa.cpuMs))
  console.log(`a passkey alone ${passkeyRatio.toFixed(3)} times a password and a code`)
  if (options.operations) listOperations(rounds[0]!)
}

function listOperations(round: Rounds): void {
  const names = new Set(COLUMNS.flatMap((kind) => Object.keys(round[kind].operationsByName)))
  for (const name of [...names].sort())
    line(
      `  ${name}`,
      COLUMNS.map((kind) => round[kind].operationsByName[name] ?? 0),
    )
}

function line(label: string, figures: readonly number[]): void {
  const columns = figures.map((figure) => figure.toFixed(2).padStart(10))
  console.log(`${label.padEnd(36)}${columns.join('')}`)
}
