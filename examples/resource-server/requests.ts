import * as oidc from 'openid-client'
import { configuration, type Asked } from './provider.ts'
import { API } from './settings.ts'

/** The answer of the API, or the challenge with what the person has to prove first. */
export type Answer = { readonly body: unknown } | { readonly asked: Asked }

export async function callApi(method: string, path: string, accessToken: string): Promise<Answer> {
  try {
    const response = await oidc.fetchProtectedResource(
      await configuration(),
      accessToken,
      new URL(path, API),
      method,
    )
    if (!response.ok) throw new Error(`The API answered ${response.status}`)
    return { body: await response.json() }
  } catch (error) {
    if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error
    for (const { parameters } of error.cause) {
      // An expired token needs a new one and nothing else.
      if (parameters.error === 'invalid_token') return { asked: {} }
      if (parameters.error !== 'insufficient_user_authentication') continue
      const { acr_values: acrValues, max_age: maxAge } = parameters
      return {
        asked: {
          ...(acrValues === undefined ? {} : { acrValues }),
          ...(maxAge === undefined ? {} : { maxAge }),
        },
      }
    }
    throw error
  }
}
