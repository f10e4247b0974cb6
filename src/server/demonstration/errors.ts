import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { LevelNotReached } from './provider.ts'

/** Explains an error to the person. An `error_description` is shown only from a response whose state matched. */
export function explain(error: unknown): {
  status: number
  error: string
  text: string
  description?: string
} {
  if (error instanceof AuthorizationResponseError) {
    const text = TEXTS[error.error] ?? 'The provider has not signed you in.'
    const description = error.error_description
    return {
      status: 400,
      error: error.error,
      text,
      ...(description === undefined ? {} : { description }),
    }
  }
  if (error instanceof LevelNotReached)
    return { status: 400, error: 'level_not_reached', text: TEXTS[UNMET] ?? '' }
  if (error instanceof ResponseBodyError)
    return { status: 502, error: error.error, text: 'The provider refused to finish the sign-in.' }
  if (error instanceof ClientError && error.code !== undefined && /TIMEOUT/.test(error.code))
    return { status: 503, ...UNREACHABLE }
  if (error instanceof TypeError) return { status: 503, ...UNREACHABLE }
  return {
    status: 502,
    error: 'invalid_response',
    text: 'The provider gave an answer that does not fit.',
  }
}

const UNMET = 'unmet_authentication_requirements'

const TEXTS: Readonly<Record<string, string>> = {
  access_denied: 'You chose not to go on, or the provider did not let you.',
  [UNMET]: 'The level that was asked for was not reached.',
}

const UNREACHABLE = {
  error: 'provider_unreachable',
  text: 'The identity provider cannot be reached. Try again in a moment.',
}
