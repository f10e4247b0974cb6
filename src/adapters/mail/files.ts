import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Clock } from '../../ports/services.ts'
import { addressee, type Mail, type Sender } from './index.ts'

export interface MailFilesOptions {
  /** The folder of the files. It is made, readable by its owner alone, when the first mail is written. */
  readonly folder: string
  readonly from: Sender
  readonly clock: Clock
}

/** Writes mails as files, for a server without a mail server: `.eml`, one a mail, with names that sort in their order. */
export interface MailFiles {
  /** Calls that come at once write one after the other. */
  send(mail: Mail): Promise<void>
}

export function mailFiles({ folder, from, clock }: MailFilesOptions): MailFiles {
  const transport = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const write = async ({ to, ...content }: Mail): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const mail = { from, to: addressee(to), date: new Date(clock.now() * 1000), ...content }
    const { message } = await transport.sendMail(mail)
    // A reader of the folder sees whole mails alone.
    const part = join(folder, 'next.part')
    await writeFile(part, message, { mode: 0o600, flush: true })
    await link(part, join(folder, nameAfter(await readdir(folder), clock.now())))
    await rm(part)
  }
  let last: Promise<void> = Promise.resolve()
  return {
    send(mail) {
      const written = last.then(() => write(mail))
      last = written.catch(() => undefined)
      return written
    },
  }
}

/** The time and a number: the clock counts in seconds, and a file sorts after all that are there. */
function nameAfter(names: readonly string[], now: number): string {
  const last = names
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .at(-1)
  const [lastTime = '', lastCount = '0'] = last?.slice(0, -'.eml'.length).split('_') ?? []
  const time = new Date(now * 1000).toISOString().replace('.000Z', 'Z').replaceAll(':', '-')
  return time > lastTime ? nameOf(time, 1) : nameOf(lastTime, Number(lastCount) + 1)
}

const nameOf = (time: string, count: number): string =>
  `${time}_${String(count).padStart(6, '0')}.eml`
