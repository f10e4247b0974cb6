import type { Page } from './http-client.ts'

/** The options of the browser's call for a passkey, as the form of a page has them. Empty: the page has no such form. */
export function optionsOf(page: Page): string {
  return page.tags('form[data-passkey-options]')[0]?.['data-passkey-options'] ?? ''
}
