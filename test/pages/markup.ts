import { parse, type Element } from '../support/html.ts'

/** A tag in the form that our templates use: each value is in double quotes, so that escaping the value is enough. */
const TAG = /<\/?[a-z][a-z0-9]*(?:\s+[a-zA-Z-]+(?:="[^"]*")?)*\s*\/?>/g

/** Parses our own HTML. Throws for a tag that does not match TAG. */
export function parsePage(html: string): Element {
  const [odd] = /<\/?[a-z].{0,40}/.exec(html.replaceAll(TAG, '')) ?? []
  if (odd !== undefined) throw new Error(`A tag is not well-formed: ${odd}`)
  return parse(html)
}

export function value(element: Element | null | undefined, attribute: string): string | undefined {
  return element?.getAttribute(attribute) ?? undefined
}
