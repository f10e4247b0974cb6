/**
 * Compares the CPU time of a sign-in with metrics and without: `node bench/metrics.ts [ROUNDS]`. Rounds of the two
 * servers alternate, in changing order. The ratio is the median of the pairs, and should be at most 1.03.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MeasuredServer } from './measured-server.ts'
import { median } from './median.ts'

const ROUNDS = Number(process.argv[2] ?? 12)
const SIGN_INS = 24
const WARM_UP = 400
const AIM = 1.03

const folder = await mkdtemp(join(tmpdir(), 'mfa-bench-'))
const people = WARM_UP + ROUNDS * SIGN_INS
const off = await MeasuredServer.start('mfa', { path: join(folder, 'off.db'), people })
const on = await MeasuredServer.start('metered', { path: join(folder, 'on.db'), people })
const servers = [off, on]
try {
  for (const server of servers) {
    await server.checkPasswordsWith('none')
    await server.round(WARM_UP, 8)
    await server.checkPasswordsWith('argon2')
  }
  const pairs: { off: number; on: number }[] = []
  for (let number = 0; number < ROUNDS; number += 1) {
    const pair = { off: 0, on: 0 }
    for (const server of number % 2 === 0 ? servers : servers.toReversed()) {
      const { cpuMs } = await server.round(SIGN_INS, 1)
      pair[server === on ? 'on' : 'off'] = cpuMs
    }
    pairs.push(pair)
  }
  const of = (figure: 'off' | 'on'): string => median(pairs.map((pair) => pair[figure])).toFixed(1)
  const ratio = median(pairs.map((pair) => pair.on / pair.off))
  console.log(`Node ${process.version}, ${ROUNDS} rounds of ${SIGN_INS} sign-ins, medians`)
  console.log(`CPU per sign-in: ${of('off')} ms without metrics, ${of('on')} ms with them`)
  console.log(`ratio ${ratio.toFixed(3)}; aim: at most ${AIM}`)
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true })
}
