/**
 * Before the connection is open, Mongoose keeps each call of a collection, and makes it again when it is open. A
 * function that replaces a method of the collection is then called twice.
 */

export type Calls = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>

export type Once = <T>(given: T, settle: () => unknown) => T

/** For a call that Mongoose repeats: an argument that was processed is not processed a second time. */
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
 * Mongoose 8 repeats the call with a callback after the arguments, and answers the first caller through it; Mongoose 9
 * uses the returned value.
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
