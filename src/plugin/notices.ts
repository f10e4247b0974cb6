import { loadRecord } from '../application/commit.ts'
import type { Dependencies } from '../application/dependencies.ts'
import { isOfOwner } from '../domain/events.ts'
import { shownNetwork } from '../domain/shown-network.ts'
import { DAY_SECONDS, type Instant } from '../domain/time.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { MfaEvent } from './events.ts'

/** A mail that tells the owner of an account what has happened to it. */
export interface Notice {
  /** The same for events that one mail tells of; otherwise the id of the event. Send one mail for each. */
  readonly id: string
  /** The template of the mail and its values, for `views.renderMail`. The issuer's name and links are added by the sender. */
  readonly template: string
  readonly values: Readonly<Record<string, string>>
  /** The language of the page (BCP 47), if the owner was recognised on it: nobody else chooses the language of a warning. */
  readonly locale?: string
}

const TEMPLATES: Partial<Record<MfaEvent['type'], string>> = {
  'factor-enrolled': 'factor-enrolled',
  'factor-replaced': 'factor-replaced',
  'factor-removed': 'factor-removed',
  'factor-renamed': 'factor-renamed',
  'factors-turned-off': 'factors-turned-off',
  'backup-code-used': 'backup-code-used',
  locked: 'locked',
  'password-suspected': 'password-suspected',
  'codes-disabled': 'codes-disabled',
  reset: 'mfa-reset',
  'recovery-started': 'recovery-started',
  'recovery-half-way': 'recovery-half-way',
  'recovery-opened': 'recovery-opened',
  'recovery-cancelled': 'recovery-cancelled',
  'recovery-completed': 'recovery-completed',
  'account-locked-by-owner': 'account-locked',
}

/** The part of a factor that says which of its own events are mailed. */
export type MailingFactor = Pick<AnyFactor, 'id' | 'mailedEvents'>

/**
 * The notice of an event; undefined: the owner is not told of it. `firstSignInAt` reads the time of the account's very
 * first sign-in, whose browser is new to nobody. `factors`: those that may have events of their own.
 */
export async function noticeOf(
  event: MfaEvent,
  firstSignInAt: () => Promise<Instant | undefined>,
  factors: Iterable<MailingFactor> = [],
): Promise<Notice | undefined> {
  const ofFactor = isMailedBy(event, [...factors])
  const template = isNewBrowser(event) ? 'new-browser' : ofFactor ? event.type : templateOf(event)
  if (template === undefined) return undefined
  if (template === 'new-browser' && event.at === (await firstSignInAt())) return undefined
  const { locale } = event.detail
  return {
    id: ofFactor ? idOfFactorEvent(event) : idOf(event),
    template,
    values: { ...valuesOf(event), ...sinceOf(event) },
    ...(locale === undefined || !isOfOwner(event) ? {} : { locale }),
  }
}

export async function firstSignInAt(
  deps: Dependencies,
  accountId: string,
): Promise<Instant | undefined> {
  const { record } = await loadRecord(deps, accountId)
  return record.history.firstSignInAt
}

/**
 * The first backup codes come with a factor, which has a mail of its own. Renewed codes replace others, so they have a
 * mail. A factor that comes or goes as a part of something larger is in the mail of the whole, and so is a recovery that
 * a lock has cancelled.
 */
function templateOf({ type, detail }: MfaEvent): string | undefined {
  if (type === 'backup-codes-created')
    return detail.reason === 'renewed' ? 'backup-codes-renewed' : undefined
  if (type === 'recovery-cancelled' && detail.reason === 'locked') return undefined
  if (type === 'account-locked-by-owner' && detail.reason === 'recovery-cancelled')
    return 'account-locked-recovery'
  if (type === 'factor-enrolled' && detail.reason === 'silent') return 'factor-enrolled-silent'
  const isPart = type === 'factor-enrolled' || type === 'factor-removed'
  return isPart && detail.reason !== undefined ? undefined : TEMPLATES[type]
}

/** The mail of an event of a factor's own has the name of the event. */
function isMailedBy({ type, detail }: MfaEvent, factors: readonly MailingFactor[]): boolean {
  return factors.some(
    ({ id, mailedEvents }) => id === detail.factor && mailedEvents?.includes(type) === true,
  )
}

/** One mail a day of each authenticator: its holder may not be the owner, and could fill the mailbox of the owner. */
function idOfFactorEvent({
  type,
  accountId,
  at,
  detail: { authenticatorId = '' },
}: MfaEvent): string {
  return `${accountId}.${type}.${authenticatorId}.${Math.floor(at / DAY_SECONDS)}`
}

/** Each of these events ends a sign-in: with the second factor, or with the first one alone. */
function isNewBrowser({ type, detail }: MfaEvent): boolean {
  return (type === 'factor-accepted' || type === 'signed-in') && detail.browser === 'unknown'
}

/**
 * One mail a day tells of lockouts: an attacker with the password could otherwise fill the mailbox of the owner. So could
 * a stranger with the link of a notice, who presses "this was not me" again and again: of one lock, one mail a day tells.
 */
function idOf({ id, type, accountId, at, detail: { since = at } }: MfaEvent): string {
  switch (type) {
    case 'locked':
      return `${accountId}.locked.${Math.floor(at / DAY_SECONDS)}`
    case 'account-locked-by-owner':
      return `${accountId}.${type}.${since}.${Math.floor((at - since) / DAY_SECONDS)}`
    default:
      return id
  }
}

function valuesOf({ at, detail }: MfaEvent): Record<string, string> {
  const {
    factor,
    authenticatorName: name,
    replacedName,
    remaining,
    userAgent: browser,
    ip,
    until,
  } = detail
  return {
    at: String(at),
    ...(factor === undefined ? {} : { factor }),
    ...(name === undefined ? {} : { name }),
    ...(replacedName === undefined ? {} : { replaced: replacedName }),
    ...(remaining === undefined ? {} : { remaining: String(remaining) }),
    ...(until === undefined ? {} : { until: String(until) }),
    ...(browser === undefined ? {} : { browser }),
    ...(ip === undefined ? {} : placeOf(ip)),
  }
}

/** The notices of a recovery that can be cancelled; each has a link for that, of which `since` names the recovery. */
const CANCELLABLE: ReadonlySet<string> = new Set([
  'recovery-started',
  'recovery-half-way',
  'recovery-opened',
])

function sinceOf({ type, detail: { since } }: MfaEvent): { since?: string } {
  return since === undefined || !CANCELLABLE.has(type) ? {} : { since: String(since) }
}

function placeOf(ip: string): { place?: string } {
  const network = shownNetwork(ip)
  return network === undefined ? {} : { place: network }
}
