import { createTransport } from 'nodemailer'

const { SMTP_URL, MAIL_FROM } = process.env

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html?: string
}

/** Without SMTP_URL mails are printed. */
export async function sendMail(mail: Mail): Promise<void> {
  if (SMTP_URL === undefined) console.log(`Mail to ${mail.to}: ${mail.subject}\n${mail.text}`)
  else await createTransport(SMTP_URL).sendMail({ from: MAIL_FROM ?? 'id@localhost', ...mail })
}
