import type { FileValues } from '../../../config/schema.ts'
import { backupCodes, importedCodes, reachableLevels, totp, type Level } from '../../index.ts'

/** The factors of this server, in the order in which they are offered. */
export function serverFactors({ totp: options }: Pick<FileValues, 'totp'>) {
  return [totp(options), backupCodes(), importedCodes()]
}

/** The levels that a password and these factors can reach. Throws MfaError `options-invalid` for unfit `levels`. */
export function serverLevels(settings: Pick<FileValues, 'totp' | 'levels'>): readonly Level[] {
  return reachableLevels({ factors: serverFactors(settings), ...levelsIn(settings) })
}

/** The setting `levels` as an option of the plugin, which reads it. */
export function levelsIn({ levels }: Pick<FileValues, 'levels'>): { levels?: readonly Level[] } {
  return levels === undefined ? {} : { levels: levels as readonly Level[] }
}
