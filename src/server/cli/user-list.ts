import { Option, type Command } from 'commander'
import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import { findPeople, type ListedPerson, type PeopleQuery } from '../accounts/find-people.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  moment,
  readingCommand,
  Refusal,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'
import { stateOf, shown } from './user-about.ts'

const MOST_LISTED = 10_000

/** `user list`: a page of people, by second factor, group and last sign-in. */
export function addUserListCommand(user: Command, terminal: Terminal): void {
  const list = readingCommand(user, 'list', 'list people, a page at a time')
    .addOption(
      new Option(
        '--mfa <kind>',
        'people by their second factor: none at all, weak ones, any',
      ).choices(KINDS),
    )
    .option('--group <group>', 'people of this group')
    .option(
      '--last-before <date>',
      'people whose last sign-in was before this time (UTC), or never',
    )
    .option('--limit <n>', `how many at most, 1 to ${MOST_LISTED}`, '100')
    .option('--cursor <cursor>', 'the next page, as the page before names it')
  answer(terminal, list, async (_args, options) => {
    const query = queryOf(options)
    return withSession(terminal, (session) => listPeople(session, query))
  })
}

const KINDS = ['none', 'weak', 'any'] as const

function queryOf(options: Options): PeopleQuery {
  const { mfa, group, lastBefore, limit, cursor } = options as Record<string, string | undefined>
  const kind = KINDS.find((known) => known === mfa)
  return {
    limit: limitOf(limit),
    ...(kind === undefined ? {} : { mfa: kind }),
    ...(group === undefined ? {} : { group }),
    ...(lastBefore === undefined ? {} : { lastBefore: instantOf(lastBefore) }),
    ...(cursor === undefined ? {} : { after: idOfCursor(cursor) }),
  }
}

async function listPeople({ foundation, mfa }: Session, query: PeopleQuery): Promise<Output> {
  const { accounts, audit } = foundation.storage
  const statusOf = (id: string) => mfa.accounts.status(id)
  const { people, next } = await findPeople({ accounts, audit, statusOf }, query)
  const cursor = next === undefined ? undefined : cursorOf(next)
  return {
    json: { users: people.map(inJson), next: cursor ?? null },
    text: [
      table(
        ['NAME', 'ADDRESS', 'GROUPS', 'STATE', 'SECOND FACTOR', 'LAST SIGN-IN'],
        people.map(rowOf),
      ),
      ...(cursor === undefined ? [] : [`There are more: --cursor ${cursor}\n`]),
    ].join(''),
  }
}

function inJson({ account, secondFactor, factors, lastSignInAt }: ListedPerson): JsonObject {
  return {
    ...shown(account),
    second_factor: secondFactor,
    factors: namesOf(factors),
    last_sign_in_at: lastSignInAt ?? null,
  }
}

function rowOf({ account, secondFactor, factors, lastSignInAt }: ListedPerson): string[] {
  const { username, email = '', groups } = account
  const held = namesOf(factors).join(',')
  return [
    username,
    email,
    groups.join(','),
    stateOf(account),
    { none: 'none', weak: `weak: ${held}`, lasting: held, unreadable: 'unreadable' }[secondFactor],
    moment(lastSignInAt) || 'never',
  ]
}

/** Each factor once. */
function namesOf(factors: ListedPerson['factors']): string[] {
  return [...new Set(factors.map(({ factor }) => factor))]
}

function limitOf(text: string | undefined): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > MOST_LISTED)
    throw new Refusal('limit', `--limit takes a number from 1 to ${MOST_LISTED}.`)
  return number
}

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/

/** Reads a date or a date with a time (ISO 8601); without a zone it is UTC. */
function instantOf(text: string): Instant {
  const [, time, , zone] = DATE.exec(text) ?? []
  const at = Date.parse(time === undefined || zone !== undefined ? text : `${text}Z`)
  const day = Date.parse(text.slice(0, 10))
  // `Date` takes 30 February for 1 March.
  const isDay = !Number.isNaN(day) && text.startsWith(new Date(day).toISOString().slice(0, 10))
  if (!DATE.test(text) || !isDay || Number.isNaN(at))
    throw new Refusal(
      'date',
      '--last-before takes a date such as 2026-01-31 or 2026-01-31T12:00Z, in UTC.',
    )
  return Math.floor(at / 1000)
}

/** The id in another form: an id may begin with `-`, which the parser takes for an option. */
function cursorOf(id: string): string {
  return Buffer.from(id).toString('base64url')
}

function idOfCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (id === '' || cursorOf(id) !== cursor)
    throw new Refusal('cursor', '--cursor takes the cursor that the page before has named.')
  return id
}
