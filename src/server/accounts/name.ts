/** Long enough for any address (RFC 5321: 64 + 1 + 255); a longer name is nobody's. */
export const LONGEST_NAME = 320

/** Unassigned on purpose, for display or for steering: no part of a name that a person can read back. */
const UNREADABLE = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}]/u

/**
 * The one form in which user names and addresses are stored, looked up and counted: Unicode NFKC_Casefold
 * (UAX 31, 5.1), trimmed. All spellings of a name share it, so that a guesser gets one counter and not one
 * for each way of writing it, and so that no two accounts look alike but for case.
 *
 * Undefined: this can be nobody's name.
 */
export function normaliseName(typed: string): string | undefined {
  if (typed.length > LONGEST_NAME * 2) return undefined
  // Each step can make work for another: a capital may decompose, a composed letter may have a capital.
  const folded = fold(fold(typed))
  return folded === '' || folded.length > LONGEST_NAME || UNREADABLE.test(folded)
    ? undefined
    : folded
}

/** JavaScript has no full case folding. Upper case first gives the same: it is there that ß becomes SS. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .trim()
}

/** The name of a group: it stands in tokens, and where an operator reads it. */
export function isGroup(text: string): boolean {
  return text !== '' && text.length <= LONGEST_NAME && !UNREADABLE.test(text)
}

/** An address that a mail server may take; whether somebody reads it only a mailed link can tell. */
export function isAddress(text: string): boolean {
  if (UNREADABLE.test(text)) return false
  return text.length <= 254 && /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]+$/u.test(text)
}
