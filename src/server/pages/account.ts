/** The path of the account pages, which the plugin serves. */
export const ACCOUNT_PATH = '/account'

/** The address of the page where people manage their account. */
export function accountUrl({ issuer }: { readonly issuer: string }): string {
  return new URL(ACCOUNT_PATH, issuer).href
}
