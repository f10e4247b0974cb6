import { CommanderError, type Command } from 'commander'
import type { JsonObject } from '../../domain/json.ts'
import { SECRET } from '../clients/secret.ts'
import { EXIT, type Options } from './terminal.ts'

/** The options that `client add` and `client update` share: the members of an app's metadata. */
export function memberOptions(command: Command): Command {
  return command
    .option('--redirect-uri <uri>', 'where sign-ins return to; may be repeated', collect)
    .option('--name <name>', 'what people know it by')
    .option('--post-logout-redirect-uri <uri>', 'after signing out; may be repeated', collect)
    .option('--backchannel-logout-uri <uri>', 'told of each sign-out')
    .option('--first-party', 'one of our own: nobody is asked for consent')
    .option('--refresh', 'may ask for refresh tokens')
    .option('--mfa <policy>', '`required` asks everybody for a second factor')
    .option('--no-pkce', 'allow a confidential app to do without PKCE')
    .option('--set <member=value>', 'another member of client metadata; may be repeated', collect)
}

/** The metadata of a new app. */
export function newMetadata(id: string, options: Options): JsonObject {
  if (options['public'] === true && options['pkce'] === false)
    throw usage('a public app cannot do without PKCE')
  return withSet(
    {
      client_id: id,
      ...namedMembers(options),
      ...(options['public'] === true ? { token_endpoint_auth_method: 'none' } : {}),
      ...(options['refresh'] === true ? { grant_types: CODE_AND_REFRESH } : {}),
    },
    options,
  )
}

/** The change that the options of `client update` ask for. Lists of addresses are replaced. */
export function changeOf(options: Options): (metadata: JsonObject) => JsonObject {
  const refresh = options['refresh'] === true
  const named = withSet(namedMembers(options), options)
  const removed = removedMembers(options)
  for (const member of removed)
    if (Object.hasOwn(named, member) || (refresh && member === 'grant_types'))
      throw usage(`--unset ${member} removes what another option sets`)
  if (refresh && Object.hasOwn(named, 'grant_types'))
    throw usage('--set gives grant_types a second time')
  if (Object.keys(named).length + removed.length === 0 && !refresh)
    throw usage('nothing to change: name a member, as in `--name Notes`')
  return (metadata) => {
    const kept = Object.entries(metadata).filter(([member]) => !removed.includes(member))
    const changed = { ...Object.fromEntries(kept), ...named }
    return refresh ? { ...changed, grant_types: withRefresh(metadata['grant_types']) } : changed
  }
}

const CODE_AND_REFRESH = ['authorization_code', 'refresh_token']

function withRefresh(present: JsonObject[string]): readonly string[] {
  if (!Array.isArray(present)) return CODE_AND_REFRESH
  return [...new Set([...(present as string[]), 'refresh_token'])]
}

function namedMembers(options: Options): JsonObject {
  const { redirectUri, postLogoutRedirectUri, mfa } = options as Record<string, string[] & string>
  return {
    ...(redirectUri === undefined ? {} : { redirect_uris: redirectUri }),
    ...(postLogoutRedirectUri === undefined
      ? {}
      : { post_logout_redirect_uris: postLogoutRedirectUri }),
    ...given('client_name', options['name']),
    ...given('backchannel_logout_uri', options['backchannelLogoutUri']),
    ...(options['firstParty'] === true ? { first_party: true } : {}),
    ...(mfa === undefined ? {} : { mfa }),
    ...(options['pkce'] === false ? { require_pkce: false } : {}),
  }
}

function withSet(metadata: JsonObject, { set = [] }: { readonly set?: unknown }): JsonObject {
  return (set as readonly string[]).reduce(withMember, metadata)
}

/** Adds one member of `--set`. Its value is JSON, or else text: `default_max_age=300`, `contacts=["it@acme.example"]`. */
function withMember(metadata: JsonObject, given: string): JsonObject {
  const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(given) ?? []
  if (name === undefined)
    throw usage('--set needs a member and its value, as in `--set scope=openid`')
  if (name === SECRET)
    throw usage(
      `--set takes no ${SECRET}: the list of processes would show it, and one is made here`,
    )
  if (name === 'client_id')
    throw usage('--set takes no client_id: the id of an app does not change')
  if (Object.hasOwn(metadata, name)) throw usage(`--set gives ${name} a second time`)
  return { ...metadata, [name]: jsonOrText(value) }
}

function removedMembers({ unset = [] }: { readonly unset?: unknown }): readonly string[] {
  const members = unset as readonly string[]
  for (const member of members)
    if (member === SECRET || member === 'client_id')
      throw usage(`--unset takes no ${member}: an app keeps it`)
  return members
}

function usage(fault: string): CommanderError {
  return new CommanderError(EXIT.usage, 'usage', `error: ${fault}`)
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

export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
