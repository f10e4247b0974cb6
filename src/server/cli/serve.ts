import type { Command } from 'commander'
import { loadConfig } from '../../../config/load.ts'
import { serve } from '../boot/serve.ts'
import { openLog } from '../observe/log.ts'
import { readingCommand, type Terminal } from './terminal.ts'

/** `serve`: runs until it is told to stop. With `--json` it prints one line of JSON at the start. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  const summary = 'run the server; what npm start does'
  readingCommand(program, 'serve', summary, 'print the addresses as one line of JSON').action(
    async (options: { json?: boolean }) => {
      const json = options.json === true
      const running = await inLog(terminal, async () =>
        serve(loadConfig(terminal.environment), {
          print: (line) => (json ? undefined : terminal.out(`${line}\n`)),
          starter: terminal.starter,
        }),
      )
      if (!json) return
      const { issuer, url, demonstrationUrl, metricsUrl } = running
      terminal.out(
        `${JSON.stringify({ issuer, url, demonstration_url: demonstrationUrl, metrics_url: metricsUrl })}\n`,
      )
    },
  )
}

/** In production a start that fails is also a line of the log, because a collector of logs may not see standard error. */
async function inLog<T>({ environment }: Terminal, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (environment['NODE_ENV'] === 'production')
      openLog('fatal', environment['NODE_NAME']).fatal({ error }, 'the server did not start')
    throw error
  }
}
