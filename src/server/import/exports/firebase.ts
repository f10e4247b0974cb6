import { z } from 'zod'
import {
  firebaseForm,
  type FirebaseParameters,
} from '../../../adapters/crypto/foreign-hash/index.ts'
import type { Fields } from './export.ts'
import { isText, listIn, textIn } from './values.ts'

/**
 * A user of `firebase auth:export`. Firebase exports no second factor; where a file says that there was one, the person
 * has to set one up here.
 */
export function firebasePerson(user: Fields, parameters: FirebaseParameters): Fields {
  const { email, localId, passwordHash, salt } = user
  return {
    username: isText(email) ? email : localId,
    email,
    emailVerified: user['emailVerified'] ?? false,
    disabled: user['disabled'] === true,
    // A hash that cannot be read stays as it is, so that it is refused.
    passwordHash:
      isText(passwordHash) && isText(salt)
        ? (firebaseForm({ passwordHash, salt }, parameters) ?? passwordHash)
        : passwordHash,
    claims: {
      ...textIn('name', user['displayName']),
      ...textIn('picture', user['photoUrl']),
      ...textIn('phone_number', user['phoneNumber']),
    },
    ...(listIn(user['mfaInfo']).length > 0 ? { two_factor_enabled: true } : {}),
  }
}

const format = z.object({
  base64_signer_key: z.base64(),
  base64_salt_separator: z.base64(),
  rounds: z.coerce.number().int().positive(),
  mem_cost: z.coerce.number().int().positive(),
})

/**
 * The four parameters as the Firebase console shows them (`hash_config { ... }`), or as JSON with the same names.
 * Undefined: one is missing or is no such value.
 */
export function firebaseParameters(text: string): FirebaseParameters | undefined {
  const named = text.matchAll(/"?(\w+)"?\s*:\s*"?([A-Za-z0-9+/=]+)"?/g)
  const read = format.safeParse(
    Object.fromEntries([...named].map(([, name, value]) => [name, value])),
  )
  if (!read.success) return undefined
  const { base64_signer_key: key, base64_salt_separator: separator, rounds, mem_cost } = read.data
  return {
    signerKey: Buffer.from(key, 'base64'),
    saltSeparator: Buffer.from(separator, 'base64'),
    rounds,
    memCost: mem_cost,
  }
}
