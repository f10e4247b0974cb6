import { inWords } from '../../../config/environment.ts'
import { remarkOnMetadata, whyNotOffered } from '../../../config/passkeys.ts'
import type { Logger } from '../observe/log.ts'
import type { RunningDemonstration } from './demonstration.ts'
import type { Foundation } from './foundation.ts'
import type { PostPlace } from './post.ts'

export interface Announced {
  readonly demonstration: RunningDemonstration | undefined
  readonly place: Pick<PostPlace, 'folder'>
  /** Absent: METRICS_PORT is not set. With 0 the system has chosen the port. */
  readonly metricsUrl?: string | undefined
  /** Prints a line to the person at the terminal. */
  readonly print: (line: string) => void
  readonly log: Logger
}

type Subject = Pick<Foundation, 'clock' | 'config' | 'issuer'>

/**
 * Tells the addresses, the demonstration's account, and what production would refuse: in development to the person at the
 * terminal, in production in the log, because a program reads every line there.
 */
export function announce(subject: Subject, announced: Announced): void {
  const { clock, config, issuer } = subject
  const { log, metricsUrl } = announced
  if (config.production)
    log.info({ issuer, ...(metricsUrl === undefined ? {} : { metricsUrl }) }, 'started')
  else announceToPerson(subject, announced)
  for (const fault of config.misspelt) log.warn({ setting: fault.setting }, inWords(fault))
  const left = whyNotOffered(config.settings.passkeys, issuer)
  if (left !== undefined) log.warn({ issuer }, `passkeys ${left}`)
  const old = remarkOnMetadata(config.settings.passkeys, issuer, clock.now())
  if (old !== undefined) log.warn({ setting: 'passkeys.metadataFile' }, `the metadata ${old}`)
  if (config.production && config.trustedProxies.length === 0)
    log.warn('TRUSTED_PROXIES is empty: behind a proxy everybody shares the limits of its address')
}

function announceToPerson(
  { config, issuer }: Subject,
  { demonstration, place, metricsUrl, print }: Announced,
): void {
  print(`oidc-provider-mfa: ${issuer}`)
  if (demonstration === undefined) print('no demonstration: DEMO is off')
  else {
    print(`demonstration app: ${demonstration.url}`)
    print(`user: ${demonstration.secrets.username}`)
    print(`password: ${demonstration.secrets.password}`)
    print('This account may set up its first factor with the password alone.')
  }
  if (metricsUrl !== undefined) print(`metrics: ${metricsUrl}`)
  if (place.folder !== undefined) print(`no mail server: mails are .eml files in ${place.folder}`)
  if (config.unfit.length === 0) return
  print('Not fit for production:')
  for (const fault of config.unfit) print(`  ${inWords(fault)}`)
}
