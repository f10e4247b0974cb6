/** Loaded into a measured process (`--import`): writes its peak resident memory in KiB to file descriptor 3 at its end. */
import { writeSync } from 'node:fs'

process.on('exit', () => void writeSync(3, String(process.resourceUsage().maxRSS)))
