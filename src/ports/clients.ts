import type { JsonObject } from '../domain/json.ts'

/** Relying parties kept in the storage; metadata in the standard's snake_case. Secrets are sealed by the caller. */
export interface Clients {
  get(clientId: string): Promise<JsonObject | undefined>
  /** Inserts or replaces. Answers what happened. */
  put(clientId: string, metadata: JsonObject): Promise<'added' | 'changed' | 'unchanged'>
  /** Compare-and-swap by value. False: changed or removed meanwhile. */
  replace(clientId: string, metadata: JsonObject, expected: JsonObject): Promise<boolean>
  remove(clientId: string): Promise<boolean>
  list(): Promise<readonly JsonObject[]>
}
