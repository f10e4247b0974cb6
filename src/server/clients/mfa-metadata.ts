import { suggestion } from '../../domain/nearest-name.ts'
import type { Level } from '../../index.ts'

/** The demand of a client's metadata `mfa` on everybody who signs in to the app. */
export interface ClientDemand {
  /** The name or the `acr` of a level. Absent: two different kinds of factor. */
  readonly require?: string
  readonly maxAgeSeconds?: number
}

const MEMBERS: Readonly<Record<string, 'require' | 'maxAgeSeconds'>> = {
  require: 'require',
  maxAgeSeconds: 'maxAgeSeconds',
  max_age_seconds: 'maxAgeSeconds',
}

/** The demand of valid metadata. Undefined: the app asks for nothing. */
export function demandIn(mfa: unknown): ClientDemand | undefined {
  if (mfa === undefined || mfa === 'optional') return undefined
  if (typeof mfa !== 'object' || mfa === null) return {}
  return Object.fromEntries(Object.entries(mfa).map(([key, value]) => [MEMBERS[key] ?? key, value]))
}

/** The fault of the metadata `mfa`. `levels`: those that can be reached. Undefined: it is valid. */
export function faultOfMfa(mfa: unknown, levels: readonly Level[]): string | undefined {
  if (mfa === 'required' || mfa === 'optional') return undefined
  if (typeof mfa !== 'object' || mfa === null || Array.isArray(mfa))
    return 'must be "required", "optional" or { require, maxAgeSeconds }'
  const known = Object.keys(MEMBERS)
  const unknown = Object.keys(mfa).find((key) => !Object.hasOwn(MEMBERS, key))
  if (unknown !== undefined)
    return `has an unknown member "${unknown}"${suggestion(unknown, known)}`
  if (Object.hasOwn(mfa, 'maxAgeSeconds') && Object.hasOwn(mfa, 'max_age_seconds'))
    return 'has both maxAgeSeconds and max_age_seconds'
  const { require, maxAgeSeconds } = demandIn(mfa) as { require?: unknown; maxAgeSeconds?: unknown }
  if (require !== undefined && !levels.some(({ name, acr }) => require === name || require === acr))
    return `must require one of the levels that people can reach: ${levels.map(({ name }) => name).join(', ')}`
  if (
    maxAgeSeconds !== undefined &&
    !(Number.isSafeInteger(maxAgeSeconds) && Number(maxAgeSeconds) >= 0)
  )
    return 'must have a whole number of at least 0 as its maxAgeSeconds'
  return undefined
}
