import type { Provider } from 'oidc-provider'
import type { JsonObject } from '../domain/json.ts'
import type { HostClient } from './provider.ts'

/**
 * The member of a client's metadata that has the secret before the present one, as long as the former secret holds. It
 * is one of the host's extra metadata, so that it reaches the client that the host makes.
 */
export const FORMER_SECRET = 'former_client_secret'

/**
 * Makes the host accept the former secret of a client besides the present one: for `client_secret_basic`,
 * `client_secret_post` and `client_secret_jwt`, and for request objects that the app signs with its secret. The present
 * secret alone signs and encrypts. The metadata decides how long a former secret holds: the host makes another client
 * when the metadata changes.
 */
export function acceptFormerSecrets(provider: Provider): void {
  const { Client } = provider
  const find = Client.find.bind(Client)
  Client.find = async (id) => {
    const client = await find(id)
    if (client !== undefined) takeFormerSecret(provider, client as unknown as SecretHolder)
    return client
  }
}

/** The host keeps a client that it has found: the member is removed, so that this is done once. */
function takeFormerSecret({ Client }: Provider, client: SecretHolder): void {
  const { [FORMER_SECRET]: former } = client
  if (typeof former !== 'string') return
  delete client[FORMER_SECRET]
  const holder = Client as unknown as HolderClass
  const earlier = new holder({ ...client.metadata(), client_secret: former })
  // The host verifies with each key that fits, and signs with the first.
  for (const key of earlier.symmetricKeyStore) client.symmetricKeyStore.add(key)
  const present = client.compareClientSecret.bind(client)
  // Both are compared in any case: the time of an answer does not show which one fits.
  const value = async (actual: string): Promise<boolean> => {
    const fits = await Promise.all([present(actual), earlier.compareClientSecret(actual)])
    return fits.includes(true)
  }
  // Not enumerable: the host takes enumerable members for metadata.
  Object.defineProperty(client, 'compareClientSecret', { value })
}

type HolderClass = new (metadata: JsonObject) => SecretHolder

type SecretHolder = Omit<HostClient, 'metadata'> & {
  [FORMER_SECRET]?: unknown
  readonly symmetricKeyStore: Iterable<unknown> & { add(key: unknown): void }
  compareClientSecret(actual: string): boolean | Promise<boolean>
  metadata(): JsonObject
}
