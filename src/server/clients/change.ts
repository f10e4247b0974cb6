import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Random, SecretBox } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import { changesOf, keptOf, type KeptMember, type MemberChange, type Shown } from './difference.ts'
import { inFileToo, isClient, takingReserved, withOwnMembers, type KnownClients } from './known.ts'
import { recordOrUndo } from './recorded.ts'
import { formerOf, idOf, openSecret, SECRET, sealSecret } from './secret.ts'
import type { ClientFault, ValidateClients } from './validate.ts'

export interface ChangeServices {
  readonly clients: Clients
  readonly box: SecretBox
  readonly random: Random
  readonly record: Record
  readonly validate: ValidateClients
}

export interface AppliedClient {
  readonly client_id: string
  readonly result: 'added' | 'changed' | 'unchanged'
  readonly changes: readonly MemberChange[]
  readonly keeps: readonly KeptMember[]
  /** The secret that was made here. It is shown only this once, and kept sealed. */
  readonly client_secret?: string
}

export interface Refused {
  readonly ok: false
  readonly faults: readonly ClientFault[]
  /** The clients that were changed before the fault was found. Absent: none. */
  readonly done?: readonly AppliedClient[]
}

export type Applied =
  | {
      readonly ok: true
      readonly clients: readonly AppliedClient[]
      readonly ignored: readonly { readonly client: string; readonly field: string }[]
    }
  | Refused

export interface ApplyOptions {
  /** Whether a member that the new metadata lacks is removed. Without it the member stays. */
  readonly replace?: boolean
  /** Whether nothing is written. */
  readonly dryRun?: boolean
}

/** A client as it is to become. */
export interface Plan {
  /** The metadata that the operator gave. It is not checked, and may be any value. */
  readonly given: unknown
  readonly after: unknown
  /** The client of this id as it is stored, and with its secret in clear. */
  readonly stored?: JsonObject
  readonly before?: JsonObject
  /** A new secret in `after`. */
  readonly made?: string
}

/** Plans a client of a file. */
export async function planOfFile(
  services: ChangeServices,
  given: unknown,
  { replace = false }: ApplyOptions,
): Promise<Plan> {
  if (!isClient(given)) return { given, after: given }
  const { stored, before } = await storedClient(services, idOf(given))
  if (stored === undefined || before === undefined) return { given, after: given }
  const after = replace ? given : { ...before, ...given }
  return { given, stored, before, after: keepingSecret(services, { given, before, after }) }
}

/** Plans a client as a command names it; a secret is made where the client needs one and has none. */
export async function planOfCommand(
  services: ChangeServices,
  after: JsonObject,
): Promise<Plan & { readonly after: JsonObject }> {
  const { stored, before } = await storedClient(services, idOf(after))
  const present = { ...(stored === undefined ? {} : { stored }), ...(before && { before }) }
  const kept = before === undefined ? after : keepingSecret(services, { given: {}, before, after })
  if (!lacksSecret(services, kept)) return { ...present, given: kept, after: kept }
  const made = newSecret(services.random)
  const whole = { ...kept, [SECRET]: made }
  return { ...present, given: whole, after: whole, made }
}

export function newSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url')
}

/** Carries out the plans: all of them or, if one has a fault, none. */
export async function carryOut(
  services: ChangeServices,
  known: KnownClients,
  { plans, dryRun = false }: { readonly plans: readonly Plan[]; readonly dryRun?: boolean },
): Promise<Applied> {
  const list = plans.map(({ after }) => after)
  const { faults, ignored } = services.validate(list)
  const inBoth = list.filter(isClient).filter((metadata) => known.ofFile.has(idOf(metadata)))
  const every = [
    ...faults,
    ...takingReserved(known, list),
    ...withOwnMembers(list),
    ...inBoth.map((metadata) => inFileToo(idOf(metadata))),
  ]
  if (every.length > 0) return { ok: false, faults: every }

  const done: AppliedClient[] = []
  for (const plan of plans) {
    const after = plan.after as JsonObject
    const { made, ...applied } = described(services, plan, after)
    if (!dryRun && applied.result !== 'unchanged' && !(await write(services, plan, after)))
      return { ok: false, faults: [changedMeanwhile(idOf(after))], done }
    done.push(made === undefined || dryRun ? applied : { ...applied, client_secret: made })
  }
  return { ok: true, clients: done, ignored }
}

