import type { Page } from './http-client.ts'

/** The key that a set-up page shows for typing. */
export function secretOf(page: Page): string {
  const [secret] = page.texts('#totp-secret')
  if (secret === undefined) throw new Error(`No secret is on ${page.name ?? page.url.href}.`)
  return secret.replaceAll(' ', '')
}

export function backupCodesOf(page: Page): string[] {
  return page.texts('#backup-codes li')
}
