import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Instant } from '../../domain/time.ts'
import type { Outbox, OutboxRow, WaitingRow } from '../../ports/outbox.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock, SealContext, SecretBox } from '../../ports/services.ts'

/** A mail before it is written. */
export interface Letter {
  /** The event or the request that it belongs to. Of two letters with one subject to one address, one is sent. */
  readonly about: string
  readonly accountId: string
  readonly to: string
  /** views/mail/<template>.njk; the sender adds the values that all mails have. */
  readonly template: string
  readonly values: Readonly<Record<string, string>>
  /** Languages of the reader (BCP 47), the best first, with spaces between them. */
  readonly languages: string
  /** The end of the code or link in it: it is not sent from then on, and `withdraw` takes it back. */
  readonly until?: Instant
}

export type LetterText = Pick<Letter, 'to' | 'template' | 'values' | 'languages'>

/** A letter in the outbox. `id` names its row. */
export interface PutLetter {
  readonly id: string
  readonly template: string
}

/** The letters that wait in the storage, sealed (R35). */
export interface Letters {
  /** Resolves when the letters are stored. They are sent afterwards, by any node. */
  put(letters: readonly Letter[]): Promise<void>
  /** Takes back the account's letters with a code or a link that are not sent yet. */
  withdraw(accountId: string): Promise<void>
  /** Opens a row. Throws MfaError `key-missing` or `seal-broken`. */
  open(row: OutboxRow): LetterText
  /** Calls `listener` with the letters that this process has put. */
  onPut(listener: (put: readonly PutLetter[]) => void): void
}

const format = z.object({
  to: z.string(),
  template: z.string(),
  values: z.record(z.string(), z.string()),
  languages: z.string(),
})

export interface LetterServices {
  readonly storage: Pick<ServerStorage, 'outbox'>
  readonly box: SecretBox
  readonly clock: Clock
}

export function letters({ storage, box, clock }: LetterServices): Letters {
  const listeners = new Set<(put: readonly PutLetter[]) => void>()
  const { outbox } = storage
  return {
    async put(given) {
      if (given.length === 0) return
      const rows = given.map(({ about, accountId, until, to, template, values, languages }) => {
        const id = letterId({ about, to })
        const text: LetterText = { to, template, values, languages }
        const value = box.seal(JSON.stringify(text), contextOf({ id, accountId }))
        return { id, accountId, value, ...(until === undefined ? {} : { until }) }
      })
      await outbox.add(rows, clock.now())
      const put = rows.map(({ id }, at) => ({ id, template: given[at]?.template ?? '' }))
      for (const listener of listeners) listener(put)
    },

    async withdraw(accountId) {
      await outbox.withdraw(accountId)
    },

    open: (row) => format.parse(JSON.parse(box.open(row.value, contextOf(row)))),
    onPut: (listener) => void listeners.add(listener),
  }
}

/**
 * The id of a letter's row: a hash, so that it and the Message-ID made from it show neither the address nor the account.
 * It begins with a letter, because one that began with a hyphen would be an option on the command line.
 */
export function letterId({ about, to }: Pick<Letter, 'about' | 'to'>): string {
  const hash = createHash('sha256').update(JSON.stringify([about, to]))
  return `m${hash.digest('base64url')}`
}

/** Bound to its row: a sealed letter that is moved to another row does not open. */
function contextOf({
  id,
  accountId,
}: {
  readonly id: string
  readonly accountId: string
}): SealContext {
  return { accountId, purpose: `letter:${id}` }
}

export interface SealedLetters {
  readonly outbox: Outbox
  readonly box: SecretBox
}

const PAGE = 100

/** Seals with the newest key the letters that an older one has sealed; answers how many. */
export async function resealLetters({ outbox, box }: SealedLetters): Promise<number> {
  let resealed = 0
  for await (const { id, accountId, value } of waitingRows(outbox)) {
    if (box.keyIdOf(value) === box.keyIds[0]) continue
    const context = contextOf({ id, accountId })
    const anew = box.seal(box.open(value, context), context)
    if (await outbox.replaceValue(id, anew, value)) resealed += 1
  }
  return resealed
}

/** The number of waiting letters that each key has sealed, by the key's id. */
export async function sealingKeysOfLetters({
  outbox,
  box,
}: SealedLetters): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for await (const { value } of waitingRows(outbox)) {
    const key = box.keyIdOf(value)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/** The rows that are not finished, in order of `id`. */
export async function* waitingRows(outbox: Pick<Outbox, 'list'>): AsyncGenerator<WaitingRow> {
  for (let after: string | undefined; ;) {
    const page = await outbox.list({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    yield* page
    after = page.at(-1)?.id
    if (after === undefined) return
  }
}
