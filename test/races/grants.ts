import { Provider } from 'oidc-provider'
import { createMfa, totp } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

/** The account, the app and the id of the grant that all processes hold. */
export const GRANT = { accountId: 'berta', clientId: 'app', id: 'the-grant-of-the-app' } as const

/** A node whose grants the plugin guards. */
export function grantNode(storage: ServerStorage) {
  const mfa = createMfa({
    issuerName: 'Acme',
    storage,
    encryptionKeys: [Buffer.alloc(32, 7).toString('base64')],
    factors: [totp()],
    firstEnrolment: 'password',
  })
  const provider = new Provider(
    'http://localhost:3000',
    mfa.configure({
      adapter: (model) => storage.hostRecords(model),
      findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      cookies: { keys: ['k'.repeat(32)] },
    }),
  )
  mfa.attach(provider)
  return { mfa, Grant: provider.Grant }
}
