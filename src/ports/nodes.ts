import type { Instant } from '../domain/time.ts'

/**
 * The note of a running node about itself. By the notes the nodes of a deployment see whether their settings agree. A
 * note contains no secret: keys and settings are in it as fingerprints or as small plain values.
 */
export interface NodeNote {
  /** Random, made at each start of the process. */
  readonly id: string
  /** NODE_NAME, or the name of the host. Two processes may have the same. */
  readonly name: string
  /** The version of the package. */
  readonly version: string
  /** The newest version of the storage's schema that the process knows. */
  readonly schema: number
  readonly startedAt: Instant
  /** The last heartbeat, by the clock of the node. */
  readonly beatAt: Instant
  readonly issuer: string
  /** Fingerprints of the cookie keys; the first one is that of the key that signs. */
  readonly cookieKeys: readonly string[]
  /** The settings that all nodes must agree on: a fingerprint or a small plain value by the setting's name. */
  readonly settings: Readonly<Record<string, string>>
}

/** The notes of the nodes that share the storage. */
export interface Nodes {
  /** Writes the note, or replaces the one with the same id. */
  note(node: NodeNote): Promise<void>
  /** The notes with a heartbeat at `since` or later, in no particular order. */
  live(since: Instant): Promise<readonly NodeNote[]>
  /** Removes the note of a node that stops. An unknown id changes nothing. */
  forget(id: string): Promise<void>
}
