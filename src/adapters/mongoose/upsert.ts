import { isDuplicateKey } from './failure.ts'

/** Of two that insert one key at once, the database refuses one; a second time there is something to change. */
export async function onceMoreOnDuplicateKey<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return await write()
  }
}
