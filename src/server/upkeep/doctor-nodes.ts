import {
  cookieKeyUses,
  differencesAmong,
  type CookieKeyUse,
  type Difference,
} from '../../domain/drift.ts'
import type { NodeNote } from '../../ports/nodes.ts'
import type { Foundation } from '../boot/foundation.ts'
import { fingerprints } from '../keys/fingerprint-key.ts'
import type { Finding } from './finding.ts'
import { cookieKeyFingerprint, liveNodes } from './membership.ts'

type Services = Pick<Foundation, 'config' | 'storage' | 'clock' | 'box' | 'random'>

/**
 * The live nodes with their versions, each difference among them, and how far a change of COOKIE_KEYS is. The settings
 * of this command are not compared with theirs.
 */
export async function examineNodes(services: Services): Promise<readonly [Finding, ...Finding[]]> {
  const live = await liveNodes(services.storage.nodes, services.clock)
  const names = live.map(({ name, version }) => `${name} (${version})`).sort()
  const others = new Set(live.map(({ version }) => version)).size > 1
  const detail = names.length === 0 ? 'none is live' : `${names.length} live: ${names.join(', ')}`
  const upgrade = '; the versions differ, as during an upgrade'
  return [
    { check: 'nodes', result: 'ok', detail: others ? detail + upgrade : detail },
    ...differencesAmong(live).map(findingOf),
    ...(live.length === 0 ? [] : await cookieKeyFindings(services, live)),
  ]
}

function findingOf(difference: Difference): Finding {
  const { setting, severity, node, value, earlier, earlierValue } = difference
  const then = severity === 'refuse' ? ': sign-ins break between the two' : ''
  return {
    check: 'nodes',
    result: 'failed',
    detail: `${node.name} differs in ${setting} from ${earlier.name}, which started earlier (${value}, and ${earlierValue} there)${then}`,
  }
}

async function cookieKeyFindings(
  { config, storage, box, random }: Services,
  live: readonly NodeNote[],
): Promise<readonly Finding[]> {
  const fingerprint = await fingerprints({ settings: storage.settings, box, random })
  const places = new Map(
    config.cookieKeys.map((key, at) => [cookieKeyFingerprint(fingerprint, key), at + 1]),
  )
  return cookieKeyUses(live).map((use) => ({
    check: 'cookie keys',
    result: 'ok',
    detail: `${nameOf(use.key, places)} ${stateOf(use, live.length)}`,
  }))
}

/** An operator tells the keys apart by their places in the COOKIE_KEYS with which the command runs. */
function nameOf(key: string, places: ReadonlyMap<string, number>): string {
  const place = places.get(key)
  const prefix = key.slice(0, SHOWN)
  return place === undefined ? prefix : `${prefix} (number ${place} in COOKIE_KEYS here)`
}

const SHOWN = 8

function stateOf({ signsOn, missingOn }: CookieKeyUse, nodes: number): string {
  if (signsOn.length === nodes) return 'signs on every node'
  const missing = missingOn.join(', ')
  if (signsOn.length > 0) {
    const where = `signs on ${signsOn.join(', ')}`
    return missing === ''
      ? `${where} and is known to every node`
      : `${where}, missing on ${missing}`
  }
  return missing === ''
    ? 'is behind on every node: put it in front if it is new, or take it out when the last session of its time is over'
    : `is behind, and missing on ${missing}: put it behind there before it goes in front anywhere, or go on taking it out`
}
