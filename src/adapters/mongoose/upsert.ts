import { isDuplicateKey } from './failure.ts'

/** Of two upserts that insert one key at once, MongoDB refuses one. Its second attempt finds the document and changes it. */
export async function onceMoreOnDuplicateKey<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return await write()
  }
}
