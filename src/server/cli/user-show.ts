import type { Account } from '../../ports/accounts.ts'
import { nameLockOf, type NameLock } from '../accounts/name-lock.ts'
import type { Session } from './session.ts'
import { moment, type Output } from './terminal.ts'
import { find, stateOf, shown } from './user-about.ts'

/** `user show`: a person and their second factors, without a secret. */
export async function show(session: Session, name: string): Promise<Output> {
  const account = await find(session, name)
  const mfa = await session.mfa.accounts.status(account.id)
  const trusted = await session.mfa.accounts.trustedBrowsers(account.id)
  const lock = await lockOf(session, account)
  return {
    json: {
      ...shown(account),
      name_lock: lock === undefined ? null : { ends_at: lock.endsAt },
      mfa: inSnakeCase(mfa),
      trusted_browsers: inSnakeCase(trusted),
    },
    text: [
      ...linesAbout(account),
      ...linesAboutLock(lock),
      ...linesAboutMfa(mfa),
      ...trusted.map(lineAboutTrusted),
      '',
    ].join('\n'),
  }
}

function linesAbout(account: Account): string[] {
  const lines = [`${account.username} (${account.id}): ${stateOf(account)}`]
  if (account.email !== undefined)
    lines.push(`address: ${account.email}${account.emailVerified ? '' : ' (not verified)'}`)
  for (const { address, verifiedAt } of account.addresses ?? [])
    lines.push(`address for notices: ${address}, verified ${moment(verifiedAt)}`)
  lines.push(`groups: ${account.groups.join(', ') || 'none'}`)
  return lines
}

/** The lock of the account's name after wrong passwords. */
export function lockOf({ foundation }: Session, account: Account): Promise<NameLock | undefined> {
  const { storage, settings, clock } = foundation
  const { failuresPerName } = settings.passwords
  return nameLockOf({ counters: storage.counters, failuresPerName }, account, clock.now())
}

function linesAboutLock(lock: NameLock | undefined): string[] {
  return lock === undefined
    ? []
    : [
        `too many wrong passwords: new browsers are refused until ${moment(lock.endsAt)}, a new password by a link, or user unlock`,
      ]
}

export type MfaStatus = Awaited<ReturnType<Session['mfa']['accounts']['status']>>

/** Answers the lines of `user show` about the second factor of an account, for a person at a help desk. */
export function linesAboutMfa(mfa: MfaStatus): string[] {
  const lines = mfa.factors.map(lineAboutFactor)
  if (mfa.factors.length === 0) lines.push('no second factor')
  if (mfa.lockedUntil !== undefined)
    lines.push(`too many wrong codes: strangers wait until ${moment(mfa.lockedUntil)}`)
  if (mfa.passwordSuspected)
    lines.push('somebody else may know the password: new browsers need another one first')
  if (mfa.codesDisabled) lines.push('too many wrong codes in 30 days: codes are turned off')
  if (mfa.frozenAt !== undefined)
    lines.push(
      `locked by its owner since ${moment(mfa.frozenAt)}, until a second factor is proved or set up, or reset-mfa`,
    )
  if (mfa.recovery !== undefined) {
    const { state, since, until } = mfa.recovery
    const next = state === 'waiting' ? 'a replacement can be set up from' : 'open until'
    lines.push(`recovery in progress since ${moment(since)}: ${next} ${moment(until)}`)
  }
  if (mfa.mustEnrolSince !== undefined)
    lines.push('it was on where they come from: the next sign-in sets one up, with a proof')
  return lines
}

function lineAboutFactor(held: MfaStatus['factors'][number]): string {
  const { factor, name, createdAt, lastUsedAt, renewBy, remaining } = held
  const parts = [`${factor}${name === '' ? '' : ` "${name}"`}: added ${moment(createdAt)}`]
  if (renewBy !== undefined) parts.push(`weak: ends ${moment(renewBy)}`)
  parts.push(`last used ${moment(lastUsedAt) || 'never'}`)
  if (remaining !== undefined) parts.push(`${remaining} left`)
  return parts.join(', ')
}

type Trusted = Awaited<ReturnType<Session['mfa']['accounts']['trustedBrowsers']>>[number]

function lineAboutTrusted({ name, network, since, until }: Trusted): string {
  const { browser = 'unknown browser', system } = name ?? {}
  const where = [browser, system === undefined ? '' : ` on ${system}`].join('')
  const from = network === undefined ? '' : ` in ${network}`
  return `trusted browser: ${where}${from}, since ${moment(since)}, until ${moment(until)}`
}

/** Writes member names in snake_case, as the command line does everywhere. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(inner),
    ]),
  )
}