/** The client of the storage: as it is stored, and with its secret in clear. */
export async function storedClient(
  { clients, box }: Pick<ChangeServices, 'clients' | 'box'>,
  id: string,
): Promise<{ readonly stored?: JsonObject; readonly before?: JsonObject }> {
  const stored = await clients.get(id)
  return stored === undefined ? {} : { stored, before: openSecret(box, stored) }
}

/** Whether the client needs a secret and has none, by the host's own rules: some algorithms need one as well. */
export function lacksSecret(
  { validate }: Pick<ChangeServices, 'validate'>,
  metadata: JsonObject,
): boolean {
  if (metadata[SECRET] !== undefined) return false
  return validate([metadata]).faults.some(({ field }) => field === SECRET)
}

/**
 * The new metadata, with the present secret if it names none. A file without secrets must not end the access of an app,
 * so the secret stays even where every other missing member is removed. It goes when the app has stopped needing one.
 */
function keepingSecret(
  services: ChangeServices,
  {
    given,
    before,
    after,
  }: { readonly given: JsonObject; readonly before: JsonObject; readonly after: JsonObject },
): JsonObject {
  const secret = before[SECRET]
  if (given[SECRET] !== undefined || secret === undefined) return after
  const bare = without(after, SECRET)
  const isNeeded = lacksSecret(services, bare)
  const wasNeeded = lacksSecret(services, without(before, SECRET))
  return isNeeded || !wasNeeded ? { ...after, [SECRET]: secret } : bare
}

function described(
  { validate }: ChangeServices,
  { given, before, made }: Plan,
  after: JsonObject,
): AppliedClient & Pick<Plan, 'made'> {
  // A member that the server does not know may be a misspelt secret.
  const unknown = validate([after, ...(before === undefined ? [] : [before])]).ignored
  const hidden = new Set([SECRET, ...unknown.map(({ field }) => field)])
  const shown: Shown = {
    isHidden: (member) => hidden.has(member),
    takenAs: (metadata) => validate.takenAs(metadata),
  }
  const changes = changesOf(before ?? {}, after, shown)
  return {
    client_id: idOf(after),
    result: before === undefined ? 'added' : changes.length > 0 ? 'changed' : 'unchanged',
    changes,
    keeps: keptOf(given as JsonObject, after, shown),
    ...(made === undefined ? {} : { made }),
  }
}

/**
 * Writes the client. Another secret also ends the former one: an operator who gives an app a secret expects that no
 * other one holds. False: another command has added or changed the client since it was read. If the audit entry cannot
 * be written, the client is put back, and a repeated command does the same again.
 */
async function write(
  { clients, box, record }: ChangeServices,
  { stored, before }: Plan,
  after: JsonObject,
): Promise<boolean> {
  const id = idOf(after)
  const isSameSecret = after[SECRET] !== undefined && after[SECRET] === before?.[SECRET]
  const former = stored !== undefined && isSameSecret ? formerOf(stored) : {}
  const sealed = { ...sealSecret(box, after), ...former }
  const isWritten =
    stored === undefined
      ? await clients.insert(id, sealed)
      : await clients.replace(id, sealed, stored)
  if (!isWritten) return false
  const type = stored === undefined ? 'client-added' : 'client-changed'
  await recordOrUndo({
    record: () => record(type, { detail: { clientId: id } }),
    undo: () =>
      stored === undefined
        ? removeUnchanged(clients, id, sealed)
        : clients.replace(id, stored, sealed),
    otherwise: `and ${id} could not be put back: run \`client show ${id}\`. If it has a secret that was never shown, make another one with \`client rotate-secret ${id} --overlap 0\`.`,
  })
  return true
}

/** False: another command has changed the client, or removed it. */
async function removeUnchanged(
  clients: Clients,
  id: string,
  expected: JsonObject,
): Promise<boolean> {
  const stored: unknown = JSON.parse(JSON.stringify(expected))
  return isDeepStrictEqual(await clients.get(id), stored) && clients.remove(id)
}

export function changedMeanwhile(client: string): ClientFault {
  return {
    client,
    field: 'metadata',
    problem: 'was added or changed by another command at the same moment: run this one again',
  }
}

function without(metadata: JsonObject, member: string): JsonObject {
  const { [member]: _, ...rest } = metadata
  return rest
}
