import { errors, Provider, type Configuration } from 'oidc-provider'
import type { JsonObject } from '../domain/json.ts'

/** The constructor of a host's clients; its published types have none. It throws at the first fault of the metadata. */
type ClientClass = new (metadata: JsonObject) => { metadata(): JsonObject }

/** The reason why the host refuses a client. */
export interface ClientRefusal {
  /** The member of the metadata that is at fault; `metadata` for the whole. */
  readonly field: string
  /** The fault, without the member's name. It never contains a value. */
  readonly problem: string
}

/** The host's own rules for clients. */
export interface HostClientRules {
  /** The first fault that the host finds. Undefined: the host accepts the client. */
  refusalOf(metadata: JsonObject): ClientRefusal | undefined
  /** The members that the host drops from a client that it accepts. */
  unknownTo(metadata: JsonObject): string[]
  /** The metadata as the host takes it: with its default for each missing member. Empty: the host refuses the client. */
  takenAs(metadata: JsonObject): JsonObject
}

/** The rules of a host with this configuration. The host that is made for it stores nothing and serves nobody. */
export function hostClientRules(issuer: string, rules: Configuration): HostClientRules {
  const provider = new Provider(issuer, {
    ...rules,
    adapter: () => {
      throw new TypeError('this host stores nothing')
    },
    cookies: { keys: ['unused: this host serves nobody'] },
  })
  const host = provider.Client as unknown as ClientClass
  return {
    refusalOf: (metadata) => {
      const message = messageOf(host, metadata)
      return message === undefined ? undefined : refusalIn(message)
    },
    unknownTo: (metadata) => {
      const taken = takenAs(host, metadata)
      return taken === undefined ? [] : Object.keys(metadata).filter((key) => !(key in taken))
    },
    takenAs: (metadata) => takenAs(host, metadata) ?? {},
  }
}

function takenAs(host: ClientClass, metadata: JsonObject): JsonObject | undefined {
  try {
    return new host(structuredClone(metadata)).metadata()
  } catch {
    return undefined
  }
}

function messageOf(host: ClientClass, metadata: JsonObject): string | undefined {
  try {
    new host(structuredClone(metadata))
    return undefined
  } catch (error) {
    if (error instanceof errors.OIDCProviderError)
      return error.error_description ?? 'is refused by the host'
    // The host looks into some members before it has looked at their type.
    if (error instanceof TypeError) return 'metadata has a member of a wrong type'
    throw error
  }
}

/** The host begins most of its messages with the name of a member. */
function refusalIn(message: string): ClientRefusal {
  const field = fieldIn(message)
  const problem = message.startsWith(`${field} `) ? message.slice(field.length + 1) : message
  return { field, problem }
}

function fieldIn(message: string): string {
  if (message.includes('JSON Web Key Set')) return 'jwks'
  const first = /^(?:invalid )?([a-z0-9_]+)(?= )/.exec(message)?.[1] ?? ''
  return first.includes('_') || ['scope', 'contacts', 'jwks', 'mfa', 'accent'].includes(first)
    ? first
    : 'metadata'
}
