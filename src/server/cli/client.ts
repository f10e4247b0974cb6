import type { Command } from 'commander'
import type { ShownClient } from '../clients/registry.ts'
import {
  addClientChangeCommands,
  additionOutput,
  unchangeable,
  warnOfPlainHttp,
} from './client-change.ts'
import { memberOptions, newMetadata } from './client-metadata.ts'
import { addRotateSecretCommand } from './client-secret.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  moment,
  readingCommand,
  Refusal,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

/** `client ...`: the relying parties. Metadata keeps the standard's snake_case. */
export function addClientCommands(program: Command, terminal: Terminal): void {
  const client = program.command('client').description('apps that people sign in to')
  addAddCommand(client, terminal)
  addClientChangeCommands(client, terminal)
  addRotateSecretCommand(client, terminal)
  answer(terminal, readingCommand(client, 'list', 'list apps, without secrets'), async () =>
    withSession(terminal, list),
  )
  const json = 'answer with JSON, as `client apply` takes it'
  answer(
    terminal,
    readingCommand(client, 'show', 'show an app, without its secret', json).argument(
      '<id>',
      'client_id',
    ),
    async ([id = '']) => withSession(terminal, (session) => show(session, id)),
  )
  answer(
    terminal,
    command(client, 'remove', 'remove an app').argument('<id>', 'client_id'),
    async ([id = '']) => withSession(terminal, (session) => remove(session, id)),
  )
}

function addAddCommand(client: Command, terminal: Terminal): void {
  const made = memberOptions(
    command(client, 'add', 'add an app; its secret is made and printed this once').argument(
      '<id>',
      'client_id',
    ),
  ).option('--public', 'an app that cannot keep a secret')
  answer(terminal, made, async ([id = ''], options) =>
    withSession(terminal, (session) => add(session, terminal, id, options)),
  )
}

async function add(
  { clients }: Session,
  terminal: Terminal,
  id: string,
  options: Options,
): Promise<Output> {
  const registry = await clients()
  if ((await registry.find(id)) !== undefined)
    throw new Refusal('client-taken', 'There is a client of this id.')
  const metadata = newMetadata(id, options)
  const output = additionOutput(await registry.add(metadata))
  warnOfPlainHttp(terminal, [metadata], options)
  return output
}

async function list({ clients }: Session): Promise<Output> {
  const all = await (await clients()).list()
  return {
    json: all,
    text: table(
      ['ID', 'NAME', 'KEPT IN', 'REDIRECT URIS'],
      all.map(({ client_id, client_name, source, redirect_uris }) =>
        [client_id, client_name, source, redirect_uris].map(cell),
      ),
    ),
  }
}

async function show({ clients }: Session, id: string): Promise<Output> {
  const shown = await (await clients()).show(id)
  if (shown === undefined) throw unchangeable('unknown')
  return { json: [shown.metadata], text: shownText(shown) }
}

function shownText({
  metadata,
  source,
  hasSecret,
  formerSecretUntil,
  ignored,
}: ShownClient): string {
  const rows = Object.entries(metadata).map(([member, value]) => [
    member,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return table(
    ['MEMBER', 'VALUE'],
    [
      ...rows,
      ...ignored.map((member) => [member, '(is not known and has no effect)']),
      ['(kept in)', source === 'file' ? 'CLIENTS_FILE' : 'storage'],
      ['(secret)', hasSecret ? 'yes' : 'none'],
      ...(formerSecretUntil === undefined
        ? []
        : [['(former secret)', `holds until ${moment(formerSecretUntil)}`]]),
    ],
  )
}

async function remove({ clients }: Session, id: string): Promise<Output> {
  const result = await (await clients()).remove(id)
  if (result !== 'removed') throw unchangeable(result)
  return { json: { client_id: id, result }, text: `${id} was removed.\n` }
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'string' ? value : ''
}
