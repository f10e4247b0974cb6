/** The initials of a label, two at most: `mira.k@example.com` gives `MK`. */
export function initialsOf(label: string): string {
  const [name = ''] = label.split('@')
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
  const ends = words.length > 1 ? [words.at(0), words.at(-1)] : words
  return ends.map((word = '') => (Array.from(word)[0] ?? '').toUpperCase()).join('')
}
