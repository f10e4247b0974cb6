import type { JsonObject } from '../domain/json.ts'

/** Small values that the server makes once and keeps: sealed signing keys, a check value per encryption key. */
export interface Settings {
  get(name: string): Promise<JsonObject | undefined>
  /** False when the name is there already: of two nodes that start at once, only one inserts it. */
  insert(name: string, value: JsonObject): Promise<boolean>
  /** Compare-and-swap by value. */
  replace(name: string, value: JsonObject, expected: JsonObject): Promise<boolean>
}
