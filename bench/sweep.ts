/**
 * Measures a sweep of expired rows beside sign-ins: `node bench/sweep.ts [ROWS] [SIGN_INS]`. One server with the plugin on
 * SQLite; people sign in one after another, first with nothing to sweep, then while the same process sweeps ROWS rows,
 * then again without. The ratio compares the 99th percentile beside the sweep with the mean of the two without.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MeasuredServer } from './measured-server.ts'

const ROWS = Number(process.argv[2] ?? 1_000_000)
const SIGN_INS = Number(process.argv[3] ?? 600)
const WARM_UP = 100
const MOST_SECONDS = 300
const MOST_RATIO = 1.25

const folder = await mkdtemp(join(tmpdir(), 'mfa-bench-'))
const people = WARM_UP + 3 * SIGN_INS
const server = await MeasuredServer.start('mfa', { path: join(folder, 'sweep.db'), people })
try {
  await server.checkPasswordsWith('argon2')
  await server.fillWithExpired(ROWS)
  await server.round(WARM_UP, 1)
  const before = await server.round(SIGN_INS, 1)
  await server.beginSweep()
  const during = await server.round(SIGN_INS, 1)
  const { rows, seconds } = await server.endOfSweep()
  const after = await server.round(SIGN_INS, 1)
  const usual = (before.p99Ms + after.p99Ms) / 2
  const ratio = during.p99Ms / usual
  console.log(`Node ${process.version}, ${SIGN_INS} sign-ins, one at a time`)
  console.log(`${rows} rows in ${seconds.toFixed(0)} s; aim: at most ${MOST_SECONDS} s`)
  console.log(
    `p99 of a sign-in: ${before.p99Ms.toFixed(1)} and ${after.p99Ms.toFixed(1)} ms without the sweep, ` +
      `${during.p99Ms.toFixed(1)} ms beside it; medians ${before.medianMs.toFixed(1)}, ${after.medianMs.toFixed(1)} and ${during.medianMs.toFixed(1)} ms`,
  )
  console.log(`ratio ${ratio.toFixed(2)}; aim: at most ${MOST_RATIO}`)
  process.exitCode = seconds <= MOST_SECONDS && ratio <= MOST_RATIO ? 0 : 1
} finally {
  await server.stop()
  await rm(folder, { recursive: true })
}
