import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Random, SecretBox } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import { idOf, openSecret, SECRET, sealSecret, withoutSecret } from './secret.ts'
import type { ClientFault, ValidateClients } from './validate.ts'

export interface ClientServices {
  readonly clients: Clients
  readonly box: SecretBox
  readonly random: Random
  readonly record: Record
  readonly validate: ValidateClients
  /** The JSON value of CLIENTS_FILE, not checked yet. */
  readonly fromFile?: unknown
  /** Clients that the server itself makes. A client of the storage or the file with the same id takes precedence. */
  readonly builtIn?: readonly JsonObject[]
  /** The ids of clients that are parts of the server itself. No client of the storage or the file may have them. */
  readonly reserved?: readonly string[]
}

export interface AppliedClient {
  readonly client_id: string
  readonly result: 'added' | 'changed' | 'unchanged'
  /** The secret that was made here. It is shown only this once, and kept sealed. */
  readonly client_secret?: string
}

export interface Refused {
  readonly ok: false
  readonly faults: readonly ClientFault[]
}

export type Applied =
  | {
      readonly ok: true
      readonly clients: readonly AppliedClient[]
      readonly ignored: readonly { readonly client: string; readonly field: string }[]
    }
  | Refused

export interface ClientRegistry {
  /** The whole metadata, with the secret in clear, for the host. */
  find(clientId: string): Promise<JsonObject | undefined>
  /** The clients of the storage and of the file, without secrets; `source` says where each is kept. */
  list(): Promise<readonly JsonObject[]>
  /**
   * Adds and changes clients: all of them or, if any has a fault, none. Other clients stay as they are. As in
   * CLIENTS_FILE, a missing secret is a fault.
   */
  apply(list: unknown): Promise<Applied>
  /** Adds or changes one client, for which a secret is made where it needs one. */
  applyWithSecret(metadata: JsonObject): Promise<Applied>
  remove(clientId: string): Promise<'removed' | 'unknown' | 'read-only'>
  /** The faults of CLIENTS_FILE, including ids that are in the storage as well. A start asks for them. */
  fileFaults(): Promise<readonly ClientFault[]>
  /**
   * Unknown members in CLIENTS_FILE, such as a misspelt one. An operator has to know of them, since they have no
   * effect.
   */
  fileIgnored(): readonly { readonly client: string; readonly field: string }[]
}

/** The relying parties: those of CLIENTS_FILE, which only that file changes, and those in the storage. */
export function clientRegistry(services: ClientServices): ClientRegistry {
  const { clients, record, validate } = services
  const fromFile: unknown = services.fromFile ?? []
  const known: KnownClients = {
    ofFile: byId((Array.isArray(fromFile) ? fromFile : []).filter(isClient)),
    builtIn: byId(services.builtIn ?? []),
    reserved: new Set(services.reserved),
  }
  const { ofFile, builtIn, reserved } = known
  return {
    async find(clientId) {
      // A client that an older version has stored under such an id must not replace a part of the server.
      if (reserved.has(clientId)) return undefined
      return (
        ofFile.get(clientId) ?? (await storedClient(services, clientId)) ?? builtIn.get(clientId)
      )
    },

    async list() {
      const shown = (client: JsonObject, source: string): JsonObject => ({
        ...withoutSecret(client),
        source,
      })
      const stored = (await clients.list()).map((client) => shown(client, 'storage'))
      return [...ofFile.values()].map((client) => shown(client, 'file')).concat(stored)
    },

    apply: (list) =>
      Array.isArray(list)
        ? apply(services, known, list)
        : Promise.resolve(refused('clients', 'metadata', 'must be an array of client metadata')),

    async applyWithSecret(metadata) {
      if (!lacksSecret(services, metadata)) return apply(services, known, [metadata])
      const made = Buffer.from(services.random.bytes(32)).toString('base64url')
      const applied = await apply(services, known, [{ ...metadata, [SECRET]: made }])
      if (!applied.ok) return applied
      return { ...applied, clients: applied.clients.map((one) => ({ ...one, [SECRET]: made })) }
    },

    async remove(clientId) {
      if (ofFile.has(clientId)) return 'read-only'
      if (!(await clients.remove(clientId))) return 'unknown'
      await record('client-removed', { detail: { clientId } })
      return 'removed'
    },

    async fileFaults() {
      if (!Array.isArray(fromFile))
        return [{ client: 'CLIENTS_FILE', field: 'metadata', problem: 'must be an array' }]
      const list = fromFile as unknown[]
      const both: ClientFault[] = []
      for (const id of ofFile.keys()) if (await clients.get(id)) both.push(inFileToo(id))
      return [...validate(list).faults, ...takingReserved(known, list), ...both]
    },

    fileIgnored: () => (Array.isArray(fromFile) ? validate(fromFile as unknown[]).ignored : []),
  }
}

/** The clients that are not in the storage, by their ids. */
interface KnownClients {
  readonly ofFile: ReadonlyMap<string, JsonObject>
  readonly builtIn: ReadonlyMap<string, JsonObject>
  readonly reserved: ReadonlySet<string>
}

function byId(list: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  return new Map(list.map((metadata) => [idOf(metadata), metadata]))
}

async function storedClient(
  { clients, box }: ClientServices,
  id: string,
): Promise<JsonObject | undefined> {
  const stored = await clients.get(id)
  return stored && openSecret(box, stored)
}

async function apply(
  services: ClientServices,
  known: KnownClients,
  list: readonly unknown[],
): Promise<Applied> {
  const { faults, ignored } = services.validate(list)
  const all = list.filter(isClient)
  const inBoth = all.filter((metadata) => known.ofFile.has(idOf(metadata)))
  const every = [
    ...faults,
    ...takingReserved(known, all),
    ...inBoth.map((metadata) => inFileToo(idOf(metadata))),
  ]
  if (every.length > 0) return { ok: false, faults: every }

  const applied: AppliedClient[] = []
  for (const metadata of all)
    applied.push({ client_id: idOf(metadata), result: await put(services, metadata) })
  return { ok: true, clients: applied, ignored }
}

/** Whether the client needs a secret and has none, by the host's own rules: some algorithms need one as well. */
function lacksSecret({ validate }: ClientServices, metadata: JsonObject): boolean {
  if (metadata[SECRET] !== undefined) return false
  return validate([metadata]).faults.some(({ field }) => field === SECRET)
}

async function put(
  services: ClientServices,
  metadata: JsonObject,
): Promise<AppliedClient['result']> {
  const id = idOf(metadata)
  const before = await storedClient(services, id)
  // The secrets are compared in clear: the same secret sealed twice looks different.
  if (before !== undefined && isDeepStrictEqual(before, metadata)) return 'unchanged'
  await services.clients.put(id, sealSecret(services.box, metadata))
  const result = before === undefined ? 'added' : 'changed'
  await services.record(`client-${result}`, { detail: { clientId: id } })
  return result
}

function takingReserved({ reserved }: KnownClients, list: readonly unknown[]): ClientFault[] {
  return list
    .filter(isClient)
    .map(idOf)
    .filter((id) => reserved.has(id))
    .map(isReserved)
}

/** The fault of an id that is in both places: it would be uncertain which metadata is the client's. */
function inFileToo(client: string): ClientFault {
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

function refused(client: string, field: string, problem: string): Refused {
  return { ok: false, faults: [{ client, field, problem }] }
}

function isClient(value: unknown): value is JsonObject & { client_id: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as JsonObject)['client_id'] === 'string' &&
    (value as JsonObject)['client_id'] !== ''
  )
}
