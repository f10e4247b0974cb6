import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../../../config/environment.ts'
import { DECIDING_FILES, decidingValues } from '../../../config/deciding.ts'
import type { FileValues } from '../../../config/schema.ts'
import {
  COOKIE_KEYS_SETTING,
  differencesAmong,
  isLive,
  NODE_LAPSES_SECONDS,
  startAfter,
  type Difference,
} from '../../domain/drift.ts'
import type { NodeNote, Nodes } from '../../ports/nodes.ts'
import type { Clock } from '../../ports/services.ts'
import type { Foundation } from '../boot/foundation.ts'
import { fingerprints, type Fingerprint } from '../keys/fingerprint-key.ts'
import { packageVersion, type Logger } from '../observe/log.ts'
import { driftTeller } from './drift-teller.ts'
import { every } from './every.ts'
import { settledDifferences } from './settled-differences.ts'

/** Four heartbeats fit into the time after which a node counts as gone. */
const HEARTBEAT_MILLISECONDS = 15_000

/** The lease of the node that is starting. */
const TURN = 'start'
const TURN_SECONDS = 10
const TURN_MILLISECONDS = 20_000
const PAUSE_MILLISECONDS = 50

/** The part of this node in its deployment. */
export interface Membership {
  /** True while this node differs from one that started earlier. */
  readonly differs: boolean
  /** Notes the present settings of this node and compares them, before the next heartbeat is due. */
  beat(): Promise<void>
  /** Ends the heartbeats and removes the note of this node. */
  leave(): Promise<void>
}

type Services = Pick<Foundation, 'config' | 'storage' | 'clock' | 'issuer'> &
  Pick<Foundation, 'box' | 'random' | 'serverMeasures'>

export interface MembershipOptions {
  readonly log: Logger
  /** The time between two heartbeats. Default: 15 s. */
  readonly heartbeatMilliseconds?: number | undefined
  /** The settings of this node at present. Default: those of its start. */
  readonly settings?: () => FileValues
}

/**
 * Writes the note of this node, compares it with the notes of the others, and does both again with each heartbeat.
 *
 * Throws ConfigError when a node that started earlier has another issuer, or cookie keys with which the two do not read
 * each other's cookies; then no note is left. Throws MfaError while the storage is away. Later, the first heartbeat of
 * an outage that fails is logged, and each next one tries again.
 */
export async function joinDeployment(
  services: Services,
  options: MembershipOptions,
): Promise<Membership> {
  const id = Buffer.from(services.random.bytes(16)).toString('base64url')
  const giveTurn = await takeTurn(services, id)
  try {
    const fingerprint = await fingerprints({
      settings: services.storage.settings,
      box: services.box,
      random: services.random,
    })
    const own = await noteOf(services, id, fingerprint)
    const settings = (): NodeNote['settings'] => {
      const { config } = services
      return settingsOf(
        { ...config, settings: options.settings?.() ?? config.settings },
        fingerprint,
      )
    }
    return await join(services, { own, settings }, options)
  } finally {
    await giveTurn()
  }
}

/**
 * Nodes that start at once start one after another, so that each sees the note of the one before. Otherwise two nodes
 * with different issuers would both find nobody, and both would serve. A node that hangs in its start does not stop the
 * others for longer than 20 s; the heartbeats compare the notes again.
 */
async function takeTurn({ storage, clock }: Services, id: string): Promise<() => Promise<void>> {
  const give = (): Promise<void> => storage.leases.give(TURN, id).catch(() => undefined)
  const end = performance.now() + TURN_MILLISECONDS
  while (performance.now() < end) {
    if (await storage.leases.take(TURN, id, clock.now(), clock.now() + TURN_SECONDS)) break
    await sleep(PAUSE_MILLISECONDS)
  }
  return give
}

