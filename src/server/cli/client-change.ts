import type { Command } from 'commander'
import type { Json, JsonObject } from '../../domain/json.ts'
import type { Applied, AppliedClient } from '../clients/change.ts'
import type { KeptMember, MemberChange } from '../clients/difference.ts'
import type { Unchangeable } from '../clients/registry.ts'
import { SECRET } from '../clients/secret.ts'
import { ClientFaults } from '../clients/validate.ts'
import { changeOf, collect, memberOptions } from './client-metadata.ts'
import { readJson } from './read.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, Refusal, type Options, type Output, type Terminal } from './terminal.ts'

/** `client apply` and `client update`, which print what they change, member by member. */
export function addClientChangeCommands(client: Command, terminal: Terminal): void {
  answer(
    terminal,
    command(client, 'apply', 'add and change the apps of a JSON array of client metadata')
      .argument('<file>')
      .option('--replace', 'remove the members that the file lacks')
      .option('--dry-run', 'print the changes, and change nothing'),
    async ([file = ''], options) =>
      withSession(terminal, (session) => applyFile(session, terminal, file, options)),
  )
  const update = memberOptions(
    command(client, 'update', 'change members of an app').argument('<id>', 'client_id'),
  )
    .option('--unset <member>', 'remove a member of client metadata; may be repeated', collect)
    .option('--dry-run', 'print the changes, and change nothing')
  answer(terminal, update, async ([id = ''], options) => {
    const change = changeOf(options)
    return withSession(terminal, (session) => updateOne(session, terminal, { id, change, options }))
  })
}

async function applyFile(
  { clients }: Session,
  terminal: Terminal,
  file: string,
  options: Options,
): Promise<Output> {
  const metadata = await readJson(terminal, file)
  const { replace, dryRun } = optionsOf(options)
  const applied = await (await clients()).apply(metadata, { replace, dryRun })
  const hint = '(not in the file; --replace removes it)'
  const output = changesOutput(applied, { dryRun, keptBecause: replace ? '' : hint })
  warnOfPlainHttp(terminal, metadata as readonly JsonObject[], options)
  return output
}

interface Update {
  readonly id: string
  readonly change: (metadata: JsonObject) => JsonObject
  readonly options: Options
}

async function updateOne(
  { clients }: Session,
  terminal: Terminal,
  { id, change, options }: Update,
): Promise<Output> {
  const registry = await clients()
  const { dryRun } = optionsOf(options)
  let changed: JsonObject = {}
  const applied = await registry.update(id, (metadata) => (changed = change(metadata)), { dryRun })
  if (typeof applied === 'string') throw unchangeable(applied)
  const output = changesOutput(applied, { dryRun })
  warnOfPlainHttp(terminal, [changed], options)
  return output
}

function optionsOf({ replace, dryRun }: Options): { replace: boolean; dryRun: boolean } {
  return { replace: replace === true, dryRun: dryRun === true }
}

/** The refusal for an app that a command cannot change. */
export function unchangeable(reason: Unchangeable): Refusal {
  return reason === 'unknown'
    ? new Refusal('client-unknown', 'There is no such client.')
    : new Refusal('client-read-only', 'This client is in CLIENTS_FILE: change it there.')
}

/** The result of `client add`, which changes nothing that is there. */
export function additionOutput(applied: Applied): Output {
  const { clients, ignored } = accepted(applied)
  return {
    json: clients.map(({ changes: _changes, keeps: _keeps, ...rest }) => rest),
    text: [...clients.flatMap((each) => [headOf(each), ...secretOf(each)]), ...ignored, ''].join(
      '\n',
    ),
  }
}

interface Shown {
  readonly dryRun: boolean
  /** Said after each member that is kept, the secret excepted. */
  readonly keptBecause?: string
}

function changesOutput(applied: Applied, { dryRun, keptBecause = '' }: Shown): Output {
  const { clients, ignored } = accepted(applied)
  return {
    json: clients,
    text: [
      ...clients.flatMap((each) => [
        headOf(each),
        ...each.changes.map((change) => `  ${changeLine(change, each.result)}`),
        ...each.keeps.map((kept) => `  ${keptLine(kept, keptBecause)}`),
        ...secretOf(each),
      ]),
      ...ignored,
      ...(dryRun ? ['--dry-run: nothing was changed.'] : []),
      '',
    ].join('\n'),
  }
}

function accepted(applied: Applied): {
  readonly clients: readonly AppliedClient[]
  readonly ignored: readonly string[]
} {
  if (applied.ok) {
    const ignored = applied.ignored.map(
      ({ client, field }) => `${client}: ${field} is not known and has no effect`,
    )
    return { clients: applied.clients, ignored }
  }
  const done = (applied.done ?? []).filter(({ result }) => result !== 'unchanged')
  throw new ClientFaults(
    done.length === 0 ? 'Nothing was changed:' : `Only ${done.map(nameOf).join(', ')} was changed:`,
    applied.faults,
  )
}

function nameOf({ client_id }: AppliedClient): string {
  return client_id
}

function headOf({ client_id, result }: AppliedClient): string {
  return `${client_id}: ${result}`
}

function secretOf({ client_secret }: AppliedClient): readonly string[] {
  return client_secret === undefined ? [] : [`  client_secret (shown this once): ${client_secret}`]
}

function changeLine(
  { member, change, from, to, means }: MemberChange,
  result: AppliedClient['result'],
): string {
  if (from === undefined && to === undefined) return `${member}: ${change}`
  if (result === 'added') return `${member}: ${worded(to)}`
  const line = `${member}: ${worded(from)} -> ${worded(to)}`
  return means === undefined ? line : `${line}, which means ${worded(means)}`
}

/** The secret stays in any case: a file without secrets must not end the access of an app. */
function keptLine({ member, value }: KeptMember, because: string): string {
  const line = value === undefined ? `keeps ${member}` : `keeps ${member}: ${worded(value)}`
  return member === SECRET ? line : `${line} ${because}`.trimEnd()
}

function worded(value: Json | undefined): string {
  return value === undefined ? 'not set' : JSON.stringify(value)
}

/**
 * Warns of redirect URIs that are neither encrypted nor on this machine. Such an app may be under development, or in
 * production by mistake. Prints only the origin: the rest of the address may hold a password or steer the terminal
 * (R31).
 */
export function warnOfPlainHttp(
  terminal: Terminal,
  clients: readonly JsonObject[],
  { json }: Options,
): void {
  for (const { client_id: id, redirect_uris: uris } of clients)
    for (const origin of new Set(Array.isArray(uris) ? uris.flatMap(plainHttpElsewhere) : [])) {
      const value = { client_id: id, field: 'redirect_uris', origin, warning: 'not-encrypted' }
      const text = `${typeof id === 'string' ? id : ''}: ${origin} is not encrypted: codes cross the network readable`
      terminal.err(json === true ? `${JSON.stringify(value)}\n` : `${text}\n`)
    }
}

function plainHttpElsewhere(uri: unknown): readonly string[] {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return []
  const { protocol, hostname, origin } = new URL(uri)
  const isHere = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'http:' && !isHere ? [origin] : []
}
