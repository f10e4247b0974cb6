import type { Random } from '../../ports/services.ts'

/**
 * Digits and capitals of which no two look alike in a common typeface, and no vowels, so that no word comes out:
 * left out are 0 O, 1 I L, 5 S, B (8), Z (2), U and A E. 15 of 24 are 68.7 bits, above the 64 of R8.
 */
export const ALPHABET = '2346789CDFGHJKMNPQRTVWXY'
const SYMBOLS = 15
const GROUP = 4

/** Each code of a set has one, in the order they are shown; it selects the one hash to check. */
export const INDEXES = '1234567890'

/**
 * The index as the first character of a code. A digit there looks like the number of a list, and people leave it out
 * when they copy the codes; the codes of before have the digit, and stay valid.
 */
const INDEX_LETTERS = 'CDFGHJKMNP'

/** Bytes from this value on are drawn again: they would make the first symbols of the alphabet more likely. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length)

/** A character that no code contains, and the one that it resembles: the person can only have meant the latter. */
const LOOKALIKES: Readonly<Record<string, string>> = { B: '8', Z: '2' }
/** An index is a digit, so each letter that resembles a digit is read as that digit. */
const INDEX_LOOKALIKES: Readonly<Record<string, string>> = {
  B: '8',
  I: '1',
  L: '1',
  O: '0',
  S: '5',
  Z: '2',
}

const CODE = new RegExp(`^[${INDEXES}${INDEX_LETTERS}][${ALPHABET}]{${SYMBOLS}}$`)

/** `1.`, `10)` or `3` in front of a code: its number in a list. */
const LIST_NUMBER = /^[^\p{L}\p{N}]*\d{1,2}(?=[^\d])/u

/** Bullets, quotes, brackets, a final stop: what lists and sentences put around a code. */
const AROUND = /[\p{P}\p{S}\s]/gu

/** Draws the secret part of a code. */
export function drawSymbols(random: Random): string {
  let symbols = ''
  while (symbols.length < SYMBOLS)
    for (const byte of random.bytes(SYMBOLS - symbols.length))
      if (byte < FAIR_BYTES) symbols += ALPHABET.charAt(byte % ALPHABET.length)
  return symbols
}

/** The code as the person sees it: `C7KQ-4MWX-R9RT-DHN3`. */
export function formatCode(index: string, symbols: string): string {
  const code = INDEX_LETTERS.charAt(INDEXES.indexOf(index)) + symbols
  const groups = Array.from({ length: code.length / GROUP }, (_, group) =>
    code.slice(group * GROUP, (group + 1) * GROUP),
  )
  return groups.join('-')
}

/**
 * Index and symbols from the typed text; undefined: no code at all. A number in front is that of a list where a code
 * is left without it, and otherwise the index of an older code.
 */
export function readCode(typed: string): { index: string; symbols: string } | undefined {
  // NFKC comes before upper case, because a full-width letter has an upper case of its own.
  const text = typed.normalize('NFKC').toUpperCase()
  return read(text.replace(LIST_NUMBER, '')) ?? read(text)
}

function read(text: string): { index: string; symbols: string } | undefined {
  const code = Array.from(text.replace(AROUND, ''))
    .map((letter, at) => (at === 0 ? INDEX_LOOKALIKES : LOOKALIKES)[letter] ?? letter)
    .join('')
  if (!CODE.test(code)) return undefined
  const [first = ''] = code
  const slot = INDEX_LETTERS.indexOf(first)
  return { index: slot === -1 ? first : INDEXES.charAt(slot), symbols: code.slice(1) }
}
