import type { Page } from './http-client.ts'

/** The secret that a set-up page shows, so that a person can type it into an app. */
export function secretOf(page: Page): string {
  const [secret] = page.texts('#totp-secret')
  if (secret === undefined) throw new Error(`No secret is on ${page.name ?? page.url.href}.`)
  return secret.replaceAll(' ', '')
}

export function backupCodesOf(page: Page): string[] {
  return page.texts('#backup-codes li')
}
