import { parseEnv } from 'node:util'
import { CommanderError, type Command } from 'commander'
import { ConfigError } from '../../../config/environment.ts'
import { MfaError } from '../../domain/errors.ts'
import type { Starter } from '../boot/signals.ts'
import { ClientFaults } from '../clients/validate.ts'
import { KeyFault } from '../keys/jwks.ts'

/** The input and output of a command. A test passes its own. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Resolves when what was printed has left this process. A command that prints much waits for it. */
  drained?(): Promise<void>
  /**
   * The first line of standard input, without its line end. Secrets are read here, since they never stand in
   * arguments.
   */
  readLine(): Promise<string>
  readFile(path: string): Promise<string>
  /** Asks the person at the terminal. Absent: standard input is no terminal. */
  ask?(question: string, about?: { readonly isHidden?: boolean }): Promise<string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether the outputs are JSON. */
  readonly json?: boolean | undefined
  /** Whether a person sees standard error as it is written. Absent: it goes to a file or to a program. */
  readonly isInteractive?: boolean
  /** The milliseconds of a clock that nobody sets. Absent: the clock of the process. */
  readonly now?: () => number
  /** The process that started this one, if the server has to end with it. */
  readonly starter?: Starter | undefined
  /** The operator whose command runs, for the audit trail. The command line sets it. */
  readonly actor?: () => string
}

/** 0: done. 1: refused or failed. 2: the command line was not understood. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** A refusal that an operator expects: no such user, a fault in a file. */
export class Refusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'Refusal'
    this.code = code
  }
}

/** The refusal of a policy, with each of its faults. */
export class PolicyFaults extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.map((fault) => `The policy is refused: ${fault}`).join('\n'))
    this.name = 'PolicyFaults'
    this.faults = faults
  }
}

export interface Output {
  /** The result for a program, printed with `--json`. */
  readonly json: unknown
  /** The result for a person. */
  readonly text: string
  /** Present if the command has run but found a fault (`doctor`). */
  readonly failed?: true
}

/** A command that changes something: like `readingCommand`, with `--actor`, which the audit trail names. */
export function command(parent: Command, name: string, summary: string): Command {
  return readingCommand(parent, name, summary).option(
    '--actor <name>',
    'who does it, for the audit trail; default: the user of the system',
  )
}

/** A command that only reads. Each has `--json` and `--env-file`, and `--help` from the parser. */
export function readingCommand(
  parent: Command,
  name: string,
  summary: string,
  json = 'answer with JSON',
): Command {
  return parent
    .command(name)
    .description(summary)
    .option('--json', json)
    .option('--env-file <file>', 'read settings from this file too; the environment wins')
}

/**
 * The environment with the variables of the files that `--env-file` names, which have lines `NAME=value` as `node
 * --env-file` reads them. Of two files the later one wins, and a variable of the environment wins over both. Throws
 * Refusal `file-unreadable`.
 */
export async function withEnvironmentFile(
  terminal: Terminal,
  argv: readonly string[],
): Promise<Terminal> {
  const files = environmentFiles(argv)
  if (files.length === 0) return terminal
  const environment: Record<string, string | undefined> = {}
  for (const path of files)
    Object.assign(environment, present(await readEnvironment(terminal, path)))
  return { ...terminal, environment: { ...environment, ...present(terminal.environment) } }
}

function environmentFiles(argv: readonly string[]): readonly string[] {
  return argv.flatMap((each, at) => {
    if (each.startsWith('--env-file=')) return [each.slice('--env-file='.length)]
    const next = each === '--env-file' ? argv[at + 1] : undefined
    return next === undefined ? [] : [next]
  })
}

async function readEnvironment(
  terminal: Terminal,
  path: string,
): Promise<Readonly<Record<string, string | undefined>>> {
  let text: string
  try {
    text = await terminal.readFile(path)
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string }
    throw new Refusal('file-unreadable', `${path} cannot be read: ${code}`)
  }
  return parseEnv(text.replace(/^\uFEFF/, ''))
}

/** An empty variable counts as absent, as everywhere. */
function present(
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value))
}

/**
 * Sets what a command does: `run` gets the arguments and options, and its output is printed. Undefined: the command has
 * printed all of it.
 */
export function answer(
  terminal: Terminal,
  made: Command,
  run: (args: readonly string[], options: Options) => Promise<Output | undefined>,
): void {
  made.action(async (...given: unknown[]) => {
    const options = made.opts<Options>()
    const output = await run(given.slice(0, -2).flat().filter(isText), options)
    if (output === undefined) return
    terminal.out(
      options['json'] === true ? `${JSON.stringify(output.json, null, 2)}\n` : output.text,
    )
    if (output.failed) throw new CommanderError(EXIT.failed, 'failed', '')
  })
}

export type Options = Readonly<Record<string, unknown>>

/** Describes an expected error for people and for programs, without a secret (R31). Throws any other error again. */
export function failureOf(error: unknown): { code: string; message: string; faults?: unknown } {
  if (error instanceof ConfigError)
    return { code: 'configuration', message: error.message, faults: error.faults }
  if (error instanceof KeyFault)
    return {
      code: 'configuration',
      message: error.message,
      faults: [{ setting: error.setting, problem: error.message }],
    }
  if (error instanceof ClientFaults)
    return { code: 'client-invalid', message: error.message, faults: error.faults }
  if (error instanceof PolicyFaults)
    return { code: 'policy-invalid', message: error.message, faults: error.faults }
  if (error instanceof Refusal || error instanceof MfaError)
    return { code: error.code, message: error.message }
  throw error
}

/**
 * Wraps a terminal so that it prints nothing that steers a terminal or reverses text: a browser chooses its
 * `User-Agent` and a file its names, and an operator reads both. Such a character is written as its number, which in
 * JSON is the same character.
 */
export function harmless(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => terminal.out(escaped(text, STEERING)),
    err: (text) => terminal.err(escaped(text, STEERING)),
  }
}

/**
 * Control characters except the line feed, marks of direction, and characters that some programs take for a line end.
 */
const STEERING = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
const LINE_ENDS = /[\n\r]/g

function escaped(text: string, characters: RegExp): string {
  return text.replaceAll(
    characters,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A table for people: columns under a head. The line ends in a cell are escaped, so that it stays on its line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((row) => row.map((cell) => escaped(cell, LINE_ENDS)))
  const lengthOf = (cell = ''): number => [...cell].length
  // Not by `Math.max(...lengths)`: a call takes fewer arguments than a table may have rows.
  const widths = head.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, lengthOf(line[column])), 0),
  )
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

export function moment(seconds: number | undefined): string {
  return seconds === undefined ? '' : new Date(seconds * 1000).toISOString().replace('.000', '')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
