import { isDeepStrictEqual } from 'node:util'
import type { mongo } from 'mongoose'
import type { JsonObject } from '../../domain/json.ts'
import { is, type TextDocument } from './collections.ts'

/** Compare-and-swap by value. False: the stored value is another, or was changed or removed meanwhile. */
export async function replaceText(
  documents: mongo.Collection<TextDocument>,
  id: string,
  value: JsonObject,
  expected: JsonObject,
): Promise<boolean> {
  const present = await documents.findOne({ _id: is(id) })
  if (present === null) return false
  if (!isDeepStrictEqual(JSON.parse(present.text), JSON.parse(JSON.stringify(expected))))
    return false
  // If the text is equal, it has not changed since it was read.
  const { matchedCount } = await documents.updateOne(
    { _id: is(id), text: is(present.text) },
    { $set: { text: JSON.stringify(value) } },
  )
  return matchedCount === 1
}