async function join(
  services: Services,
  { own, settings }: { readonly own: NodeNote; readonly settings: () => NodeNote['settings'] },
  { log, heartbeatMilliseconds = HEARTBEAT_MILLISECONDS }: MembershipOptions,
): Promise<Membership> {
  const { clock, serverMeasures } = services
  const { nodes } = services.storage
  const tell = driftTeller(own, log)
  const settled = settledDifferences()
  let differs = false
  const look = async (isStart = false): Promise<void> => {
    await nodes.note({ ...own, settings: settings(), beatAt: clock.now() })
    const live = await liveNodes(nodes, clock)
    const differences = settled({ differences: differencesAmong(live), live, now: clock.now() })
    const ofOwn = differences.filter(({ node }) => node.id === own.id)
    if (isStart) refuse(ofOwn)
    differs = ofOwn.length > 0
    serverMeasures.nodesSeen(live.length, new Set(ofOwn.map(({ setting }) => setting)))
    tell({ live, differences })
  }

  try {
    await look(true)
  } catch (error) {
    await nodes.forget(own.id).catch(() => undefined)
    throw error
  }
  let hasFailed = false
  const beat = async (): Promise<void> => {
    try {
      await look()
      if (hasFailed) log.info('the heartbeat of this node succeeds again')
      hasFailed = false
    } catch (error) {
      if (!hasFailed) log.warn({ error }, 'the heartbeat of this node failed')
      hasFailed = true
    }
  }
  const stop = every(heartbeatMilliseconds, beat)
  return {
    beat,
    get differs() {
      return differs
    },
    async leave() {
      await stop()
      // The note lapses by itself. That is no reason to fail a stop.
      await nodes
        .forget(own.id)
        .catch((error: unknown) => log.warn({ error }, 'the note of this node was not removed'))
    },
  }
}

/** The notes of the nodes that are live by this node's clock. */
export async function liveNodes(nodes: Nodes, clock: Clock): Promise<readonly NodeNote[]> {
  const now = clock.now()
  return (await nodes.live(now - NODE_LAPSES_SECONDS)).filter((note) => isLive(note, now))
}

async function noteOf(
  { config, storage, clock, issuer }: Services,
  id: string,
  fingerprint: Fingerprint,
): Promise<NodeNote> {
  const now = clock.now()
  return {
    id,
    name: config.nodeName ?? hostname(),
    version: packageVersion,
    schema: (await storage.schema()).wanted,
    startedAt: startAfter(await liveNodes(storage.nodes, clock), now),
    beatAt: now,
    issuer,
    cookieKeys: config.cookieKeys.map((key) => cookieKeyFingerprint(fingerprint, key)),
    settings: settingsOf(config, fingerprint),
  }
}

export function cookieKeyFingerprint(fingerprint: Fingerprint, key: Uint8Array): string {
  return fingerprint(COOKIE_KEYS_SETTING, Buffer.from(key).toString('base64'))
}

/** A longer value is noted as a fingerprint. */
const LONGEST_PLAIN = 64

function settingsOf(config: Foundation['config'], fingerprint: Fingerprint) {
  const files: readonly string[] = DECIDING_FILES
  const settings = [...decidingValues(config)].map(([setting, value]): [string, string] => {
    if (value === undefined) return [setting, 'not set']
    const text = JSON.stringify(value, sorted)
    const isPlain = !files.includes(setting) && text.length <= LONGEST_PLAIN
    return [setting, isPlain ? text : fingerprint(setting, text)]
  })
  return Object.fromEntries(settings)
}

/** Two files whose members are in another order say the same. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function refuse(differences: readonly Difference[]): void {
  const faults = differences
    .filter(({ severity }) => severity === 'refuse')
    .map(({ setting, earlier }) => ({
      setting,
      problem:
        setting === COOKIE_KEYS_SETTING
          ? `does not fit the node ${earlier.name}, which is running: each of the two must know the key that the other one signs with. Put a new key behind on every node before it goes in front`
          : `is another one on the node ${earlier.name}, which is running with this storage: stop that node first, or wait a minute after it was killed`,
    }))
  if (faults.length > 0) throw new ConfigError(faults)
}
