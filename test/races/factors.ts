import { backupCodes, importedCodes, totp } from '../../src/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'

/** The factors of every process of a race. */
export const RACING = [totp(), backupCodes(), importedCodes(), passkeys()]
