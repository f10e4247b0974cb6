import type { Command } from 'commander'
import { MfaError } from '../../domain/errors.ts'
import { maskAddress } from '../../domain/masked-address.ts'
import type { Outbox, WaitingRow } from '../../ports/outbox.ts'
import type { Foundation } from '../boot/foundation.ts'
import { waitingRows } from '../notices/letters.ts'
import { KNOWN_SECONDS, type MailTried } from '../notices/sender.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  moment,
  Refusal,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

const MOST_AT_ONCE = 10_000

/** `mail ...`: the mails that wait in the outbox. No command shows a text, a code or a link (R31). */
export function addMailCommands(program: Command, terminal: Terminal): void {
  const mail = program.command('mail').description('mails that wait to be sent')
  answer(
    terminal,
    command(mail, 'list', 'list the mails that wait')
      .option('--limit <n>', 'so many at most', '100')
      .option('--cursor <cursor>', 'continue after the page that had this `next`'),
    async (_args, options) => withSession(terminal, (session) => list(session, options)),
  )
  answer(
    terminal,
    command(mail, 'retry', 'make waiting mails due now, and send what is due')
      .argument('[id]', 'the id that `mail list` shows')
      .option('--all', 'every mail that waits'),
    async ([id], options) => withSession(terminal, (session) => retry(session, { id, ...options })),
  )
  answer(
    terminal,
    command(mail, 'drop', 'remove waiting mails without sending them')
      .argument('[id]', 'the id that `mail list` shows')
      .option('--all', 'every mail that waits')
      .option('--confirm', 'do it'),
    async ([id], options) => withSession(terminal, (session) => drop(session, { id, ...options })),
  )
}

async function list({ foundation }: Session, { limit, cursor }: Options): Promise<Output> {
  const { outbox } = foundation.storage
  const most = numberOf(limit)
  const after = typeof cursor === 'string' ? { after: cursor } : {}
  const rows = await outbox.list({ limit: most + 1, ...after })
  const page = rows.slice(0, most)
  const next = rows.length > most ? (page.at(-1)?.id ?? null) : null
  const mails = await Promise.all(page.map((row) => shown(foundation, row)))
  const lines = mails.map((mail) => [
    mail.id,
    mail.kind ?? '(does not open)',
    mail.account,
    mail.address ?? '',
    String(mail.tries),
    moment(mail.due_at),
    mail.fault ?? '',
  ])
  const head = ['ID', 'KIND', 'ACCOUNT', 'ADDRESS', 'TRIES', 'DUE', 'LAST FAULT']
  const more = next === null ? '' : `There are more: --cursor ${next}\n`
  return { json: { mails, next }, text: table(head, lines) + more }
}

/** The parts of a waiting mail that may be shown. */
async function shown({ storage, letters }: Foundation, row: WaitingRow) {
  const { id, accountId, claims, fault, dueAt, until } = row
  const account = (await storage.accounts.byId(accountId))?.account.username ?? accountId
  return {
    id,
    ...kindOf(letters, row),
    account,
    tries: claims,
    fault: fault ?? null,
    due_at: dueAt,
    ends_at: until ?? null,
  }
}

/** Both are null where the mail was sealed with a key that is not configured. */
function kindOf(letters: Foundation['letters'], row: WaitingRow) {
  try {
    const { template, to } = letters.open(row)
    return { kind: template, address: maskAddress(to) }
  } catch (error) {
    if (error instanceof MfaError) return { kind: null, address: null }
    throw error
  }
}

async function retry({ foundation, sendDue }: Session, given: Options): Promise<Output> {
  const { storage, clock } = foundation
  const due: string[] = []
  const held: string[] = []
  for (const { id } of await chosen(storage.outbox, given))
    if (await storage.outbox.hasten(id, clock.now())) due.push(id)
    else if ((await storage.outbox.find(id)) !== undefined) held.push(id)
  const attempts = due.length === 0 ? [] : await sendDue()
  const mails = due.map((id) => outcomeOf(id, attempts))
  const count = (wanted: string): number => mails.filter(({ outcome }) => outcome === wanted).length
  return {
    json: { due: due.length, held, sends: attempts !== undefined, mails },
    text: [
      `${counted(due.length)} due now.`,
      ...(held.length === 0 ? [] : [`${counted(held.length)} being sent by another process.`]),
      ...(attempts === undefined
        ? ['This command has no mail server (SMTP_URL, ISSUER): the server sends them.']
        : [`Sent: ${count('sent')}.`]),
      ...mails.flatMap(({ id, outcome, fault }) =>
        fault === null ? [] : [`${id}: ${outcome}: ${fault}`],
      ),
      ...(attempts !== undefined && count('waiting') > 0
        ? [`Not tried yet: ${count('waiting')}. The server sends them.`]
        : []),
      '',
    ].join('\n'),
  }
}

/** The last attempt of this command. */
function outcomeOf(id: string, attempts: readonly MailTried[] | undefined) {
  const last = attempts?.findLast((attempt) => attempt.id === id)
  if (last === undefined) return { id, outcome: 'waiting', fault: null }
  return { id, outcome: last.outcome, fault: last.outcome === 'sent' ? null : last.fault }
}

async function drop({ foundation }: Session, given: Options): Promise<Output> {
  const { storage, clock, record } = foundation
  const rows = await chosen(storage.outbox, given)
  if (given['confirm'] !== true)
    throw new Refusal(
      'confirm',
      `${counted(rows.length)} removed for good and not sent, if you say --confirm.`,
    )
  let dropped = 0
  for (const { id, accountId } of rows) {
    if (!(await storage.outbox.drop(id, clock.now() + KNOWN_SECONDS))) continue
    dropped += 1
    await record('mail-dropped', { accountId })
  }
  return { json: { dropped }, text: `Removed: ${dropped}.\n` }
}

const counted = (mails: number): string => (mails === 1 ? '1 mail is' : `${mails} mails are`)

/** The mail of the id, or all that wait. Throws Refusal `mail-chosen`, `mail-unknown`. */
async function chosen(outbox: Outbox, { id, all }: Options): Promise<readonly WaitingRow[]> {
  if ((all === true) === (id !== undefined))
    throw new Refusal('mail-chosen', 'Say the id of one mail, or --all.')
  if (all === true) return Array.fromAsync(waitingRows(outbox))
  const row = await outbox.find(String(id))
  if (row === undefined) throw new Refusal('mail-unknown', 'No mail of this id waits.')
  return [row]
}

function numberOf(text: unknown): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > MOST_AT_ONCE)
    throw new Refusal('limit', `--limit takes a number from 1 to ${MOST_AT_ONCE}.`)
  return number
}
