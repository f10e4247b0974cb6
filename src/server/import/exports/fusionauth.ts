import type { Fields } from './export.ts'
import { listIn, membersOf, textIn } from './values.ts'

const AUTHENTICATOR = 'authenticator'

/**
 * A user of FusionAuth's Import API, or of its database. `shared` has the `encryptionScheme` and the `factor` that the
 * whole request may name. Somebody whose second factor is a mailed or texted code has to set one up here.
 */
export function fusionAuthPerson(user: Fields, shared: Fields): Fields {
  const twoFactor = membersOf(user['twoFactor'])
  const methods = listIn(twoFactor['methods']).map(membersOf)
  const totp = methods.filter(({ method }) => method === AUTHENTICATOR).map(authenticatorIn)
  // Releases before 1.26 have these two members in place of `twoFactor`.
  const early = user['twoFactorSecret']
  if (typeof early === 'string' && early !== '') totp.push(secretIn(early))
  const wasOn = methods.length > 0 || user['twoFactorEnabled'] === true
  const codes = listIn(twoFactor['recoveryCodes'])
  return {
    username: user['username'] ?? user['email'],
    email: user['email'],
    emailVerified: user['verified'] ?? false,
    disabled: user['active'] === false,
    // A password that its owner has to change is known to an administrator (R36).
    passwordHash: user['passwordChangeRequired'] === true ? undefined : passwordIn(user, shared),
    claims: {
      ...textIn('name', user['fullName']),
      ...textIn('given_name', user['firstName']),
      ...textIn('family_name', user['lastName']),
      ...textIn('birthdate', user['birthDate']),
      ...textIn('locale', listIn(user['preferredLanguages'])[0]),
      ...textIn('zoneinfo', user['timezone']),
    },
    totp,
    ...(codes.length > 0 ? { backupCodes: codes } : {}),
    ...(wasOn ? { two_factor_enabled: true } : {}),
  }
}

function passwordIn(
  { password, salt, encryptionScheme, factor }: Fields,
  shared: Fields,
): Fields | undefined {
  if (password === undefined || password === null) return undefined
  return {
    password,
    salt,
    encryptionScheme: encryptionScheme ?? shared['encryptionScheme'] ?? '',
    factor: factor ?? shared['factor'],
  }
}

function authenticatorIn({ secret, authenticator, name }: Fields): Fields {
  const { algorithm, codeLength, timeStep } = membersOf(authenticator)
  return { ...secretIn(secret), algorithm, digits: codeLength, period: timeStep, name }
}

/** The secret is in base64. A text that is none stays as it is, so that it is refused. */
function secretIn(secret: unknown): Fields {
  const isBase64 = typeof secret === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(secret)
  return isBase64
    ? { secret: Buffer.from(secret, 'base64').toString('hex'), encoding: 'hex' }
    : { secret: '?', encoding: 'hex' }
}
