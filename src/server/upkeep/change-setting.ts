import type { JsonObject } from '../../domain/json.ts'
import type { Settings } from '../../ports/settings.ts'

/** Few processes write one setting. If one process loses this many rounds in a row, the storage compares wrongly. */
const MOST_ROUNDS = 100

/**
 * Changes one setting by compare-and-swap. `decide` gets the stored value (undefined: there is none yet) and returns
 * the value to store, or undefined to leave the setting as it is. When another process has changed the setting in
 * between, `decide` is called again with the new value, so it may run several times. Returns whether a value was
 * stored. An error of `decide` is thrown to the caller.
 */
export async function changeSetting(
  settings: Settings,
  name: string,
  decide: (stored: JsonObject | undefined) => NextValue | Promise<NextValue>,
): Promise<boolean> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const stored = await settings.get(name)
    const next = await decide(stored)
    if (next === undefined) return false
    const saved =
      stored === undefined
        ? await settings.insert(name, next)
        : await settings.replace(name, next, stored)
    if (saved) return true
  }
  throw new Error(`the setting ${name} was changed by other processes again and again`)
}

type NextValue = JsonObject | undefined
