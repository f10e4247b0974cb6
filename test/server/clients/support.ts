import { generateKeyPairSync } from 'node:crypto'
import type { JsonObject } from '../../../src/domain/json.ts'
import { DEFAULT_LEVELS } from '../../../src/domain/policy/levels.ts'
import { extraClientMetadata } from '../../../src/server/clients/metadata.ts'
import { clientValidator, type ValidateClients } from '../../../src/server/clients/validate.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

let made: ValidateClients | undefined

/** A validator with rules like the server's. All tests share it, because each validator makes a host of its own. */
export function validator(): ValidateClients {
  made ??= clientValidator('https://id.example.com', {
    extraClientMetadata: extraClientMetadata(DEFAULT_LEVELS),
    acrValues: DEFAULT_LEVELS.map(({ acr }) => acr),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig' }] },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  })
  return made
}

export const GOOD: JsonObject = {
  client_id: 'app',
  client_name: 'App',
  client_secret: 'a secret of the app, long enough',
  redirect_uris: ['https://app.example.com/callback'],
}
