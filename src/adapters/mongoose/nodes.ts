import type { mongo } from 'mongoose'
import type { NodeNote, Nodes } from '../../ports/nodes.ts'
import { COLLECTIONS, dateOf, is, type NodeDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { onceMoreOnDuplicateKey } from './upsert.ts'

export function mongoNodes(database: MongoDatabase): Nodes {
  const on = <T>(deed: (nodes: mongo.Collection<NodeDocument>) => Promise<T>): Promise<T> =>
    database.on<NodeDocument, T>(COLLECTIONS.nodes, deed)

  return {
    note: (node) =>
      on(async (nodes) => {
        const fields = { text: JSON.stringify(node), keepUntil: dateOf(node.beatAt) }
        await onceMoreOnDuplicateKey(() =>
          nodes.updateOne({ _id: is(node.id) }, { $set: fields }, { upsert: true }),
        )
      }),

    live: (since) =>
      on(async (nodes) => {
        const found = await nodes.find({ keepUntil: { $gte: dateOf(since) } }).toArray()
        return found.map(({ text }) => JSON.parse(text) as NodeNote)
      }),

    forget: (id) =>
      on(async (nodes) => {
        await nodes.deleteOne({ _id: is(id) })
      }),
  }
}
