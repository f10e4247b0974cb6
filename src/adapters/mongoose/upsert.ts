import { isDuplicateKey } from './failure.ts'

/**
 * If two simultaneous upserts insert one key, MongoDB refuses one of them. A second attempt finds the document and
 * changes it.
 */
export async function onceMoreOnDuplicateKey<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return await write()
  }
}
