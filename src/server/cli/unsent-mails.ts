import type { Outbox } from '../../ports/outbox.ts'
import type { PutLetter } from '../notices/letters.ts'
import type { MailTried } from '../notices/sender.ts'
import type { Terminal } from './terminal.ts'

/** Mails of one kind that a command was to send and did not, for one reason. */
export interface Unsent {
  /** The name of the mail's template. */
  readonly kind: string
  readonly reason: string
  /** `retry`: the server tries again. `server`: the server sends it. `given-up`: nobody tries again. */
  readonly next: 'retry' | 'server' | 'given-up'
  readonly count: number
}

/** Follows the mails that a command puts into the outbox. */
export interface MailReport {
  put(letters: readonly PutLetter[]): void
  tried(attempt: MailTried): void
  readonly attempts: readonly MailTried[]
  /** Whether the command has put a mail. */
  readonly hasPut: boolean
  /** The mails of the command that were not sent. `noSender`: why the command sends no mail, if it does not. */
  unsent(outbox: Pick<Outbox, 'find'>, noSender: string | undefined): Promise<readonly Unsent[]>
}

const NOT_TRIED = 'it was not tried yet'

export function mailReport(): MailReport {
  const put: PutLetter[] = []
  const attempts: MailTried[] = []
  return {
    put: (letters) => void put.push(...letters),
    tried: (attempt) => void attempts.push(attempt),
    attempts,
    get hasPut() {
      return put.length > 0
    },

    async unsent(outbox, noSender) {
      const counted = new Map<string, Unsent>()
      for (const { id, template: kind } of put) {
        const why = await whyUnsent(outbox, { id, noSender, attempts })
        if (why === undefined) continue
        const key = JSON.stringify([kind, why])
        counted.set(key, { kind, ...why, count: (counted.get(key)?.count ?? 0) + 1 })
      }
      return [...counted.values()]
    },
  }
}

interface About {
  readonly id: string
  readonly noSender: string | undefined
  readonly attempts: readonly MailTried[]
}

async function whyUnsent(
  outbox: Pick<Outbox, 'find'>,
  { id, noSender, attempts }: About,
): Promise<Pick<Unsent, 'reason' | 'next'> | undefined> {
  const last = attempts.findLast((attempt) => attempt.id === id)
  if (last?.outcome === 'sent') return undefined
  if (last?.outcome === 'given-up') return { reason: last.fault, next: 'given-up' }
  // A node of the server may have sent it meanwhile, or knows it from an earlier event.
  if ((await outbox.find(id)) === undefined) return undefined
  if (last !== undefined) return { reason: last.fault, next: 'retry' }
  return { reason: noSender ?? NOT_TRIED, next: 'server' }
}

const NEXT = {
  retry: 'The server goes on trying.',
  server: 'The server sends it.',
  'given-up': 'Nobody tries again.',
} as const

/** Says on standard error which mails were not sent: in words, or with `--json` as a line of JSON for each kind and reason. */
export function tellUnsent({ err, json }: Terminal, unsent: readonly Unsent[]): void {
  for (const each of unsent) {
    const { kind, reason, next, count } = each
    err(
      json === true
        ? `${JSON.stringify({ warning: 'mail-not-sent', kind, count, reason, next })}\n`
        : `${count === 1 ? '1 mail was' : `${count} mails were`} not sent (${kind}): ${reason}. ${NEXT[next]}\n`,
    )
  }
}
