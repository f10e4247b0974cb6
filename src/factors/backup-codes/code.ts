import type { Random } from '../../ports/services.ts'

/**
 * Digits and capitals of which no two look alike in a common typeface, and no vowels, so that no word comes out:
 * left out are 0 O, 1 I L, 5 S, B (8), Z (2), U and A E. 15 of 24 are 68.7 bits, above the 64 of R8.
 */
export const ALPHABET = '2346789CDFGHJKMNPQRTVWXY'
const SYMBOLS = 15
const GROUP = 5

/** The first character of each code, in the order they are shown; it selects the one hash to check. */
export const INDEXES = '1234567890'

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

const CODE = new RegExp(`^[${INDEXES}][${ALPHABET}]{${SYMBOLS}}$`)

/** Draws the secret part of a code. */
export function drawSymbols(random: Random): string {
  let symbols = ''
  while (symbols.length < SYMBOLS)
    for (const byte of random.bytes(SYMBOLS - symbols.length))
      if (byte < FAIR_BYTES) symbols += ALPHABET.charAt(byte % ALPHABET.length)
  return symbols
}

/** The code as the person sees it: `1-7KQ4M-WXA9R-TDHN3`. */
export function formatCode(index: string, symbols: string): string {
  const groups = Array.from({ length: SYMBOLS / GROUP }, (_, group) =>
    symbols.slice(group * GROUP, (group + 1) * GROUP),
  )
  return [index, ...groups].join('-')
}

/** Index and symbols from what is left of the typed text without its separators; undefined: no code at all. */
export function readCode(typed: string): { index: string; symbols: string } | undefined {
  // NFKC comes before upper case, because a full-width letter has an upper case of its own.
  const letters = Array.from(typed.normalize('NFKC').toUpperCase())
  const code = letters
    .map((letter, at) => (at === 0 ? INDEX_LOOKALIKES : LOOKALIKES)[letter] ?? letter)
    .join('')
  return CODE.test(code) ? { index: code.charAt(0), symbols: code.slice(1) } : undefined
}
