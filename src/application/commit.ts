import { setTimeout as sleep } from 'node:timers/promises'
import { settlePasswordChanged } from '../domain/enrolment.ts'
import { MfaError } from '../domain/errors.ts'
import type { EventDraft, MfaEvent } from '../domain/events.ts'
import { newRecord, type MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { Dependencies } from './dependencies.ts'
import { afterOthers, inTurn } from './event-queue.ts'
import { keepTraces } from './left-traces.ts'
import { formatRecord, parseRecord } from './record-format.ts'

export { settleEvents } from './event-queue.ts'

/** How long a decision is tried again before the answer is 503. */
const CONTENDED_MS = 2_000
const FIRST_PAUSE_MS = 2
/**
 * The most events that wait in a record while a listener fails. The oldest are dropped, so that the record never
 * becomes too large to save.
 */
const MOST_EVENTS = 500
const LONGEST_PAUSE_MS = 80

/** The result of a decision. Without `record` nothing changes and nothing is saved. */
export interface Decided<T> {
  readonly outcome: T
  readonly record?: MfaRecord
  readonly events?: readonly EventDraft[]
}

export interface Loaded {
  readonly record: MfaRecord
  readonly version: number
}

/**
 * The account's record as it is stored, or the one it begins with; changes of the password that the storage has seen
 * are settled in it.
 */
export async function loadRecord(deps: Dependencies, accountId: string): Promise<Loaded> {
  const stored = await deps.storage.records.load(accountId)
  if (stored === undefined) return { record: newRecord(accountId), version: 0 }
  const { version, passwordChanged } = stored
  const record =
    stored.record === undefined ? newRecord(accountId) : parseRecord(stored.record, accountId)
  if (passwordChanged === undefined) return { record, version }
  // The event of the change is passed on with the account's next save. Its id comes from the version that the change of
  // the password made; no commit makes that version, so the event has the same id each time the record is loaded.
  const { record: settled, events } = settlePasswordChanged(record, passwordChanged.times)
  const told = stamp(events, accountId, version, passwordChanged.at)
  return { record: { ...settled, events: [...settled.events, ...told] }, version }
}

/**
 * The one way in which a record changes (R18): load, decide in pure code, save if nothing changed meanwhile, otherwise
 * load and decide again. No outcome is returned before its save is durable. Expensive work belongs outside `decide` or
 * is remembered between its calls. `seen`: the record as this request has just read it, to begin with; if it has
 * changed since, the save fails and it is read again.
 *
 * Throws MfaError `record-contended` (503) after 2 s of lost saves, and every error of the storage: an unknown outcome
 * is never reported as a success or a refusal.
 */
export function commit<T>(
  deps: Dependencies,
  accountId: string,
  decide: Decide<T>,
  seen?: Loaded,
): Promise<T> {
  return deps.measures.span('oidc_mfa.commit', {}, () =>
    decideAndSave(deps, accountId, decide, seen),
  )
}

type Decide<T> = (record: MfaRecord, now: Instant) => Promise<Decided<T>> | Decided<T>

async function decideAndSave<T>(
  deps: Dependencies,
  accountId: string,
  decide: Decide<T>,
  seen: Loaded | undefined,
): Promise<T> {
  const until = performance.now() + CONTENDED_MS
  let first = seen
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const { record, version } = first ?? (await loadRecord(deps, accountId))
    first = undefined
    const now = deps.clock.now()
    const decided = await decide(record, now)
    if (decided.record === undefined) return decided.outcome
    const events = stamp(withCause(deps, decided.events ?? []), accountId, version + 1, now)
    const backlog = [...decided.record.events, ...events].slice(-MOST_EVENTS)
    const next = { ...keepTraces(deps, record, decided.record), events: backlog }
    if (await deps.storage.records.save(accountId, formatRecord(next), version)) {
      for (const event of events) deps.measures.told(event)
      if (next.events.length > 0) pass(deps, { record: next, version: version + 1 })
      return decided.outcome
    }
    const isOver = performance.now() > until
    deps.measures.conflict(isOver ? 'gave-up' : 'retried')
    if (isOver)
      throw new MfaError('record-contended', 'The MFA record kept changing for 2 s', {
        status: 503,
      })
    await sleep(pause * (0.5 + jitter(deps)))
  }
}

/** Added in the commit, so that an event that another process passes on still names its own cause. */
function withCause(deps: Dependencies, drafts: readonly EventDraft[]): readonly EventDraft[] {
  const cause = deps.cause?.()
  if (cause === undefined) return drafts
  return drafts.map(
    (draft) => ({ ...draft, detail: { ...draft.detail, ...cause } }) as typeof draft,
  )
}

/**
 * The id of an event comes from the version that the commit makes: an event has the same id on each node and each time
 * it is passed on, and a lost commit leaves no event. The id contains the time because the versions of a new record
 * begin again: after a restore, or if an account id is used again, an audit trail would otherwise take new events for
 * old ones.
 */
function stamp(
  drafts: readonly EventDraft[],
  accountId: string,
  version: number,
  at: Instant,
): readonly MfaEvent[] {
  return drafts.map((draft, index) => ({
    ...draft,
    id: `${accountId}.${at}.${version}.${index}`,
    accountId,
    at,
  }))
}

/**
 * Hands the record's events to the listeners and takes them out of it, after the answer: at least once, in order. An
 * event whose listener fails stays in the record and is passed on again at the account's next commit.
 */
function pass(deps: Dependencies, saved: Loaded): void {
  const { accountId } = saved.record
  // If another run came first, it has changed the record: read it again, so that no event is passed on twice.
  inTurn(deps, accountId, async (behind) =>
    drain(deps, behind ? await loadRecord(deps, accountId) : saved),
  )
}

/** Passes on the events that wait in the record, after those that are being passed on. */
export async function passEventsOn(deps: Dependencies, accountId: string): Promise<void> {
  await afterOthers(deps, accountId, async () => drain(deps, await loadRecord(deps, accountId)))
}

async function drain(deps: Dependencies, { record, version }: Loaded): Promise<void> {
  const { accountId, events } = record
  if (events.length === 0) return
  await deps.publish(events)
  // This save need not be durable: if a power failure undoes it, the events are passed on once more. The request does
  // not wait for the disk a second time.
  const told = formatRecord({ ...record, events: [] })
  if (await deps.storage.records.save(accountId, told, version, 'relaxed')) return
  const passed = new Set(events.map((event) => event.id))
  await commit(deps, accountId, (later) => {
    const left = later.events.filter((event) => !passed.has(event.id))
    return left.length === later.events.length
      ? { outcome: undefined }
      : { outcome: undefined, record: { ...later, events: left } }
  })
}

function jitter(deps: Dependencies): number {
  return Buffer.from(deps.random.bytes(1)).readUInt8() / 256
}
