import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { processEnvironment } from '../../config/load.ts'
import { Command, CommanderError } from 'commander'
import { addClientCommands } from './cli/client.ts'
import { addMaintenanceCommands } from './cli/maintenance.ts'
import { addServeCommand } from './cli/serve.ts'
import { EXIT, failureOf, type Terminal } from './cli/terminal.ts'
import { addUserCommands } from './cli/user.ts'

/**
 * The command line. Answers the exit code: 0 done, 1 refused or failed, 2 not understood. Results go to
 * standard output, everything else to standard error; with `--json` both are JSON.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await commandLine(terminal).parseAsync([...argv], { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error, terminal)
    const failure = failureOf(error)
    const json = argv.includes('--json')
    terminal.err(json ? `${JSON.stringify({ error: failure }, null, 2)}\n` : `${failure.message}\n`)
    return EXIT.failed
  }
}

function exitCodeOf(error: CommanderError, terminal: Terminal): number {
  // The parser has printed its own message for what it found itself.
  if (error.code === 'usage') terminal.err(`${error.message}\n`)
  if (error.exitCode === 0 || error.code === 'failed') return error.exitCode
  return EXIT.usage
}

function commandLine(terminal: Terminal): Command {
  const program = new Command('oidc-provider-mfa')
    .description('an OpenID Connect provider with a second factor')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
    })
    .showHelpAfterError('(--help shows how)')
  // Settings of the parser pass to the commands that are made after them.
  addServeCommand(program, terminal)
  addUserCommands(program, terminal)
  addClientCommands(program, terminal)
  addMaintenanceCommands(program, terminal)
  return program
}

/** The terminal of this process. */
function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    async readLine() {
      const lines = createInterface({ input: process.stdin })
      for await (const line of lines) return line
      return ''
    },
    readFile: (path) => readFile(path, 'utf8'),
    environment: processEnvironment,
  }
}

/** What bin/oidc-provider-mfa.mjs runs. */
export async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), processTerminal())
}
