import { names, type Fault } from './fault.ts'
import { DEFAULT_STORAGE_PATH, type EnvironmentValues } from './schema.ts'
import { isDemonstrationKey, looksRandom } from './values.ts'

type Name = keyof EnvironmentValues

/**
 * Faults of settings that a demonstration may have and a service must not. A setting that has a fault already gets no
 * second one.
 */
export function productionFaults(
  values: EnvironmentValues,
  given: Partial<Record<Name, string>>,
  faults: readonly Fault[],
): Fault[] {
  const found: Fault[] = []
  const unfit = (setting: Name, problem: string): void => {
    if (!names(faults, setting)) found.push({ setting, problem })
  }
  if (values.ISSUER === undefined)
    unfit('ISSUER', 'is missing: set it to the https address people reach this server at')
  else if (!values.ISSUER.startsWith('https:'))
    unfit('ISSUER', 'is not https: passwords and codes would cross the network readable')
  for (const name of ['ENCRYPTION_KEYS', 'COOKIE_KEYS'] as const) {
    const keys = values[name]
    if (keys === undefined)
      unfit(name, 'is missing: set it to 32 random bytes in base64 (openssl rand -base64 32)')
    else if (!keys.every(looksRandom))
      unfit(name, 'holds a key that is not random: make one (openssl rand -base64 32)')
    else if (keys.some(isDemonstrationKey))
      unfit(
        name,
        'holds a key made for the demonstration: make one of your own (openssl rand -base64 32)',
      )
  }
  const { STORAGE_URL: storage } = values
  if (
    given.STORAGE_URL === undefined ||
    (storage.kind === 'sqlite' && storage.path === DEFAULT_STORAGE_PATH)
  )
    unfit(
      'STORAGE_URL',
      "is missing or the demonstration's: set it to mongodb://..., or to sqlite:PATH in a folder that is backed up",
    )
  else if (storage.kind === 'mongodb' && storage.trustsAnyCertificate)
    unfit(
      'STORAGE_URL',
      'takes any certificate: an attacker on the way reads everything; name the authority with tlsCAFile',
    )
  if (values.SMTP_URL === undefined)
    unfit(
      'SMTP_URL',
      'is missing: codes, links and notices are mailed (smtp://USER:PASSWORD@HOST:PORT)',
    )
  return found
}
