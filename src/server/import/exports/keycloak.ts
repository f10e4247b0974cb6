import type { Fields } from './export.ts'
import { isText, listIn, membersOf, textIn } from './values.ts'

/** How Keycloak hashes its recovery codes: as it made them, in capitals and without the hyphens of its page. */
const CODE_FORM = 'upper,compact'

/** Credentials of a second factor that cannot be moved to another address. */
const BOUND_TO_KEYCLOAK = ['webauthn', 'webauthn-passwordless']

/**
 * A user of a realm. Undefined: a service account, which is no person. Somebody whose second factor cannot be imported,
 * or who had to set one up, has to set one up here. A password that its owner had to change is left out: an
 * administrator knows it (R36).
 */
export function keycloakPerson(user: Fields): Fields | undefined {
  if (user['serviceAccountClientId'] !== undefined) return undefined
  const credentials = listIn(user['credentials']).map(membersOf)
  const ofType = (type: string): readonly Fields[] =>
    credentials.filter((credential) => credential['type'] === type)
  const codes = ofType('recovery-authn-codes').flatMap(codesIn)
  const hadAnother =
    BOUND_TO_KEYCLOAK.some((type) => ofType(type).length > 0) ||
    listIn(user['requiredActions']).includes('CONFIGURE_TOTP')
  const otp = ofType('otp')
  const [password] = ofType('password')
  const mustChange =
    password?.['temporary'] === true || listIn(user['requiredActions']).includes('UPDATE_PASSWORD')
  return {
    username: user['username'],
    email: user['email'],
    emailVerified: user['emailVerified'] ?? false,
    disabled: user['enabled'] === false,
    passwordHash: mustChange ? undefined : password,
    groups: listIn(user['groups']).filter(isText).map(nameOfGroup),
    claims: {
      ...textIn('given_name', user['firstName']),
      ...textIn('family_name', user['lastName']),
      ...textIn('locale', listIn(membersOf(user['attributes'])['locale'])[0]),
    },
    totp: otp,
    ...(codes.length > 0 ? { backupCodes: codes, backupCodeForm: CODE_FORM } : {}),
    ...(otp.length === 0 && hadAnother ? { two_factor_enabled: true } : {}),
  }
}

/** Groups are paths: `/staff/paris`. */
function nameOfGroup(path: string): string {
  return path.replace(/^\//, '')
}

/** The hashes of unused codes, in base64. */
function codesIn(credential: Fields): readonly unknown[] {
  const { codes } = membersOf(credential['secretData'])
  return listIn(codes).map((code) => membersOf(code)['encodedHashedValue'])
}
