import '../../host/runtime.ts'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline/promises'
import { processEnvironment } from '../../../config/load.ts'
import { Command, CommanderError } from 'commander'
import type { Starter } from '../boot/signals.ts'
import { actorOf } from './actor.ts'
import { askAtTerminal } from './prompt.ts'
import { addServeCommand } from './serve.ts'
import {
  EXIT,
  failureOf,
  harmless,
  Refusal,
  withEnvironmentFile,
  type Options,
  type Terminal,
} from './terminal.ts'

/** The file is found by the package's own name, because built code has another relative path to it than the source. */
const { version } = createRequire(import.meta.url)('oidc-provider-mfa/package.json') as {
  version: string
}

/**
 * Runs the command line and returns the exit code: 0 done, 1 refused or failed, 2 not understood. Results go to
 * standard output, everything else to standard error; with `--json` both are JSON.
 */
export async function run(argv: readonly string[], given: Terminal): Promise<number> {
  const json = argv.includes('--json')
  const terminal = { ...harmless(given), json }
  const say = (failure: ReturnType<typeof failureOf>): void =>
    terminal.err(json ? `${JSON.stringify({ error: failure }, null, 2)}\n` : `${failure.message}\n`)
  try {
    const environed = await withEnvironmentFile(terminal, argv)
    const program = await commandLine(environed, argv, json)
    await program.parseAsync([...argv], { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      say(failureOf(error))
      return EXIT.failed
    }
    if (error.exitCode === 0 || error.code === 'failed') return error.exitCode
    // Without `--json` the parser has already printed its own errors and how to get help.
    if (json || error.code === 'usage')
      say({ code: 'usage', message: error.message.replace(/^error: /, '') })
    return EXIT.usage
  }
}

async function commandLine(
  given: Terminal,
  argv: readonly string[],
  json: boolean,
): Promise<Command> {
  let actor = ''
  const terminal: Terminal = { ...given, actor: () => actor }
  const program = new Command('oidc-provider-mfa')
    .description('an OpenID Connect provider with a second factor')
    .version(version, '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => (json ? undefined : terminal.err(text)),
    })
    .showHelpAfterError('(--help shows how)')
    // `migrate` is a command and also has subcommands: options after a subcommand's name belong to the subcommand.
    .enablePositionalOptions()
    // Read here for every command: the session gives it to all that writes to the trail.
    .hook('preAction', (_program, chosen) => {
      actor = actorOf(chosen.opts<Options>())
    })
  // Commands inherit the parser's settings only if they are added afterwards.
  addServeCommand(program, terminal)
  // The server runs for months: it does not keep the code of the other commands in memory.
  if (argv[0] !== 'serve') (await import('./commands.ts')).addCommands(program, terminal)
  return program
}

/** The terminal of this process. */
function processTerminal(starter?: Starter): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    async readLine() {
      const lines = createInterface({ input: process.stdin })
      for await (const line of lines) return line
      return ''
    },
    drained,
    readFile: (path) => readFile(path, 'utf8'),
    ...(process.stdin.isTTY ? { ask: askAtTerminal } : {}),
    environment: processEnvironment,
    isInteractive: process.stderr.isTTY,
    starter,
  }
}

/** Throws Refusal `output-closed`. */
async function drained(): Promise<void> {
  const { stdout } = process
  if (stdout.writableNeedDrain)
    await once(stdout, 'drain').catch(() => {
      throw new Refusal('output-closed', 'Nobody reads standard output any more.')
    })
}

/** The function that bin/oidc-provider-mfa.mjs runs. */
export async function main(starter?: Starter): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), processTerminal(starter))
}
