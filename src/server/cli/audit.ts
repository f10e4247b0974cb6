import type { Command } from 'commander'
import type { Accounts } from '../../ports/accounts.ts'
import type { AuditEntry } from '../../ports/audit-trail.ts'
import type { ChainFaultKind } from '../../domain/audit-chain-walk.ts'
import { readTrailKey } from '../keys/trail-key.ts'
import { retentionAt } from '../observe/audit-retention.ts'
import { verifyTrail, type VerifiedChain } from '../observe/verify-trail.ts'
import { auditQueryOf, cursorOf, readCursor, readLimit } from './audit-query.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  moment,
  readingCommand,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

/** The entries that an export reads at once. */
const EXPORTED_AT_ONCE = 1000

/** `audit ...`: the trail of what happened. */
export function addAuditCommands(program: Command, terminal: Terminal): void {
  const audit = withFilters(
    readingCommand(program, 'audit', 'show what happened, the newest first'),
  )
    .option('--limit <n>', 'so many at most', '100')
    .option('--cursor <text>', 'go on where the page before has ended; with the same filters')
  answer(terminal, audit, async (_args, options) =>
    withSession(terminal, (session) => show(session, options)),
  )

  const exported = withFilters(
    readingCommand(
      audit,
      'export',
      'print the entries, the oldest first',
      'changes nothing: each line is JSON in any case',
    ),
  )
  answer(terminal, exported, async (_args, options) =>
    withSession(terminal, (session) => exportTo(terminal, session, options)),
  )

  answer(
    terminal,
    readingCommand(audit, 'verify', 'find entries that somebody has removed or changed'),
    async () => withSession(terminal, verify),
  )
}

async function verify({
  foundation: {
    storage,
    box,
    settings: { audit: kept },
    clock,
  },
}: Session): Promise<Output> {
  const { audit, settings } = storage
  const { chains, unchained } = await verifyTrail(
    audit,
    await readTrailKey({ settings, box }),
    retentionAt(kept, clock.now()),
  )
  const verified = chains.reduce((sum, chain) => sum + chain.verified, 0)
  const isSound = chains.every(({ fault }) => fault === undefined)
  const text = [
    ...chains.map(lineOf),
    `Entries that are as they were added: ${verified}. Entries in no chain: ${unchained}; they are older than the chains, and nothing shows whether they were changed.`,
    '',
  ].join('\n')
  const json = {
    sound: isSound,
    verified,
    unchained,
    chains: chains.map(({ fault, ...chain }) => ({ ...chain, fault: fault ?? null })),
  }
  return isSound ? { json, text } : { json, text, failed: true }
}

function lineOf({ name, verified, removed, fault }: VerifiedChain): string {
  const about = `${name}: ${verified} entries verified, ${removed} removed by retention`
  if (fault === undefined) return about
  const number = fault.number === undefined ? '' : ` (number ${fault.number} of the chain)`
  return `${about}. FAULT ${fault.kind}: ${FAULTS[fault.kind]}${number}`
}

const FAULTS: Readonly<Record<ChainFaultKind, string>> = {
  removed: 'an entry is missing',
  'oldest-removed': 'the oldest entry is missing',
  'newest-removed': 'the newest entry is missing',
  changed: 'an entry was changed, or moved from another place',
  added: 'an entry was put in the place of another one',
  'head-removed': 'the head of the chain is missing',
  'head-changed': 'the head of the chain was not made by this server',
  'unknown-chain': 'no server or command has begun this chain',
  'chain-removed': 'the whole chain is missing',
}

function withFilters(command: Command): Command {
  return command
    .option('--user <name>', 'about this person alone: user name, verified address or id')
    .option('--client <id>', 'about this app alone')
    .option('--address <ip>', 'of requests from this address alone')
    .option('--type <type>', 'of this type alone; may be repeated', collect)
    .option('--actor <name>', 'of commands of this operator alone')
    .option('--request-id <id>', 'of this request alone')
    .option('--since <time>', 'not before this time, in ISO 8601')
    .option('--until <time>', 'before this time, in ISO 8601')
}

async function show({ foundation }: Session, options: Options): Promise<Output> {
  const { accounts, audit } = foundation.storage
  const query = await auditQueryOf(foundation.storage, options)
  const after = readCursor(options['cursor'])
  const limit = readLimit(options['limit'])
  const { entries, next } = await audit.page({
    ...query,
    limit,
    ...(after === undefined ? {} : { after }),
  })
  const cursor = next === undefined ? null : cursorOf(next)
  const names = await namesOf(accounts, entries)
  const rows = entries.map((entry) => row(entry, names))
  const onward =
    cursor === null ? '' : `There are more: repeat the command with --cursor ${cursor}\n`
  return {
    json: { entries, next: cursor },
    text: table(['WHEN', 'WHAT', 'WHO', 'HOW'], rows) + onward,
  }
}

/** Prints a page at a time, and waits until it has left: a trail may be larger than the memory. */
async function exportTo(
  terminal: Terminal,
  { foundation }: Session,
  options: Options,
): Promise<undefined> {
  const { audit } = foundation.storage
  let query = {
    ...(await auditQueryOf(foundation.storage, options)),
    oldestFirst: true,
    limit: EXPORTED_AT_ONCE,
  }
  for (;;) {
    const { entries, next } = await audit.page(query)
    terminal.out(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    await terminal.drained?.()
    if (next === undefined) return
    query = { ...query, after: next }
  }
}

/**
 * The user names of the accounts in the entries, by account id. An account that no longer exists is named by its id.
 */
async function namesOf(
  accounts: Accounts,
  entries: readonly AuditEntry[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const id of new Set(entries.map(({ accountId }) => accountId)))
    if (id !== undefined) names.set(id, (await accounts.byId(id))?.account.username ?? id)
  return names
}

function row(
  { at, type, accountId = '', detail }: AuditEntry,
  names: ReadonlyMap<string, string>,
): string[] {
  const about = Object.entries(detail).map(([name, value]) => `${name}=${quoted(textOf(value))}`)
  return [moment(at), type, names.get(accountId) ?? '', about.join(' ')]
}

/** A list as its entries with commas between them, an object as JSON. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Quotes a value that could be read as more than one detail: a browser chooses its own `User-Agent`. */
function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
