import type { Authenticator, PolicyInput } from './input.ts'
import { PASSWORD, type Strength } from './levels.ts'
import type { Proof } from './proofs.ts'

/** The authenticators, or other things with a factor, that are of these factors. */
export function fitting<T>(
  all: readonly T[],
  factors: readonly string[] | undefined,
  factorOf: (one: T) => string,
): readonly T[] {
  return factors === undefined ? all : all.filter((one) => factors.includes(factorOf(one)))
}

/** The person's authenticators of these factors. */
export function ownOf(
  { person: { authenticators } }: PolicyInput,
  factors?: readonly string[],
): readonly Authenticator[] {
  return fitting(authenticators, factors, ({ factor }) => factor)
}

/** Those that can be shown: the settings of their factor do not refuse them. */
export function showable(own: readonly Authenticator[]): readonly Authenticator[] {
  return own.filter(({ isUnusable }) => isUnusable !== true)
}

/** Backup codes alone meet no rule: they stand in for another authenticator. */
export function isUsable(own: readonly Authenticator[]): boolean {
  return own.some(({ isBackup }) => !isBackup)
}

/** Whether these are on two devices, backup codes left out. */
export function isRedundant(own: readonly Authenticator[]): boolean {
  return new Set(own.filter(({ isBackup }) => !isBackup).map(({ device }) => device)).size > 1
}

/** The first factors that were proved, however long ago; a password where none was. */
export function firstFactors({ proofs }: PolicyInput): readonly Strength[] {
  const first = firstOf(proofs)
  return first.length > 0 ? first : [PASSWORD]
}

/**
 * The proofs of a first factor: those of a login page. Where there is none, the person has signed in with a factor of two
 * kinds alone: it stands for a first factor too, and proves as such no more than a password.
 */
export function firstOf(proofs: readonly Proof[]): readonly Proof[] {
  const ofPage = proofs.filter(({ factor }) => factor === undefined)
  if (ofPage.length > 0) return ofPage
  return proofs
    .filter(({ kinds }) => new Set(kinds).size > 1)
    .map(({ amr, time }) => ({ amr, time, ...PASSWORD }))
}
