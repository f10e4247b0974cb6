/**
 * Loaded into a measured process (`--import`): writes to file descriptor 3 at its end the peak of its resident memory in
 * KiB, and its CPU time in microseconds.
 */
import { writeSync } from 'node:fs'

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  writeSync(3, `${maxRSS} ${userCPUTime + systemCPUTime}`)
})
