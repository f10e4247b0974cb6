import type { NodeNote, Nodes } from '../../ports/nodes.ts'
import { NODE_KEPT_SECONDS } from '../node-rules.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

export function memoryNodes(): Nodes & Sweepable {
  const stored = new Map<string, string>()
  const read = (json: string): NodeNote => JSON.parse(json) as NodeNote
  return {
    async note(node) {
      stored.set(node.id, JSON.stringify(node))
    },

    async live(since) {
      return [...stored.values()].map(read).filter(({ beatAt }) => beatAt >= since)
    },

    async forget(id) {
      stored.delete(id)
    },

    sweep: (now, limit) =>
      sweepMap(stored, limit, (json) => read(json).beatAt <= now - NODE_KEPT_SECONDS),
  }
}
