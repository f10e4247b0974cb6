/** Nothing, as databases write it into a text: `NULL`, and `\N` of MySQL and of Postgres' COPY. */
export function isNothing(text: string): boolean {
  return /^(?:null|\\n)?$/i.test(text.trim())
}

/**
 * Words that programs write in place of a value. Most of them can be read as base32 (`undefined` is a secret of 40 bits):
 * an attacker who tries them would have the second factor of everybody for whom one was written.
 */
const WORDS = new Set(
  [
    'null undefined none nil nan void empty blank unset notset missing unknown default',
    'true false yes no on off enabled enable disabled disable active inactive',
    'pending confirmed unconfirmed verified unverified redacted removed deleted revoked',
    'secret password token string object totp otp mfa twofactor authenticator backup recovery',
  ].flatMap((line) => line.split(' ')),
)

/** Whether a text is such a word, with whatever case and punctuation: `N/A`, `(none)`, `NOT SET`. */
export function isWord(text: string): boolean {
  const letters = text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return isNothing(text) || letters === 'na' || WORDS.has(letters)
}

/** A value as text. An object of a JSON file may have a member `toString` that is no function: it has no text. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return ''
  }
}
