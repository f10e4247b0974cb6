import { isIP } from 'node:net'
import { suggestion } from '../../domain/nearest-name.ts'
import type { Instant } from '../../domain/time.ts'
import type { AuditPosition, AuditQuery } from '../../ports/audit-trail.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import { unmapped } from '../accounts/network.ts'
import { findByName } from '../accounts/people.ts'
import { AUDITED_TYPES } from '../observe/audited-types.ts'
import { Refusal, type Options } from './terminal.ts'

/** A day, or a time of a day; without an offset in UTC. */
const ISO_8601 =
  /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?<offset>Z|[+-]\d{2}:\d{2})?)?$/i

/** The filters of an `audit` command. Throws Refusal that names the option which cannot be used. */
export async function auditQueryOf(
  storage: Pick<ServerStorage, 'accounts' | 'audit'>,
  options: Options,
): Promise<Omit<AuditQuery, 'limit'>> {
  const { client, address, actor, requestId, since, until, user } = options as Record<
    string,
    string | undefined
  >
  const types = options['type'] as readonly string[] | undefined
  types?.forEach(checkType)
  return {
    ...given('clientId', client),
    ...given('ip', address === undefined ? undefined : readAddress(address)),
    ...given('actor', actor),
    ...given('requestId', requestId),
    ...given('type', types),
    ...given('since', since === undefined ? undefined : readTime('--since', since)),
    ...given('before', until === undefined ? undefined : readTime('--until', until)),
    ...given('accountId', user === undefined ? undefined : await accountIdOf(storage, user)),
  }
}

function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value }
}

function checkType(type: string): void {
  if (AUDITED_TYPES.has(type)) return
  throw new Refusal(
    'type',
    `There is no type "${type}"${suggestion(type, AUDITED_TYPES)}. There are: ${[...AUDITED_TYPES].join(', ')}.`,
  )
}

/** The trail has an address in its canonical form, as the server reads it from a request. */
function readAddress(typed: string): string {
  if (isIP(typed) === 0)
    throw new Refusal('address', '--address takes an IPv4 or IPv6 address, and no network.')
  return unmapped(typed)
}

/** In whole seconds; a part of a second is dropped. */
function readTime(option: string, typed: string): Instant {
  const fault = new Refusal(
    'time',
    `${option} takes a time in ISO 8601, such as 2026-11-29 or 2026-11-29T08:30:00+01:00.`,
  )
  const match = ISO_8601.exec(typed)
  if (match === null) throw fault
  const [day = ''] = typed.split(/T/i)
  const isDay = day === typed
  const milliseconds = Date.parse(
    isDay || match.groups?.['offset'] !== undefined ? typed : `${typed}Z`,
  )
  // The parser takes 2026-02-30 for a day in March.
  const noon = new Date(`${day}T12:00:00Z`)
  if (Number.isNaN(milliseconds) || noon.toISOString().slice(0, 10) !== day) throw fault
  return Math.floor(milliseconds / 1000)
}

/** A person who has been removed is found by the id that their entries have. */
async function accountIdOf(
  { accounts, audit }: Pick<ServerStorage, 'accounts' | 'audit'>,
  typed: string,
): Promise<string> {
  const stored = (await findByName(accounts, typed)) ?? (await accounts.byId(typed))
  if (stored !== undefined) return stored.account.id
  if ((await audit.list({ accountId: typed, limit: 1 })).length > 0) return typed
  throw new Refusal('user-unknown', 'There is nobody of this name.')
}

export function readLimit(text: unknown): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > 10_000)
    throw new Refusal('limit', '--limit takes a number from 1 to 10000.')
  return number
}

export function cursorOf({ at, order, id }: AuditPosition): string {
  return Buffer.from(JSON.stringify([at, order, id])).toString('base64url')
}

/** Throws Refusal `cursor` for a text that `cursorOf` has not made. */
export function readCursor(text: unknown): AuditPosition | undefined {
  if (text === undefined) return undefined
  const position = typeof text === 'string' ? positionIn(text) : undefined
  if (position !== undefined && cursorOf(position) === text) return position
  throw new Refusal('cursor', '--cursor takes the text that the page before has printed.')
}

function positionIn(text: string): AuditPosition | undefined {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
  const [at, order, id] = Array.isArray(read) ? (read as unknown[]) : []
  return Number.isSafeInteger(at) && Number.isSafeInteger(order) && typeof id === 'string'
    ? { at: at as number, order: order as number, id }
    : undefined
}
