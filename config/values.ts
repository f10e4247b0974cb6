import { isIP } from 'node:net'
import { z } from 'zod'
import { MEND_MONGODB, parseMongodbAddress, type MongodbAddress } from './mongodb-address.ts'

/** Where the server keeps its state. */
export type StorageAddress = { readonly kind: 'sqlite'; readonly path: string } | MongodbAddress

export interface Cidr {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

export const KEY_BYTES = 32

/**
 * The first bytes of every key that the server makes for a demonstration. 28 random bytes remain. A production server
 * recognises such a key and refuses it, wherever it was copied to.
 */
export const DEMONSTRATION_MARK = Buffer.from('demo')

export function isDemonstrationKey(key: Uint8Array): boolean {
  return DEMONSTRATION_MARK.equals(key.subarray(0, DEMONSTRATION_MARK.length))
}

const MEND_KEYS =
  'must be keys of 32 random bytes in base64, separated by commas, the newest first (openssl rand -base64 32)'

/**
 * A key with few different bytes, such as zeros, comes from a test or a manual: 32 random bytes practically always
 * contain 16 different values or more.
 */
export function looksRandom(key: Uint8Array): boolean {
  return new Set(key).size >= 16
}

/**
 * A list of keys, separated by commas, the newest first, in the standard or the URL alphabet of base64, with or
 * without padding.
 */
export const keyList = z.string().transform((text, context): readonly Uint8Array[] => {
  const keys = text.split(',').map((part) => decodeKey(part.trim()))
  const good = keys.filter((key) => key !== undefined)
  const distinct = new Set(good.map((key) => Buffer.from(key).toString('hex')))
  if (good.length !== keys.length || keys.length === 0) return refuse(context, MEND_KEYS)
  if (distinct.size !== good.length) return refuse(context, 'names the same key twice')
  return good
})

export const issuer = z.string().transform((text, context): string => {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return refuse(context, 'must be the http or https address people reach this server at')
  if (text !== url.origin)
    return refuse(
      context,
      `must be an origin alone, without a path, a query, a user or a slash at the end, such as ${url.origin}`,
    )
  return text
})

/** A URL of MongoDB that names its database. */
export const applicationDatabase = z
  .string()
  .transform(
    (text, context): MongodbAddress => parseMongodbAddress(text) ?? refuse(context, MEND_MONGODB),
  )

export const storageAddress = z.string().transform((text, context): StorageAddress => {
  if (/^mongodb(\+srv)?:/.test(text))
    return parseMongodbAddress(text) ?? refuse(context, MEND_MONGODB)
  const path = /^sqlite:(?!:memory:)([^\0]+)$/.exec(text)?.[1]
  return path === undefined
    ? refuse(
        context,
        'must be sqlite:PATH, such as sqlite:/var/lib/oidc-provider-mfa/server.sqlite, or mongodb://HOST/DATABASE',
      )
    : { kind: 'sqlite', path }
})

export const smtpAddress = z
  .string()
  .refine(
    (text) => /^smtps?:$/.test(URL.parse(text)?.protocol ?? '') && URL.parse(text)?.hostname !== '',
    'must be smtp://USER:PASSWORD@HOST:PORT or smtps://...',
  )

/**
 * Addresses and networks, separated by commas. They stay as they are written: `BlockList` finds an IPv4 address also
 * in a network such as `::ffff:10.0.0.0/104`.
 */
export const cidrList = z.string().transform((text, context): readonly Cidr[] => {
  const cidrs: Cidr[] = []
  for (const part of text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')) {
    const cidr = parseCidr(part)
    if (cidr === undefined)
      return refuse(
        context,
        `must be addresses or networks separated by commas, such as 10.0.0.0/8, ::1; "${part}" is neither`,
      )
    cidrs.push(cidr)
  }
  return cidrs
})

function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return undefined
  const most = version === 4 ? 32 : 128
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined
  const prefix = length === undefined ? most : Number(length)
  return prefix > most ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

function decodeKey(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined
  const key = Buffer.from(text, 'base64')
  return key.length === KEY_BYTES ? new Uint8Array(key) : undefined
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}
