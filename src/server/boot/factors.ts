import { arePasskeysOffered, optionsOf } from '../../../config/passkeys.ts'
import type { FileValues } from '../../../config/schema.ts'
import { passkeys, type PasskeysOptions } from '../../factors/passkey/index.ts'
import {
  backupCodes,
  importedCodes,
  reachableLevels,
  totp,
  type AnyFactor,
  type Level,
  type TotpOptions,
} from '../../index.ts'

/** The settings that decide which factors and levels a server has. */
export type FactorSettings = Pick<FileValues, 'totp' | 'passkeys' | 'levels'>

/** The factors of a server with this issuer, in the order in which they are offered. */
export function serverFactors(settings: Pick<FactorSettings, 'totp' | 'passkeys'>, issuer: string) {
  const isOffered = arePasskeysOffered(settings.passkeys, issuer)
  return factorsWith(settings.totp, isOffered ? optionsOf(settings.passkeys) : undefined)
}

/** The factors with these options. `ofPasskeys` undefined: without passkeys. */
function factorsWith(ofTotp: TotpOptions, ofPasskeys: PasskeysOptions | undefined) {
  return [
    ...(ofPasskeys === undefined ? [] : [passkeys(ofPasskeys)]),
    totp(ofTotp),
    backupCodes(),
    importedCodes(),
  ]
}

/** Every factor that a server can have. */
const ALL_FACTORS = factorsWith({}, {})

/** The types of the events that the factors of a server have of their own, also of those that are off. */
export const FACTOR_EVENT_TYPES: readonly string[] = [
  ...new Set(ALL_FACTORS.flatMap(({ eventTypes = [] }: AnyFactor) => eventTypes)),
]

/** The id of the factor by which people sign in alone. Undefined: the server has none. */
export function signInFactorOf(
  settings: Pick<FactorSettings, 'totp' | 'passkeys'>,
  issuer: string,
): string | undefined {
  const factors: readonly AnyFactor[] = serverFactors(settings, issuer)
  return factors.find(({ identify }) => identify !== undefined)?.id
}

/** The fields of an import that factors of this server read, also of a factor that is off. */
export const FACTOR_FIELDS: readonly string[] = fieldsOf(ALL_FACTORS)

/** Those of factors that are off: nothing in them can be imported. */
export function fieldsOff(settings: FactorSettings, issuer: string): readonly string[] {
  const on = fieldsOf(serverFactors(settings, issuer))
  return FACTOR_FIELDS.filter((field) => !on.includes(field))
}

function fieldsOf(factors: ReturnType<typeof serverFactors>): readonly string[] {
  return factors.flatMap(({ imports }) => (imports === undefined ? [] : [imports.field]))
}

/** The levels that a password and these factors can reach. Throws MfaError `options-invalid` for unfit `levels`. */
export function serverLevels(settings: FactorSettings, issuer: string): readonly Level[] {
  return reachableLevels({ factors: serverFactors(settings, issuer), ...levelsIn(settings) })
}

/** The setting `levels` as an option of the plugin, which reads it. */
export function levelsIn({ levels }: Pick<FileValues, 'levels'>): { levels?: readonly Level[] } {
  return levels === undefined ? {} : { levels: levels as readonly Level[] }
}
