import { measuredPort, timeCall } from '../../observe/port.ts'
import type { HostRecords } from '../../ports/host-records.ts'
import type { Measures } from '../../ports/measures.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { ServerMeasures } from './server-measures.ts'

/** Members that call back, or that are called once. */
const UNTIMED: ReadonlySet<string> = new Set(['duringRequest', 'close'])

/**
 * The storage with its calls timed, except those of `records`: the plugin times them, and counts one that never ends
 * as unavailable. Where nothing is collected, it is the storage itself.
 */
export function measuredStorage(
  storage: ServerStorage,
  measures: Measures,
  { swept }: Pick<ServerMeasures, 'swept'>,
): ServerStorage {
  if (!measures.collects) return storage
  const timed = Object.entries(storage).map(([name, member]: [string, unknown]) => {
    if (name === 'records' || UNTIMED.has(name) || !hasCalls(member)) return [name, member]
    if (name === 'hostRecords') return [name, measuredHostRecords(storage.hostRecords, measures)]
    if (typeof member === 'function') {
      const call = member as (...args: unknown[]) => unknown
      return [
        name,
        (...args: unknown[]) =>
          timeCall(measures, `storage.${name}`, () => call.apply(storage, args)),
      ]
    }
    return [name, measuredPort(member, name, measures)]
  })
  const measured = Object.fromEntries(timed) as ServerStorage
  return {
    ...measured,
    async sweep(limit, audit) {
      const rows = await measured.sweep(limit, audit)
      // A call that deletes rows may hide the error of one kind of row; a call that finds none throws it.
      swept(rows, rows > 0)
      return rows
    },
  }
}

/** The host makes an adapter for each of its models. The model is no part of the operation. */
function measuredHostRecords(records: HostRecords, measures: Measures): HostRecords {
  return (model) => measuredPort(records(model), 'hostRecords', measures)
}

function hasCalls(member: unknown): member is object {
  return typeof member === 'function' || (typeof member === 'object' && member !== null)
}
