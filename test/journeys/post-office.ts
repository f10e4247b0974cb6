import { EventEmitter, once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'

export interface Letter {
  readonly to: string
  readonly subject: string
  /** The decoded message, with its headers. */
  readonly text: string
}

/** Accepts mail on loopback and keeps it until a test takes it. */
export class PostOffice {
  /** Refuses every letter while it is true, as a mail server does for a full mailbox. */
  refuses = false
  readonly #letters: Letter[] = []
  readonly #arrivals = new EventEmitter()
  readonly #server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) =>
      done(
        this.refuses ? Object.assign(new Error('mailbox full'), { responseCode: 550 }) : undefined,
      ),
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const text = decoded(Buffer.concat(chunks).toString('latin1'))
        const subject = /^Subject: (.*)$/m.exec(text)?.[1] ?? ''
        for (const { address } of envelope.rcptTo)
          this.#letters.push({ to: address, subject: subject.trim(), text })
        this.#arrivals.emit('letter')
        done()
      })
    },
  })

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server.server, 'listening')
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve))
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`
  }

  waiting(address: string): number {
    return this.#letters.filter(({ to }) => to === address).length
  }

  /**
   * Takes the oldest letter to an address. Waits for it, because a notice may arrive later than the page. `about`: the
   * subject, or what the text contains, where several letters are on their way, which arrive in any order.
   */
  async next(address: string, about?: string | RegExp): Promise<Letter> {
    for (;;) {
      const at = this.#letters.findIndex(({ to, subject, text }) => {
        const isWanted = about instanceof RegExp ? about.test(text) : (about ?? subject) === subject
        return to === address && isWanted
      })
      const [letter] = at === -1 ? [] : this.#letters.splice(at, 1)
      if (letter !== undefined) return letter
      await once(this.#arrivals, 'letter')
    }
  }
}

/**
 * The newest mail whose text has `about`, of those that a server without a mail server has written as `.eml` files into
 * its folder `outbox`. Waits for it, because a notice may be written later than the page is shown.
 */
export async function fileInOutbox(
  serverFolder: string,
  about: RegExp,
): Promise<Pick<Letter, 'text'>> {
  const outbox = join(serverFolder, 'data', 'outbox')
  for (;;) {
    const names = existsSync(outbox)
      ? readdirSync(outbox).filter((name) => name.endsWith('.eml'))
      : []
    const text = names
      .toSorted()
      .map((name) => decoded(readFileSync(join(outbox, name), 'latin1')))
      .findLast((mail) => about.test(mail))
    if (text !== undefined) return { text }
    await sleep(50)
  }
}

/** The code of a mailed proof. */
export function codeIn({ text }: Pick<Letter, 'text'>): string {
  return /^ +(\d{8})\s*$/m.exec(text)?.[1] ?? ''
}

/** The link of a letter to a page of the server whose path begins with `path`. */
export function linkIn({ text }: Pick<Letter, 'text'>, path: string): string {
  return new RegExp(`^https?://[^/\\s]+${path}\\S*`, 'm').exec(text)?.[0] ?? ''
}

/** Decodes quoted-printable (RFC 2045 6.7) of a text in UTF-8. */
function decoded(text: string): string {
  const bytes = text
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
