/** The most entries of one kind that are listed and told one by one. The others are counted. */
export const MOST_LISTED = 1_000

export interface Listed<T> {
  readonly entries: readonly T[]
  add(entry: T): void
}

/**
 * Keeps the first thousand entries, and tells each of them when it comes. `tellMore` is called once, at the first entry
 * that is only counted: a file with a wrong column has as many bad lines as people, and neither the memory nor a
 * terminal should hold them all.
 */
export function listed<T>(tell: (entry: T) => void, tellMore: () => void): Listed<T> {
  const entries: T[] = []
  let count = 0
  return {
    entries,
    add(entry) {
      count += 1
      if (count === MOST_LISTED + 1) tellMore()
      if (count > MOST_LISTED) return
      entries.push(entry)
      tell(entry)
    },
  }
}
