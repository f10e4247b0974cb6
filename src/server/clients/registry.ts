import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import {
  carryOut,
  changedMeanwhile,
  planOfCommand,
  planOfFile,
  storedClient,
  type Applied,
  type ApplyOptions,
  type Plan,
  type Refused,
} from './change.ts'
import {
  byId,
  inFileToo,
  isClient,
  takingReserved,
  withOwnMembers,
  type KnownClients,
} from './known.ts'
import { keptClients } from './kept.ts'
import { rotateSecret, type RotatedSecret, type RotationServices } from './rotate-secret.ts'
import { formerSecretUntil, idOf, openForHost, SECRET, withoutSecret } from './secret.ts'
import type { ClientFault } from './validate.ts'

export interface ClientServices extends RotationServices {
  /** The JSON value of CLIENTS_FILE, not checked yet. */
  readonly fromFile?: unknown
  /** Clients that the server itself makes. A client of the storage or the file with the same id takes precedence. */
  readonly builtIn?: readonly JsonObject[]
  /** The ids of clients that are parts of the server itself. No client of the storage or the file may have them. */
  readonly reserved?: readonly string[]
}

/** A client as an administrator sees it. */
export interface ShownClient {
  /** Without secrets, and without members that have no effect. */
  readonly metadata: JsonObject
  readonly source: 'file' | 'storage'
  readonly hasSecret: boolean
  /** The end of the secret before the present one. Absent: none holds. */
  readonly formerSecretUntil?: Instant
  /** The members that are not known and have no effect. Their values may be misspelt secrets. */
  readonly ignored: readonly string[]
}

/** The reasons why a command cannot change a client. */
export type Unchangeable = 'unknown' | 'read-only'

export interface ClientRegistry {
  /**
   * The whole metadata, with the secrets that hold now in clear, for the host. A change by another process is seen
   * within 5 s, one through this registry at once.
   */
  find(clientId: string): Promise<JsonObject | undefined>
  /**
   * The clients of the storage and of the file, without secrets. `source` says where each is kept, and
   * `former_secret_until` until when the secret before the present one holds.
   */
  list(): Promise<readonly JsonObject[]>
  show(clientId: string): Promise<ShownClient | undefined>
  /**
   * Adds and changes clients: all of them or, if any has a fault, none. Other clients stay as they are. A member that
   * the list lacks stays too, unless `replace` is set. As in CLIENTS_FILE, a missing secret of a new client is a fault.
   */
  apply(list: unknown, options?: ApplyOptions): Promise<Applied>
  /** Adds one client, for which a secret is made where it needs one. The caller has looked that there is none. */
  add(metadata: JsonObject): Promise<Applied>
  /** Changes a client to what `change` makes of its metadata, which has no secret. */
  update(
    clientId: string,
    change: (metadata: JsonObject) => JsonObject,
    options?: Pick<ApplyOptions, 'dryRun'>,
  ): Promise<Applied | Unchangeable>
  /** Makes a new secret. The present one holds for `overlapSeconds` more; 0 ends it at once. */
  rotateSecret(
    clientId: string,
    overlapSeconds: number,
  ): Promise<RotatedSecret | Unchangeable | 'no-secret'>
  remove(clientId: string): Promise<'removed' | Unchangeable>
  /** The faults of CLIENTS_FILE, including ids that are in the storage as well. A start asks for them. */
  fileFaults(): Promise<readonly ClientFault[]>
  /**
   * Unknown members in CLIENTS_FILE, such as a misspelt one. An operator has to know of them, since they have no
   * effect.
   */
  fileIgnored(): readonly { readonly client: string; readonly field: string }[]
}

/** The relying parties: those of CLIENTS_FILE, which only that file changes, and those in the storage. */
export function clientRegistry(given: ClientServices): ClientRegistry {
  const clients = keptClients(given.clients, given.clock)
  const services = { ...given, clients }
  const { record, validate } = services
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
      const filed = ofFile.get(clientId)
      if (filed !== undefined) return filed
      const stored = await clients.kept(clientId)
      return stored === undefined
        ? builtIn.get(clientId)
        : openForHost(services.box, stored, services.clock.now())
    },

    list: () => list(services, known),
    show: (clientId) => show(services, known, clientId),

    async apply(list, options = {}) {
      if (!Array.isArray(list))
        return refused('clients', 'metadata', 'must be an array of client metadata')
      const plans: Plan[] = []
      for (const given of list as unknown[]) plans.push(await planOfFile(services, given, options))
      return carryOut(services, known, { ...options, plans })
    },

    add: (metadata) => add(services, known, metadata),

    update: (clientId, change, options = {}) =>
      update(services, known, { clientId, change, ...options }),

    async rotateSecret(clientId, overlapSeconds) {
      if (ofFile.has(clientId)) return 'read-only'
      return rotateSecret(services, { clientId, overlapSeconds })
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
      return [
        ...validate(list).faults,
        ...takingReserved(known, list),
        ...withOwnMembers(list),
        ...both,
      ]
    },

    fileIgnored: () => (Array.isArray(fromFile) ? validate(fromFile as unknown[]).ignored : []),
  }
}

async function list(
  { clients, clock }: ClientServices,
  { ofFile }: KnownClients,
): Promise<readonly JsonObject[]> {
  const now = clock.now()
  const shown = (client: JsonObject, source: string): JsonObject => {
    const until = formerSecretUntil(client, now)
    return {
      ...withoutSecret(client),
      source,
      ...(until === undefined ? {} : { former_secret_until: until }),
    }
  }
  const stored = (await clients.list()).map((client) => shown(client, 'storage'))
  return [...ofFile.values()].map((client) => shown(client, 'file')).concat(stored)
}

async function show(
  services: ClientServices,
  { ofFile }: KnownClients,
  clientId: string,
): Promise<ShownClient | undefined> {
  const filed = ofFile.get(clientId)
  const { stored = {}, before = filed } = filed ? {} : await storedClient(services, clientId)
  if (before === undefined) return undefined
  const client = before
  const until = formerSecretUntil(stored, services.clock.now())
  const ignored = services.validate([client]).ignored.map(({ field }) => field)
  const members = Object.entries(withoutSecret(client))
  return {
    metadata: Object.fromEntries(members.filter(([member]) => !ignored.includes(member))),
    source: filed === undefined ? 'storage' : 'file',
    hasSecret: client[SECRET] !== undefined,
    ...(until === undefined ? {} : { formerSecretUntil: until }),
    ignored,
  }
}

async function add(
  services: ClientServices,
  known: KnownClients,
  metadata: JsonObject,
): Promise<Applied> {
  const plan = await planOfCommand(services, metadata)
  // Another command has added one since the caller looked.
  if (plan.stored !== undefined) return { ok: false, faults: [changedMeanwhile(idOf(metadata))] }
  return carryOut(services, known, { plans: [plan] })
}

interface Update {
  readonly clientId: string
  readonly change: (metadata: JsonObject) => JsonObject
  readonly dryRun?: boolean
}

async function update(
  services: ClientServices,
  known: KnownClients,
  { clientId, change, dryRun = false }: Update,
): Promise<Applied | Unchangeable> {
  if (known.ofFile.has(clientId)) return 'read-only'
  const { before } = await storedClient(services, clientId)
  if (before === undefined) return 'unknown'
  const { [SECRET]: _, ...bare } = before
  const plan = await planOfCommand(services, change(bare))
  return carryOut(services, known, { plans: [plan], dryRun })
}

function refused(client: string, field: string, problem: string): Refused {
  return { ok: false, faults: [{ client, field, problem }] }
}
