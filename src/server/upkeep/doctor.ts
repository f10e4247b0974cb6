import type { Config } from '../../../config/environment.ts'
import { systemClock } from '../../adapters/crypto/index.ts'
import { smtpMailer } from '../../adapters/mail/index.ts'
import { ClientFaults } from '../clients/validate.ts'
import { encryptionKeysInUse } from '../keys/encryption-keys.ts'
import { hashKindsInUse } from '../accounts/hash-kinds.ts'
import { unfinishedRestore } from './restore.ts'
import { signingKeyStates } from '../keys/signing-keys.ts'
import { clientsOf, layFoundation, signingKeysOf, type Foundation } from '../boot/foundation.ts'

export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** A year in which this could not have been built: the clock of the machine is wrong, and codes depend on it. */
const EARLIEST_INSTANT = Date.UTC(2026, 0, 1) / 1000

/**
 * Looks at everything a start depends on, one thing after the other, and goes on after a failure. Changes
 * nothing but what a start changes. `inWords` says what went wrong without a secret.
 */
export async function examine(
  config: Config,
  inWords: (error: unknown) => string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [{ check: 'settings', result: 'ok', detail: '' }]
  for (const { setting, problem } of config.unfit)
    findings.push({
      check: setting,
      result: 'warning',
      detail: `not fit for production: ${problem}`,
    })
  if (config.issuer?.startsWith('https:') && config.trustedProxies.length === 0)
    findings.push({
      check: 'TRUSTED_PROXIES',
      result: 'warning',
      detail: 'is empty: behind a proxy everybody shares the limits of its one address',
    })

  if (config.storage.kind === 'mongodb' && !config.storage.tls && !config.storage.local)
    findings.push({
      check: 'STORAGE_URL',
      result: 'warning',
      detail:
        'is not encrypted: password hashes and sessions cross the network readable; add tls=true',
    })

  const check = async (name: string, work: () => Promise<string>): Promise<void> => {
    try {
      findings.push({ check: name, result: 'ok', detail: await work() })
    } catch (error) {
      findings.push({ check: name, result: 'failed', detail: inWords(error) })
    }
  }

  let foundation: Foundation | undefined
  await check('storage', async () => {
    foundation = await layFoundation(config)
    const { storage } = foundation
    await storage.checkWritable()
    for (const { about, problem } of (await storage.inspect?.()) ?? [])
      findings.push({ check: `storage: ${about}`, result: 'warning', detail: problem })
    return ''
  })
  if (foundation !== undefined) {
    const open = foundation
    await check('signing keys', async () => {
      const { keys } = await signingKeysOf(open)
      const waiting = new Set(await waitingKeys(open))
      return keys
        .map(({ kty, kid }) => `${String(kty)} ${String(kid)}`)
        .map((key, at) => (waiting.has(keys[at]?.kid) ? `${key} (does not sign yet)` : key))
        .join(', ')
    })
    await check('encryption keys', async () => {
      const [newest, ...older] = open.box.keyIds
      const inUse = await encryptionKeysInUse(open.storage.settings)
      for (const id of older)
        findings.push(
          inUse.includes(id)
            ? {
                check: 'encryption keys',
                result: 'warning',
                detail: `values may still be sealed with ${id}: run \`oidc-provider-mfa keys rotate encryption\``,
              }
            : {
                check: 'encryption keys',
                result: 'ok',
                detail: `${id} is not in use and can be taken out of ENCRYPTION_KEYS`,
              },
        )
      return `${newest} seals`
    })
    const restoring = await unfinishedRestore(open.storage.settings)
    if (restoring !== undefined)
      findings.push({
        check: 'restore',
        result: 'failed',
        detail: 'has not finished: `restore --confirm --resume` goes on with it',
      })
    await check('password hashes', async () => {
      const { hashKinds, storage, hasher } = open
      if ((await hashKinds.held()).length === 0) return ''
      const uses = await hashKindsInUse(hashKinds, storage.accounts, hasher.kind)
      for (const { kind } of uses.filter(
        ({ state, accounts }) => state === 'held' && accounts === 0,
      ))
        findings.push({
          check: 'password hashes',
          result: 'warning',
          detail: `nobody has ${kind} any more: \`user hashes --prune\` makes sign-ins cheaper`,
        })
      const inWords = uses.map(({ kind, accounts }) => `${kind}: ${accounts}`)
      return `every sign-in computes one of each kind: ${inWords.join('; ')}`
    })
    await check('clients', async () => {
      const registry = clientsOf(open, await signingKeysOf(open))
      const faults = await registry.fileFaults()
      if (faults.length > 0) throw new ClientFaults('CLIENTS_FILE cannot be used:', faults)
      for (const { client, field } of registry.fileIgnored())
        findings.push({
          check: 'CLIENTS_FILE',
          result: 'warning',
          detail: `${client}: ${field} is not known and has no effect`,
        })
      return `${(await registry.list()).length}`
    })
    await open.storage.close()
  }
  const { mail } = config
  if (mail !== undefined)
    await check('mail', async () => {
      const mailer = smtpMailer({ url: mail.url, from: '' })
      try {
        await mailer.check()
        return ''
      } finally {
        mailer.close()
      }
    })
  findings.push(clockFinding(systemClock.now()))
  return findings
}

/** Those that are published and do not sign yet. */
async function waitingKeys({ config, storage, box, clock }: Foundation): Promise<unknown[]> {
  if (config.jwks !== undefined) return []
  const states = await signingKeyStates({ settings: storage.settings, box }, clock.now())
  return states.filter(({ state }) => state === 'next').map(({ kid }) => kid)
}

function clockFinding(now: number): Finding {
  return now >= EARLIEST_INSTANT
    ? { check: 'clock', result: 'ok', detail: new Date(now * 1000).toISOString() }
    : { check: 'clock', result: 'failed', detail: 'is behind: time-based codes will not fit' }
}
