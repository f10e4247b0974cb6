import { z } from 'zod'
import type { JsonObject } from '../../domain/json.ts'
import { isAddress } from './name.ts'

/** The limit is longer than any name, and short enough to keep tokens small. */
const text = z.string().min(1).max(1000)

const webAddress = z
  .string()
  .max(2000)
  .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), 'must be a web address')

/** ISO 8601-1: a date, a date without its year (`0000-05-17`), or a year alone. */
const birthdate = z
  .string()
  .refine(
    (value) => /^\d{4}$/.test(value) || isDate(value.replace(/^0000-/, '2000-')),
    'must be YYYY-MM-DD, 0000-MM-DD or YYYY',
  )

const zone = z.string().refine(isZone, 'must name a time zone, such as Europe/Paris')

const locale = z
  .string()
  .refine(
    (value) => /^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$/.test(value),
    'must be a language tag, such as en-US',
  )

const address = z.strictObject({
  formatted: text.optional(),
  street_address: text.optional(),
  locality: text.optional(),
  region: text.optional(),
  postal_code: text.optional(),
  country: text.optional(),
})

/** The standard claims (OpenID Connect Core 5.1) that are kept as they are. */
const kept = z.strictObject({
  name: text.optional(),
  given_name: text.optional(),
  family_name: text.optional(),
  middle_name: text.optional(),
  nickname: text.optional(),
  preferred_username: text.optional(),
  profile: webAddress.optional(),
  picture: webAddress.optional(),
  website: webAddress.optional(),
  gender: text.optional(),
  birthdate: birthdate.optional(),
  zoneinfo: zone.optional(),
  locale: locale.optional(),
  phone_number: text.max(64).optional(),
  phone_number_verified: z.boolean().optional(),
  address: address.optional(),
  updated_at: z.int().min(0).optional(),
})

const given = kept.extend({
  email: z.string().refine(isAddress, 'must be an address').optional(),
  email_verified: z.boolean().optional(),
})

/** Each scope and the claims that it stands for (OpenID Connect Core 5.4). */
export const CLAIMS_OF_SCOPE = {
  profile: [
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

export interface GivenClaims {
  /** The claims without the address, which is a member of the account. */
  readonly claims: JsonObject
  readonly email?: string
  readonly emailVerified?: boolean
}

export type ClaimsReading =
  | ({ readonly ok: true } & GivenClaims)
  /** One text for each fault: `claim: fault`. */
  | { readonly ok: false; readonly faults: readonly string[] }

/**
 * Reads the claims of a person as `user add --claims` takes them: names and types of OpenID Connect Core 5.1. `sub`
 * and unknown claims are refused, because a relying party would believe them.
 */
export function readClaims(value: unknown): ClaimsReading {
  const parsed = given.safeParse(value)
  if (!parsed.success) return { ok: false, faults: parsed.error.issues.flatMap(inWords) }
  const { email, email_verified: emailVerified, ...claims } = parsed.data
  return {
    ok: true,
    claims: JSON.parse(JSON.stringify(claims)) as JsonObject,
    ...(email === undefined ? {} : { email }),
    ...(emailVerified === undefined ? {} : { emailVerified }),
  }
}

function inWords(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) =>
      at === '' && key === 'sub'
        ? 'sub: is made by the server'
        : `${at === '' ? key : `${at}.${key}`}: is no standard claim`,
    )
  return [`${at === '' ? 'claims' : at}: ${issue.message}`]
}

function isDate(value: string): boolean {
  const time = Date.parse(`${value}T00:00:00Z`)
  return (
    /^\d{4}-\d\d-\d\d$/.test(value) &&
    !Number.isNaN(time) &&
    new Date(time).toISOString().startsWith(value)
  )
}

function isZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
    return true
  } catch {
    return false
  }
}
