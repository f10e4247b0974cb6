/**
 * Measures whether a sign-in takes longer if many people have a second factor: see README.md in this folder. Run
 * `node bench/scale.ts`, or with `--few 1000 --many 100000 --rounds 12 --sign-ins 50`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeasuredServer } from './measured-server.ts'
import { median } from './median.ts'

const { values: options } = parseArgs({
  options: {
    few: { type: 'string', default: '1000' },
    many: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '12' },
    'sign-ins': { type: 'string', default: '50' },
  },
})
const ROUNDS = Number(options.rounds)
const SIGN_INS = Number(options['sign-ins'])
const WARM_UP = 300
const LIMIT = 1.2

const folder = await mkdtemp(join(tmpdir(), 'mfa-scale-'))
const people = WARM_UP + ROUNDS * SIGN_INS
const [few, many] = await Promise.all(
  [options.few, options.many].map((all) =>
    MeasuredServer.start('mfa', {
      path: join(folder, `${all}.db`),
      people,
      crowd: Math.max(Number(all) - people, 0),
    }),
  ),
)
const servers = [few!, many!] as const
try {
  for (const server of servers) {
    // No password is hashed: a hash takes most of the time of a sign-in and does not depend on the number of people, so
    // it would hide a difference.
    await server.checkPasswordsWith('none')
    await server.round(WARM_UP, 8)
  }
  const rounds: { few: number; many: number }[] = []
  for (let number = 0; number < ROUNDS; number += 1) {
    const order = number % 2 === 0 ? servers : servers.toReversed()
    const tookMs = new Map<MeasuredServer, number>()
    for (const server of order) tookMs.set(server, (await server.round(SIGN_INS, 1)).medianMs)
    rounds.push({ few: tookMs.get(servers[0])!, many: tookMs.get(servers[1])! })
  }
  const ratio = median(rounds.map((round) => round.many / round.few))
  console.log(
    `Node ${process.version}. ${ROUNDS} rounds of ${SIGN_INS} sign-ins each, one at a time.`,
  )
  console.log(`${options.few} people: ${median(rounds.map((round) => round.few)).toFixed(2)} ms`)
  console.log(`${options.many} people: ${median(rounds.map((round) => round.many)).toFixed(2)} ms`)
  console.log(`ratio ${ratio.toFixed(3)} (never above ${LIMIT})`)
  process.exitCode = ratio <= LIMIT ? 0 : 1
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true })
}
