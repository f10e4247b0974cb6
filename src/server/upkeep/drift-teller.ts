import type { Difference } from '../../domain/drift.ts'
import type { NodeNote } from '../../ports/nodes.ts'
import type { Logger } from '../observe/log.ts'

export interface Seen {
  readonly live: readonly NodeNote[]
  readonly differences: readonly Difference[]
}

/**
 * Returns the function that logs how the nodes differ, and when they agree again: one line for each change, not for each
 * heartbeat. A difference is an error on the node that differs, and a warning on the others. Other versions of the
 * package are an information, because an upgrade has them for a while. `own`: the note of this node.
 */
export function driftTeller(
  own: Pick<NodeNote, 'id' | 'version'>,
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
): (seen: Seen) => void {
  let told = new Map<string, Difference>()
  let versions = ''
  return ({ live, differences }) => {
    const present = new Map(differences.map((difference) => [keyOf(difference), difference]))
    for (const [key, difference] of present) if (!told.has(key)) tellDifference(difference)
    for (const [key, { setting, node }] of told)
      if (!present.has(key)) log.info({ setting, differing: node.name }, 'a difference is over')
    told = present
    tellVersions(live)
  }

  function tellDifference({ setting, node, value, earlier, earlierValue }: Difference): void {
    const about = {
      setting,
      differing: node.name,
      value,
      earlier: earlier.name,
      earlierValue,
    }
    if (node.id === own.id)
      log.error(
        about,
        `this node differs in ${setting} from ${earlier.name}, which started earlier`,
      )
    else log.warn(about, `the node ${node.name} differs in ${setting} from ${earlier.name}`)
  }

  function tellVersions(live: readonly NodeNote[]): void {
    const others = live.filter(({ version }) => version !== own.version)
    const present = others.map(({ name, version }) => `${name} ${version}`).sort()
    if (present.join() !== versions && present.length > 0)
      log.info({ nodes: present }, 'nodes have another version')
    versions = present.join()
  }
}

function keyOf({ setting, node, value, earlier, earlierValue }: Difference): string {
  return JSON.stringify([setting, node.id, value, earlier.id, earlierValue])
}
