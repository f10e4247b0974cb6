import { createHash } from 'node:crypto'
import { normaliseTyped } from '../normalise.ts'

/** How the other product changed a typed code before it compared or hashed it. */
export type CodeForm = {
  readonly letters: 'as-is' | 'upper' | 'lower'
  readonly separators: 'kept' | 'removed'
}

/** The fast hash that the other product kept of a code. */
export type CodeDigest = 'none' | 'sha256' | 'sha512'

/** Characters of a code without its separators. */
export const SHORTEST_CODE = 4
export const LONGEST_CODE = 64

/**
 * A typed code in one normal form (NFKC, without white space at its ends), not yet in the form of its product.
 * Undefined: it is missing, too short or too long to be a code.
 */
export function readTyped(typed: string | undefined): string | undefined {
  const plain = typed?.normalize('NFKC').trim()
  const symbols = normaliseTyped(plain)
  return plain !== undefined &&
    symbols !== undefined &&
    symbols.length >= SHORTEST_CODE &&
    symbols.length <= LONGEST_CODE
    ? plain
    : undefined
}

/** A code of at most 128 characters in the form of its product. */
export function inForm(code: string, { letters, separators }: CodeForm): string {
  // `readTyped` and the import have refused longer codes before: what is left can be normalised.
  const kept = separators === 'kept' ? code : (normaliseTyped(code) as string)
  if (letters === 'as-is') return kept
  return letters === 'upper' ? kept.toUpperCase() : kept.toLowerCase()
}

/** The text that the slow hash of a code was made of. */
export function hashedText(
  typed: string,
  { form, digest }: { readonly form: CodeForm; readonly digest: CodeDigest },
): string {
  const code = inForm(typed, form)
  return digest === 'none' ? code : createHash(digest).update(code).digest('hex')
}

/** Every form in which products hash codes, in one order. */
const FORMS: readonly CodeForm[] = (['as-is', 'upper', 'lower'] as const).flatMap((letters) =>
  (['kept', 'removed'] as const).map((separators) => ({ letters, separators })),
)

/**
 * The texts that the slow hash may have been made of, where nobody said in which form the product hashed its codes. Their
 * number is always the same (R33).
 */
export function hashedTexts(typed: string, digest: CodeDigest): readonly string[] {
  return FORMS.map((form) => hashedText(typed, { form, digest }))
}

/** The first byte of a fast hash in hexadecimal: it selects the hashes to check, so that six spellings cost six hashes. */
export function selectorOf(fastHash: string): number {
  return Number.parseInt(fastHash.slice(0, 2), 16)
}
