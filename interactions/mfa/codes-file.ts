import type { Instant } from '../../src/domain/time.ts'

/** Longer names are cut: some file systems end at 255 bytes. */
const LONGEST_SERVICE = 60

/** `acme-backup-codes-2026-11-28.txt`: found again among other downloads, and told from an older set. */
export function codesFileName(serviceName: string, now: Instant): string {
  const service = serviceName
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, LONGEST_SERVICE)
    .replace(/^-+|-+$/g, '')
  const [day = ''] = new Date(now * 1000).toISOString().split('T')
  return `${[service, 'backup-codes', day].filter(Boolean).join('-')}.txt`
}
