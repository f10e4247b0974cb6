/**
 * Measures the cost of a whole sign-in with a second factor, and of the same host without it: see README.md in this
 * folder. `npm run bench`, or `npm run bench -- --rounds 3 --operations --profile FOLDER`.
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
const AIMS = { ratio: 1.15, never: 1.25, outsideHashMs: 9, withoutHash: 2, operations: 40 }

const folder = await mkdtemp(join(tmpdir(), 'mfa-bench-'))
const people = WARM_UP + 3 * AT_ONCE.length * ROUNDS * SIGN_INS
const floor = await MeasuredServer.start('floor', { path: '', people: 0 })
const mfa = await MeasuredServer.start('mfa', { path: join(folder, 'mfa.db'), people })
const servers = [floor, mfa]
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

/** Runs a round of each server in turn, in alternating order, so that a drift of the machine affects both. */
async function compare(atOnce: number, hasher: PasswordCheck): Promise<void> {
  const rounds: { floor: Round; mfa: Round }[] = []
  for (let number = 0; number < ROUNDS; number += 1) {
    const order = number % 2 === 0 ? [floor, mfa] : [mfa, floor]
    const pair: Record<string, Round> = {}
    for (const server of order) pair[server.kind] = await server.round(SIGN_INS, atOnce)
    rounds.push(pair as { floor: Round; mfa: Round })
  }
  const of = (kind: 'floor' | 'mfa', figure: keyof Round) =>
    median(rounds.map((round) => round[kind][figure] as number))
  const least = (kind: 'floor' | 'mfa') => Math.min(...rounds.map((round) => round[kind].cpuMs))
  const ratio = median(rounds.map((round) => round.mfa.cpuMs / round.floor.cpuMs))

  console.log(
    `\n${atOnce} at a time; ${HASHERS[hasher]}\n${'floor'.padStart(46)}${'mfa'.padStart(10)}`,
  )
  line('sign-ins per second', of('floor', 'perSecond'), of('mfa', 'perSecond'))
  line('server CPU, ms per sign-in', of('floor', 'cpuMs'), of('mfa', 'cpuMs'))
  line('  in the best round', least('floor'), least('mfa'))
  if (hasher !== 'none')
    line('  outside the password hash', of('floor', 'outsideHashMs'), of('mfa', 'outsideHashMs'))
  line('storage operations per sign-in', of('floor', 'operations'), of('mfa', 'operations'))
  line('resident memory, MiB', of('floor', 'rssMib'), of('mfa', 'rssMib'))
  if (hasher === 'none')
    console.log(`without a hash ${ratio.toFixed(2)} times the host (aim ${AIMS.withoutHash})`)
  else
    console.log(
      `CPU ratio ${ratio.toFixed(3)}, of the best rounds ${(least('mfa') / least('floor')).toFixed(3)} ` +
        `(aim ${AIMS.ratio}, never above ${AIMS.never}); outside the hash ` +
        `${of('mfa', 'outsideHashMs').toFixed(2)} ms (aim ${AIMS.outsideHashMs}); ` +
        `${of('mfa', 'operations').toFixed(1)} operations (aim ${AIMS.operations})`,
    )
  if (options.operations) listOperations(rounds[0]!)
}

function listOperations(round: { floor: Round; mfa: Round }): void {
  const names = new Set([
    ...Object.keys(round.floor.operationsByName),
    ...Object.keys(round.mfa.operationsByName),
  ])
  for (const name of [...names].sort())
    line(
      `  ${name}`,
      round.floor.operationsByName[name] ?? 0,
      round.mfa.operationsByName[name] ?? 0,
    )
}

function line(label: string, floorFigure: number, mfaFigure: number): void {
  const [one, other] = [floorFigure, mfaFigure].map((figure) => figure.toFixed(2).padStart(10))
  console.log(`${label.padEnd(36)}${one}${other}`)
}
