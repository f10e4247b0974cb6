import { isObject, type Claims } from './claims.ts'
import { fetchJson, Unavailable } from './fetch-json.ts'
import { isSafeUrl } from './options.ts'

/**
 * Fetches the key set of an issuer. Its address is in the discovery document (OpenID Connect Discovery 1.0, 4) or, if
 * there is none, in the metadata of RFC 8414. Throws `Unavailable`.
 */
export async function fetchKeySet(issuer: string, timeoutMs: number): Promise<Claims> {
  const document = await fetchMetadata(issuer, timeoutMs)
  // A document that names another issuer is not about this one: its keys sign for somebody else.
  if (document['issuer'] !== issuer)
    throw new Unavailable(`The discovery document of ${issuer} names another issuer`)
  const { jwks_uri: url } = document
  if (!isSafeUrl(url)) throw new Unavailable(`The jwks_uri of ${issuer} is no https URL`)
  return fetchObject(url, timeoutMs)
}

async function fetchMetadata(issuer: string, timeoutMs: number): Promise<Claims> {
  const [first, second] = addressesOf(issuer)
  const { status, body } = await fetchJson({ url: first, timeoutMs })
  if (status === 200) return objectOf(body, first)
  // A provider of plain OAuth has no such document. Any other failure may be over soon.
  if (status !== 404) throw new Unavailable(`${first} answered ${status}`)
  return fetchObject(second, timeoutMs)
}

async function fetchObject(url: string, timeoutMs: number): Promise<Claims> {
  const { status, body } = await fetchJson({ url, timeoutMs })
  if (status !== 200) throw new Unavailable(`${url} answered ${status}`)
  return objectOf(body, url)
}

function objectOf(body: unknown, url: string): Claims {
  if (!isObject(body)) throw new Unavailable(`${url} answered no JSON object`)
  return body
}

/** OpenID Connect adds its path to that of the issuer; RFC 8414 (3.1) puts its own in front of it. */
function addressesOf(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}
