/** A value that a storage adapter can keep and return unchanged. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
export type JsonObject = { readonly [key: string]: Json | undefined }

/** The members of an object, or of JSON text of one. Undefined: it is no object. Arrays have members too. */
export function objectIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const object: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return typeof object === 'object' && object !== null
      ? (object as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
