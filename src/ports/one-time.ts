import type { JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'

/** Values that can be taken once: the server's set-up links. The caller makes each key unguessable or hashes it. */
export interface OneTime {
  /** Keeps `value` under `key` until `expiresAt`; an entry of that key is replaced. */
  put(key: string, value: JsonObject, expiresAt: Instant): Promise<void>

  /**
   * Deletes the entry and returns its value, in one atomic step: of any number of parallel calls on any number of nodes
   * one gets the value, the rest undefined. An entry past its time gives undefined, whether or not it has been swept.
   */
  take(key: string, now: Instant): Promise<JsonObject | undefined>

  /** Returns the value without taking it, to show a page (a GET takes nothing). */
  peek(key: string, now: Instant): Promise<JsonObject | undefined>
}
