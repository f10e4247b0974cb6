import { CommanderError, type Command } from 'commander'
import type { JsonObject } from '../../domain/json.ts'
import type { Applied, AppliedClient } from '../clients/registry.ts'
import { SECRET } from '../clients/secret.ts'
import { ClientFaults } from '../clients/validate.ts'
import { readJson } from './read.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  readingCommand,
  EXIT,
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
  answer(
    terminal,
    command(client, 'apply', 'add and change the apps of a JSON array of client metadata').argument(
      '<file>',
    ),
    async ([file = ''], options) =>
      withSession(terminal, (session) => applyFile(session, terminal, file, options)),
  )
  answer(terminal, readingCommand(client, 'list', 'list apps, without secrets'), async () =>
    withSession(terminal, list),
  )
  answer(
    terminal,
    command(client, 'remove', 'remove an app').argument('<id>', 'client_id'),
    async ([id = '']) => withSession(terminal, (session) => remove(session, id)),
  )
}

function addAddCommand(client: Command, terminal: Terminal): void {
  const made = command(client, 'add', 'add an app; its secret is made and printed this once')
    .argument('<id>', 'client_id')
    .option('--redirect-uri <uri>', 'where sign-ins return to; may be repeated', collect)
    .option('--name <name>', 'what people know it by')
    .option('--post-logout-redirect-uri <uri>', 'after signing out; may be repeated', collect)
    .option('--backchannel-logout-uri <uri>', 'told of each sign-out')
    .option('--public', 'an app that cannot keep a secret')
    .option('--first-party', 'one of our own: nobody is asked for consent')
    .option('--refresh', 'may ask for refresh tokens')
    .option('--mfa <policy>', '`required` asks everybody for a second factor')
    .option('--no-pkce', 'allow a confidential app to do without PKCE')
    .option('--set <member=value>', 'another member of client metadata; may be repeated', collect)
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
  const metadata = metadataOf(id, options)
  const output = outputOf(await registry.applyWithSecret(metadata))
  warnOfPlainHttp(terminal, [metadata], options)
  return output
}

async function applyFile(
  { clients }: Session,
  terminal: Terminal,
  file: string,
  options: Options,
): Promise<Output> {
  const metadata = await readJson(terminal, file)
  const output = outputOf(await (await clients()).apply(metadata))
  warnOfPlainHttp(terminal, metadata as readonly JsonObject[], options)
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

async function remove({ clients }: Session, id: string): Promise<Output> {
  const result = await (await clients()).remove(id)
  if (result === 'unknown') throw new Refusal('client-unknown', 'There is no such client.')
  if (result === 'read-only')
    throw new Refusal('client-read-only', 'This client is in CLIENTS_FILE: remove it there.')
  return { json: { client_id: id, result }, text: `${id} was removed.\n` }
}

function outputOf(applied: Applied): Output {
  if (!applied.ok) throw new ClientFaults('Nothing was changed:', applied.faults)
  return {
    json: applied.clients,
    text: [
      ...applied.clients.map(lineOf),
      ...applied.ignored.map(
        ({ client, field }) => `${client}: ${field} is not known and has no effect`,
      ),
      '',
    ].join('\n'),
  }
}

/**
 * Warns of redirect URIs that are neither encrypted nor on this machine. Such an app may be under development, or in
 * production by mistake. Prints only the origin: the rest of the address may hold a password or steer the terminal
 * (R31).
 */
function warnOfPlainHttp(
  terminal: Terminal,
  clients: readonly JsonObject[],
  { json }: Options,
): void {
  for (const { client_id: id, redirect_uris: uris } of clients)
    for (const origin of new Set(Array.isArray(uris) ? uris.flatMap(plainHttpElsewhere) : [])) {
      const value = { client_id: id, field: 'redirect_uris', origin, warning: 'not-encrypted' }
      const text = `${cell(id)}: ${origin} is not encrypted: codes cross the network readable`
      terminal.err(json === true ? `${JSON.stringify(value)}\n` : `${text}\n`)
    }
}

function plainHttpElsewhere(uri: unknown): readonly string[] {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return []
  const { protocol, hostname, origin } = new URL(uri)
  const isHere = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'http:' && !isHere ? [origin] : []
}

function lineOf({ client_id, result, client_secret }: AppliedClient): string {
  const line = `${client_id}: ${result}`
  return client_secret === undefined
    ? line
    : `${line}\n  client_secret (shown this once): ${client_secret}`
}

function metadataOf(id: string, options: Options): JsonObject {
  const { redirectUri, postLogoutRedirectUri, mfa } = options as Record<string, string[] & string>
  if (options['public'] === true && options['pkce'] === false)
    throw new CommanderError(EXIT.usage, 'usage', 'error: a public app cannot do without PKCE')
  const named: JsonObject = {
    client_id: id,
    ...(redirectUri === undefined ? {} : { redirect_uris: redirectUri }),
    ...(postLogoutRedirectUri === undefined
      ? {}
      : { post_logout_redirect_uris: postLogoutRedirectUri }),
    ...given('client_name', options['name']),
    ...given('backchannel_logout_uri', options['backchannelLogoutUri']),
    ...(options['public'] === true ? { token_endpoint_auth_method: 'none' } : {}),
    ...(options['firstParty'] === true ? { first_party: true } : {}),
    ...(options['refresh'] === true
      ? { grant_types: ['authorization_code', 'refresh_token'] }
      : {}),
    ...(mfa === undefined ? {} : { mfa }),
    ...(options['pkce'] === false ? { require_pkce: false } : {}),
  }
  const { set = [] } = options as { readonly set?: readonly string[] }
  return set.reduce(withMember, named)
}

/** Adds one member of `--set`. Its value is JSON, or else text: `default_max_age=300`, `contacts=["it@acme.example"]`. */
function withMember(metadata: JsonObject, given: string): JsonObject {
  const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(given) ?? []
  if (name === undefined) throw unusable('needs a member and its value, as in `--set scope=openid`')
  if (name === SECRET)
    throw unusable(`takes no ${SECRET}: the list of processes would show it, and one is made here`)
  if (Object.hasOwn(metadata, name)) throw unusable(`gives ${name} a second time`)
  return { ...metadata, [name]: jsonOrText(value) }
}

function unusable(fault: string): CommanderError {
  return new CommanderError(EXIT.usage, 'usage', `error: --set ${fault}`)
}

function jsonOrText(value: string): JsonObject[string] {
  try {
    return JSON.parse(value) as JsonObject[string]
  } catch {
    return value
  }
}

function given(name: string, value: unknown): JsonObject {
  return typeof value === 'string' ? { [name]: value } : {}
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'string' ? value : ''
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
