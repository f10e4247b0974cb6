import { commonPasswords } from './common-passwords.ts'

/** The fewest characters of a password that is used alone, without a second factor (NIST SP 800-63B-4 3.1.1.2, R16). */
export const SHORTEST_ALONE = 15
/** At least 64 characters must be accepted; the limit only keeps very long texts away from the hash. */
export const LONGEST_PASSWORD_BYTES = 1024

export type PasswordVerdict =
  | { readonly accepted: true; readonly password: string }
  | { readonly accepted: false; readonly reason: PasswordFault }

export type PasswordFault = 'too-short' | 'too-long' | 'blocked' | 'contains-name'

export interface PasswordRules {
  /** The minimum in characters (Unicode code points). */
  readonly minimumLength: number
  /** Words that an attacker tries first for this account: user name, address, the service's name. */
  readonly contextWords: readonly string[]
}

/**
 * The form in which a password is hashed and checked: NFC (NIST SP 800-63B-4 3.1.1.2), so that a letter
 * composed by one keyboard and decomposed by another is the same letter. Nothing is trimmed or folded.
 */
export function normalisePassword(typed: string): string {
  return typed.normalize('NFC')
}

/** Whether the password is longer than any accepted one. Such a password is not hashed. */
export function isTooLong(password: string): boolean {
  return (
    password.length > LONGEST_PASSWORD_BYTES ||
    new TextEncoder().encode(password).length > LONGEST_PASSWORD_BYTES
  )
}

/**
 * Whether a new password may be used: it checks the length, a blocklist of common passwords, and the account's own
 * words. No rule requires digits or signs (R16): they make passwords predictable, not strong.
 */
export async function judgePassword(typed: string, rules: PasswordRules): Promise<PasswordVerdict> {
  const password = normalisePassword(typed)
  if (isTooLong(password)) return { accepted: false, reason: 'too-long' }
  if ([...password].length < rules.minimumLength) return { accepted: false, reason: 'too-short' }
  const plain = password.normalize('NFKC').toLowerCase()
  if (rules.contextWords.some((word) => isMostly(plain, word)))
    return { accepted: false, reason: 'contains-name' }
  if (isCommon(plain, await commonPasswords()) || isDate(plain))
    return { accepted: false, reason: 'blocked' }
  return { accepted: true, password }
}

/** The words that an attacker tries first as this account's password. */
export function contextWordsOf(
  account: { readonly username: string; readonly email?: string | undefined },
  serviceName: string,
): string[] {
  const mailbox = account.email?.split('@')[0]
  return [account.username, serviceName, ...(mailbox === undefined ? [] : [mailbox])]
}

/** Whether the password is a word with few characters around it, such as `alice2026!`. */
function isMostly(plain: string, word: string): boolean {
  const name = word.normalize('NFKC').toLowerCase()
  if (name.length < SHORTEST_CONTEXT_WORD || !plain.includes(name)) return false
  return [...plain.replaceAll(name, '')].length < FEWEST_BESIDE_NAME
}

const SHORTEST_CONTEXT_WORD = 3
const FEWEST_BESIDE_NAME = 8

/**
 * Whether it is a disguised common word: with capitals, with digits and signs around it, with digits in place of
 * letters, or twice in a row; or a walk over the keyboard.
 */
function isCommon(plain: string, common: ReadonlySet<string>): boolean {
  const cores = new Set(
    [plain, withoutDisguise(plain)].flatMap((text) => [text, text.replaceAll(EDGES, '')]),
  )
  for (const core of [...cores]) cores.add(withoutDisguise(core))
  return [...cores].some((core) => common.has(core) || common.has(once(core))) || isWalk(plain)
}

/** Whether the password is a date with its year first or last, such as a birthday. */
function isDate(plain: string): boolean {
  const digits = plain.replaceAll(/[-./ ]/g, '')
  return /^(19|20)\d{6}$|^\d{4}(19|20)\d{2}$/.test(digits)
}

/** Characters before and after a word. */
const EDGES = /^[^\p{L}]+|[^\p{L}]+$/gu

/** Pairs of a character and the letter that it replaces. */
const DISGUISES = [...'0o1i3e4a5s7t@a$s!i'.matchAll(/../g)].map(([pair]) => [...pair])

function withoutDisguise(text: string): string {
  return DISGUISES.reduce((plain, [sign, letter]) => plain.replaceAll(`${sign}`, `${letter}`), text)
}

/** `monkeymonkey` is `monkey`. */
function once(text: string): string {
  return /^(.+?)\1+$/u.exec(text)?.[1] ?? text
}

/** Sequences of neighbours on the keyboard, in the alphabet and among the digits. */
const WALKS = [
  '`1234567890-=',
  'qwertyuiop[]',
  'asdfghjkl;',
  'zxcvbnm,./',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  '!@#$%^&*()_+',
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'qawsedrftgyhujikolp',
  'qazwsxedcrfvtgbyhnujmikolp',
  'zaqxswcdevfrbgtnhymjukilop',
  'zaq1xsw2cde3vfr4bgt5nhy6mju7',
  'asdqwezxc',
].flatMap((walk) => [walk, [...walk].reverse().join('')])

const SHORTEST_STRIDE = 3

/** Whether it consists only of walks and repetitions: `qwerty123456`, `aaaa1111`, `zxcvbnm,./`. */
function isWalk(plain: string): boolean {
  let rest = plain
  while (rest !== '') {
    const stride = strideOf(rest)
    if (stride < SHORTEST_STRIDE) return false
    rest = rest.slice(stride)
  }
  return true
}

function strideOf(text: string): number {
  let longest = text.length - text.replace(/^(.)\1*/su, '').length
  while (longest < text.length && WALKS.some((walk) => walk.includes(text.slice(0, longest + 1))))
    longest += 1
  return longest
}
