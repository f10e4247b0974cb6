import { z } from 'zod'
import { custom } from './option.ts'

/** An API whose access tokens the server issues (RFC 8707). */
export interface Resource {
  /** The scopes that apps can ask for at the API. */
  readonly scopes: readonly string[]
  /** `jwt`: the API reads the token itself (RFC 9068). `opaque`: it asks the server by introspection. */
  readonly format: 'jwt' | 'opaque'
  /**
   * The ids of the clients that may introspect tokens for the API, besides the client of the token. Absent: every client
   * with a secret.
   */
  readonly introspectedBy?: readonly string[] | undefined
}

export type Resources = Readonly<Record<string, Resource>>

/** Scopes of OpenID Connect, which belong to the server itself. */
const OF_THE_SERVER = ['openid', 'offline_access', 'authn']

const indicator = z
  .string()
  .refine(
    (value) => URL.canParse(value) && !value.includes('#'),
    'must be an absolute URI without a fragment',
  )

const scope = z
  .string({ error: 'must be a text' })
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'must be a scope, without spaces and quotes')
  .refine((value) => !OF_THE_SERVER.includes(value), 'is a scope of the server itself')

/** The setting `resources` of CONFIG_FILE, which is one object and no group. */
export const resourcesOption = custom<Resources>({
  schema: z
    .record(
      indicator,
      z.strictObject({
        scopes: z.array(scope, { error: 'must be a list of scopes' }),
        format: z.enum(['jwt', 'opaque'], { error: 'must be jwt or opaque' }).default('jwt'),
        introspectedBy: z
          .array(z.string(), { error: 'must be a list of client ids' })
          .exactOptional(),
      }),
      { error: 'must be an object whose names are the addresses of APIs' },
    )
    .default({}),
  type: 'object of APIs',
  default: 'none',
  doc: 'The APIs that access tokens are issued for, by their resource indicator, each `{ scopes, format, introspectedBy }` with `format` `jwt` or `opaque`.',
})
