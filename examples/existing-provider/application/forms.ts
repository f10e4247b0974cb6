/** A field of a posted form or of JSON: a text, whatever was sent. */
export function field(body: unknown, name: string): string {
  const value = (Object(body) as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : ''
}
