import type { Outbox } from '../../ports/outbox.ts'
import type { MailTried } from './sender.ts'

/** Whether this node sends its mails. */
export interface MailHealth {
  tried(attempt: MailTried): void
  /** True while the last attempt of this node failed and mails wait. */
  isFailing(): Promise<boolean>
}

/** A recipient that is refused for good says nothing of the mail server: the next mail may be taken. */
export function mailHealth(outbox: Pick<Outbox, 'list'>): MailHealth {
  let hasFailed = false
  return {
    tried(attempt) {
      if (attempt.outcome === 'given-up' && attempt.reason === 'refused') return
      hasFailed = attempt.outcome !== 'sent'
    },
    isFailing: async () => hasFailed && (await outbox.list({ limit: 1 })).length > 0,
  }
}
