import type { JsonObject } from '../../domain/json.ts'
import { CALLBACK_PATH } from '../../account/console.ts'
import type { SigningKeys } from '../keys/jwks.ts'

/**
 * The id of the account page as a relying party. No other client may have this id, since the account page may change
 * people's factors.
 */
export const ACCOUNT_CLIENT_ID = 'account'

/**
 * The metadata of the server's own account page. Its secret is made at each start and only this process knows it: the
 * page redeems its codes at the node that shows it.
 */
export function accountClient(
  { issuer, serviceName }: { readonly issuer: string; readonly serviceName: string },
  signingKeys: SigningKeys,
  secret: string,
): JsonObject {
  return {
    client_id: ACCOUNT_CLIENT_ID,
    client_name: serviceName,
    client_secret: secret,
    redirect_uris: [new URL(CALLBACK_PATH, issuer).href],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: idTokenAlgorithm(signingKeys),
    first_party: true,
  }
}

/** RS256 if there is such a key, otherwise the algorithm of the operator's first key. */
function idTokenAlgorithm({ keys }: SigningKeys): string {
  const usual = keys.some(({ kty, alg = 'RS256' }) => kty === 'RSA' && alg === 'RS256')
  const [{ kty, alg } = {}] = keys
  return usual ? 'RS256' : (alg ?? (kty === 'RSA' ? 'RS256' : kty === 'EC' ? 'ES256' : 'EdDSA'))
}
