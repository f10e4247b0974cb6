/** Long enough for any address (RFC 5321: 64 + 1 + 255); no account has a longer name. */
export const LONGEST_NAME = 320

/** Control characters, surrogates, private-use and unassigned characters: a person cannot read them in a name. */
const UNREADABLE = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}]/u

/**
 * The one form in which user names and addresses are stored, looked up and counted: Unicode NFKC_Casefold (UAX 31,
 * 5.1), trimmed. All spellings of a name share it, so that a guesser gets one counter and not one for each way of
 * writing it, and so that no two accounts differ only in case.
 *
 * Undefined: no account can have this name.
 */
export function normaliseName(typed: string): string | undefined {
  if (typed.length > LONGEST_NAME * 2) return undefined
  // Two rounds, because each step can create input for another: a capital may decompose, and a composed letter may have
  // a capital.
  const folded = fold(fold(typed))
  return folded === '' || folded.length > LONGEST_NAME || UNREADABLE.test(folded)
    ? undefined
    : folded
}

/**
 * JavaScript has no full case folding. Upper case followed by lower case gives the same result: `toUpperCase` turns ß
 * into SS.
 */
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

/** The name of a group: it is shown in tokens and to operators. */
export function isGroup(text: string): boolean {
  return text !== '' && text.length <= LONGEST_NAME && !UNREADABLE.test(text)
}

/** An address that a mail server may accept. Only a mailed link can show whether a person reads it. */
export function isAddress(text: string): boolean {
  if (UNREADABLE.test(text)) return false
  return text.length <= 254 && /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]+$/u.test(text)
}
