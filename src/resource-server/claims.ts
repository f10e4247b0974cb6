/** The claims of an access token: the payload of a JWT, or the answer of the introspection endpoint. */
export type Claims = Readonly<Record<string, unknown>>

/** The claims of a token that was accepted, the reason why it was not, or the fault because of which nobody knows. */
export type Reading<Why extends string = string> =
  | { readonly kind: 'accepted'; readonly claims: Claims }
  | { readonly kind: 'refused'; readonly reason: Why }
  | { readonly kind: 'away'; readonly cause: unknown }

export function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
