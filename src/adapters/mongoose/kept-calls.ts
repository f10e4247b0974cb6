/*
 * Before the connection is open, Mongoose keeps each call of a collection, and makes it again when it is open. What takes
 * the place of a collection's methods is called twice then.
 */

export type Calls = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>

export type Once = <T>(given: T, settle: () => unknown) => T

/** For a call that is made again: a settled argument is not settled twice. */
export function onlyOnce(): Once {
  const settled = new WeakSet<object>()
  return <T>(given: T, settle: () => unknown): T => {
    if (settled.has(given as object)) return given
    const answer = settle() as T
    settled.add(answer as object)
    return answer
  }
}

/**
 * Mongoose 8 makes the call again with a callback behind the arguments, and answers the first caller by it; Mongoose 9
 * answers by what is returned.
 */
export function withCallback<T extends Calls>(calls: T): T {
  type Callback = (error: unknown, result?: unknown) => void
  const answering = Object.entries(calls).map(([name, call]) => [
    name,
    (...given: never[]) => {
      const callback = given.at(-1) as Callback | undefined
      if (typeof callback !== 'function') return call(...given)
      return call(...given.slice(0, -1)).then((result) => callback(null, result), callback)
    },
  ])
  return Object.fromEntries(answering) as T
}
