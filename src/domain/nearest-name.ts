/** The known name that a misspelt one probably stands for; undefined: none is near enough. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 4)) + 1
  for (const each of known) {
    if (Math.abs(each.length - name.length) >= least) continue
    const distance = distanceOf(name.toLowerCase(), each.toLowerCase())
    // A short name is near to every other short name: more than half of it has to be the same.
    if (distance >= least || distance * 2 >= name.length) continue
    least = distance
    best = each
  }
  return best
}

/** ` (did you mean "NAME"?)`, or nothing. */
export function suggestion(name: string, known: Iterable<string>): string {
  const near = nearest(name, known)
  return near === undefined ? '' : ` (did you mean "${near}"?)`
}

/** The number of characters that were typed too much, left out, replaced, or exchanged with their neighbour. */
function distanceOf(one: string, other: string): number {
  let before = new Float64Array(other.length + 1)
  let row = Float64Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = new Float64Array(other.length + 1).fill(i, 0, 1)
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1]
      const isExchanged = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      next[j] = Math.min(
        cell(row, j) + 1,
        cell(next, j - 1) + 1,
        cell(row, j - 1) + (isSame ? 0 : 1),
        isExchanged ? cell(before, j - 2) + 1 : Infinity,
      )
    }
    before = row
    row = next
  }
  return cell(row, other.length)
}

function cell(row: Float64Array, index: number): number {
  return row[index] as number
}
