/** The lines that are removed from `before` and added in `after`, as `diff` shows them. */
export function changed(before: string, after: string): { removed: string[]; added: string[] } {
  const [old, now] = [before, after].map((text) => text.trimEnd().split('\n')) as [
    string[],
    string[],
  ]
  const common: number[][] = Array.from({ length: old.length + 1 }, () =>
    Array<number>(now.length + 1).fill(0),
  )
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = now.length - 1; j >= 0; j -= 1)
      common[i]![j] =
        old[i] === now[j]
          ? common[i + 1]![j + 1]! + 1
          : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
  const removed: string[] = []
  const added: string[] = []
  for (let i = 0, j = 0; i < old.length || j < now.length;)
    if (i < old.length && j < now.length && old[i] === now[j]) [i, j] = [i + 1, j + 1]
    else if (j < now.length && (i === old.length || common[i]![j + 1]! >= common[i + 1]![j]!))
      added.push(now[j++]!)
    else removed.push(old[i++]!)
  return { removed, added }
}
