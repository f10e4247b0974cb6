import type { JsonObject } from '../domain/json.ts'

/** The stored relying parties, with metadata in the standard's snake_case. The caller seals their secrets. */
export interface Clients {
  get(clientId: string): Promise<JsonObject | undefined>
  /** Inserts or replaces a client, and answers what happened. */
  put(clientId: string, metadata: JsonObject): Promise<'added' | 'changed' | 'unchanged'>
  /** False: there is a client of this id already. Of two commands that add one at once, only one inserts it. */
  insert(clientId: string, metadata: JsonObject): Promise<boolean>
  /** Compare-and-swap by value. False: changed or removed meanwhile. */
  replace(clientId: string, metadata: JsonObject, expected: JsonObject): Promise<boolean>
  remove(clientId: string): Promise<boolean>
  list(): Promise<readonly JsonObject[]>
}
