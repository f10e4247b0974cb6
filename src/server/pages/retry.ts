/** A request as far as its page for another try depends on it. */
interface Tried {
  readonly method: string
  readonly path: string
  /** The path with the query. */
  readonly url: string
}

/** Addresses that take a form, each with the page that has the form. */
const FORMS: readonly (readonly [address: RegExp, page: string])[] = [
  [/^(\/interaction\/[\w-]+)\/[\w-]+$/, '$1'],
  [/^(\/set-up\/[\w-]+)$/, '$1'],
  [/^(\/password\/(?:forgotten|reset\/[\w-]+))$/, '$1'],
  [/^(\/device)$/, '$1'],
  [/^(\/session\/end)\/[\w-]+$/, '$1'],
]

/**
 * The page that a person opens for another try after an error, as a path of this server. A page is opened again as it
 * was; a form leads to the page that has it. Undefined: there is none.
 */
export function retryHrefOf({ method, path, url }: Tried): string | undefined {
  if (method === 'GET') return url
  const [address, page] = FORMS.find(([form]) => form.test(path)) ?? []
  return address === undefined ? undefined : path.replace(address, page ?? '')
}
