import type { Configuration } from 'oidc-provider'
import type { JsonObject } from '../../domain/json.ts'
import { hostClientRules, type HostClientRules } from '../../host/clients.ts'
import { OWN_DEFAULTS } from './metadata.ts'

export interface ClientFault {
  /** The client's id, or its place in the array: `#2`. */
  readonly client: string
  /** The member that is at fault; `metadata` for the whole. */
  readonly field: string
  /** The fault. Never holds a value. */
  readonly problem: string
}

/** Invalid clients: one message that names every fault. */
export class ClientFaults extends Error {
  readonly faults: readonly ClientFault[]

  constructor(heading: string, faults: readonly ClientFault[]) {
    const lines = faults.map(({ client, field, problem }) => `${client}: ${field} ${problem}`)
    super([heading, ...lines].join('\n  '))
    this.name = 'ClientFaults'
    this.faults = faults
  }
}

export interface ClientCheck {
  readonly faults: readonly ClientFault[]
  /** Members that the host does not know and would ignore without an error. */
  readonly ignored: readonly { readonly client: string; readonly field: string }[]
}

export interface ValidateClients {
  (clients: readonly unknown[]): ClientCheck
  /** Valid metadata as the server takes it: with the default of each missing member. */
  takenAs(metadata: JsonObject): JsonObject
}

/**
 * Checks clients with the host's own rules, in a host that never serves a request: metadata that passes here is
 * accepted at run time, and every fault that would be refused there is found here. The host stops at a client's first
 * fault. Here the faulty member is put aside and the host is asked again, so that each fault is named.
 *
 * `rules` are the server's own, its signing keys included: they decide which algorithms a client may ask for.
 */
export function clientValidator(issuer: string, rules: Configuration): ValidateClients {
  let made: HostClientRules | undefined
  // The host is made when it is first needed: most commands and most sign-ins check no client.
  const hostOnce = (): HostClientRules => (made ??= hostClientRules(issuer, rules))
  const validate = (clients: readonly unknown[]): ClientCheck => {
    const host = hostOnce()
    const faults: ClientFault[] = []
    const ignored: { client: string; field: string }[] = []
    const seen = new Set<string>()
    for (const [index, metadata] of clients.entries()) {
      if (!isObject(metadata)) {
        faults.push({ client: `#${index + 1}`, field: 'metadata', problem: 'must be an object' })
        continue
      }
      const id = metadata['client_id']
      const client = typeof id === 'string' && id !== '' ? id : `#${index + 1}`
      if (seen.has(client))
        faults.push({
          client,
          field: 'client_id',
          problem: 'is that of another client in the list',
        })
      seen.add(client)
      faults.push(...faultsOf(host, metadata).map((fault) => ({ client, ...fault })))
      for (const field of host.unknownTo(metadata)) ignored.push({ client, field })
    }
    return { faults, ignored }
  }
  return Object.assign(validate, {
    takenAs: (metadata: JsonObject) => ({ ...OWN_DEFAULTS, ...hostOnce().takenAs(metadata) }),
  })
}

/** Valid values for required members, so that the check can go on after a missing one. */
const STAND_INS: JsonObject = {
  client_id: 'stand-in',
  client_secret: 'stand-in-stand-in-stand-in-stand-in',
  redirect_uris: ['https://stand-in.invalid/'],
  jwks: { keys: [] },
}

/** The most rounds. A client has a few dozen members, so more rounds find no further fault. */
const MOST_ROUNDS = 60

function faultsOf(host: HostClientRules, metadata: JsonObject): Omit<ClientFault, 'client'>[] {
  const faults: Omit<ClientFault, 'client'>[] = []
  const looked = new Set<string>()
  let rest: JsonObject = { ...metadata }
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const refusal = host.refusalOf(rest)
    if (refusal === undefined) break
    const { field } = refusal
    // A member that was put aside for its own fault is then missing, which is no second fault.
    if (!looked.has(field)) faults.push(refusal)
    const before = rest
    rest = without(rest, field, looked)
    looked.add(field)
    if (rest === before) break
  }
  return faults
}

function without(metadata: JsonObject, field: string, looked: ReadonlySet<string>): JsonObject {
  const { [field]: present, ...others } = metadata
  const standIn = STAND_INS[field]
  if (standIn !== undefined && present !== standIn) return { ...others, [field]: standIn }
  return present === undefined || looked.has(field) ? metadata : others
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
