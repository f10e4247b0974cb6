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
  /** The attempts since the last call. */
  takeAttempts(): readonly MailTried[]
  /** Whether the command has put a mail. */
  readonly hasPut: boolean
  /** The mails of the command that were not sent. `noSender`: why the command sends no mail, if it does not. */
  unsent(outbox: Pick<Outbox, 'find'>, noSender: string | undefined): Promise<readonly Unsent[]>
}

const NOT_TRIED = 'it was not tried yet'
/** The most unsent mails that are followed one by one. Of further ones only the number of each kind is known. */
const MOST_FOLLOWED = 10_000

/** A mail that was not sent so far, and the last attempt. */
interface Followed {
  readonly kind: string
  readonly last?: Exclude<MailTried, { outcome: 'sent' }>
}

export function mailReport(): MailReport {
  const followed = new Map<string, Followed>()
  const others = new Map<string, number>()
  let attempts: MailTried[] = []
  let hasPut = false
  return {
    put(letters) {
      hasPut ||= letters.length > 0
      for (const { id, template: kind } of letters)
        if (followed.size < MOST_FOLLOWED) followed.set(id, { kind })
        else others.set(kind, (others.get(kind) ?? 0) + 1)
    },

    tried(attempt) {
      attempts.push(attempt)
      const mail = followed.get(attempt.id)
      if (mail === undefined) return
      if (attempt.outcome === 'sent') followed.delete(attempt.id)
      else followed.set(attempt.id, { kind: mail.kind, last: attempt })
    },

    takeAttempts() {
      const taken = attempts
      attempts = []
      return taken
    },

    get hasPut() {
      return hasPut
    },

    async unsent(outbox, noSender) {
      const counted = new Map<string, Unsent>()
      const add = (kind: string, why: Pick<Unsent, 'reason' | 'next'>, count: number): void => {
        const key = JSON.stringify([kind, why])
        counted.set(key, { kind, ...why, count: (counted.get(key)?.count ?? 0) + count })
      }
      const untried = { reason: noSender ?? NOT_TRIED, next: 'server' } as const
      for (const [id, { kind, last }] of followed) {
        const why = await whyUnsent(outbox, id, last)
        if (why !== undefined) add(kind, why === 'untried' ? untried : why, 1)
      }
      for (const [kind, count] of others) add(kind, untried, count)
      return [...counted.values()]
    },
  }
}

async function whyUnsent(
  outbox: Pick<Outbox, 'find'>,
  id: string,
  last: Followed['last'],
): Promise<Pick<Unsent, 'reason' | 'next'> | 'untried' | undefined> {
  if (last?.outcome === 'given-up') return { reason: last.fault, next: 'given-up' }
  // A node of the server may have sent it meanwhile, or knows it from an earlier event.
  if ((await outbox.find(id)) === undefined) return undefined
  return last === undefined ? 'untried' : { reason: last.fault, next: 'retry' }
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
