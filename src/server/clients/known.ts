import type { JsonObject } from '../../domain/json.ts'
import { idOf, OF_THE_SERVER } from './secret.ts'
import type { ClientFault } from './validate.ts'

/** The clients that are not in the storage, by their ids. */
export interface KnownClients {
  readonly ofFile: ReadonlyMap<string, JsonObject>
  readonly builtIn: ReadonlyMap<string, JsonObject>
  readonly reserved: ReadonlySet<string>
}

export function byId(list: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  return new Map(list.map((metadata) => [idOf(metadata), metadata]))
}

/** The faults of ids that belong to a part of the server. */
export function takingReserved(
  { reserved }: KnownClients,
  list: readonly unknown[],
): ClientFault[] {
  return list
    .filter(isClient)
    .map(idOf)
    .filter((id) => reserved.has(id))
    .map(isReserved)
}

/** The faults of members that only the server writes: its own record of a client's secrets. */
export function withOwnMembers(list: readonly unknown[]): ClientFault[] {
  const problem = 'is written by the server itself: leave it out'
  return list.filter(isClient).flatMap((metadata) =>
    OF_THE_SERVER.filter((member) => Object.hasOwn(metadata, member)).map((field) => ({
      client: idOf(metadata),
      field,
      problem,
    })),
  )
}

/** The fault of an id that is in both places: it would be uncertain which metadata is the client's. */
export function inFileToo(client: string): ClientFault {
  return {
    client,
    field: 'client_id',
    problem: 'is in CLIENTS_FILE and in the storage: remove it from one of them',
  }
}

/**
 * The fault of a reserved id: with it a client could change people's factors, or the server's own part would hide it.
 */
function isReserved(client: string): ClientFault {
  return { client, field: 'client_id', problem: 'is that of a part of the server: choose another' }
}

export function isClient(value: unknown): value is JsonObject & { client_id: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as JsonObject)['client_id'] === 'string' &&
    (value as JsonObject)['client_id'] !== ''
  )
}
