/**
 * How a code that a person typed becomes the code that is checked: once, here, so that the check and the
 * used-check can never disagree on what "the same code" is (R34).
 */

/** Longer than any code that a person types, and short enough to be processed at no cost. */
const LONGEST_TYPED = 128

/**
 * White space of every script, dashes, and what is invisible (zero-width, direction marks, soft hyphens): apps
 * group codes with the first two, copying from a page or a right-to-left text brings in the rest. U+2212 is the
 * minus sign, U+2043 the hyphen bullet.
 */
const SEPARATORS = /[\s\p{Pd}\p{Cf}\u2212\u2043]/gu

const DECIMAL_DIGIT = /\p{Nd}/u
const DECIMAL_DIGITS = /\p{Nd}/gu

/**
 * The characters that count: separators gone, the decimal digits of every script as ASCII digits (a phone set to
 * Arabic or Persian, a full-width Japanese keyboard). Leading zeros stay. Undefined for what was left out of the
 * form and for more than 128 characters.
 */
export function normaliseTyped(typed: string | undefined): string | undefined {
  if (typed === undefined || typed.length > LONGEST_TYPED) return undefined
  return typed.replace(SEPARATORS, '').replace(DECIMAL_DIGITS, (digit) => String(valueOf(digit)))
}

/**
 * Unicode encodes decimal digits in ascending runs of ten, zero first, and promises to go on doing so (The Unicode
 * Standard, 4.6): the distance to the beginning of the run is the value. Adjoining runs are ten long each.
 */
function valueOf(digit: string): number {
  const codePoint = Number(digit.codePointAt(0))
  let start = codePoint
  while (DECIMAL_DIGIT.test(String.fromCodePoint(start - 1))) start -= 1
  return (codePoint - start) % 10
}
