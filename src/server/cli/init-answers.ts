import { ConfigError, parseEnvironment } from '../../../config/environment.ts'
import { Refusal, type Options, type Terminal } from './terminal.ts'

/** The settings that `init` needs from an operator. */
export interface Answers {
  readonly ISSUER: string
  readonly PORT: string
  readonly STORAGE_URL: string
  readonly SMTP_URL: string
  readonly MAIL_FROM: string
}

type Name = keyof Answers

interface Question {
  readonly name: Name
  /** The option of the command. */
  readonly option: string
  readonly text: string
  readonly default?: (so: Partial<Answers>) => string
}

function questionsOf(folder: string): readonly Question[] {
  return [
    { name: 'ISSUER', option: 'issuer', text: 'The https address of the server' },
    {
      name: 'STORAGE_URL',
      option: 'storage',
      text: 'The database: sqlite:PATH or mongodb://HOST/DATABASE',
      default: () => `sqlite:${folder}/server.sqlite`,
    },
    { name: 'SMTP_URL', option: 'smtp', text: 'The mail server: smtps://USER@HOST or smtp://...' },
    {
      name: 'MAIL_FROM',
      option: 'mail-from',
      text: 'The sender of mails',
      default: ({ ISSUER = '' }) => `no-reply@${URL.parse(ISSUER)?.hostname ?? 'localhost'}`,
    },
    { name: 'PORT', option: 'port', text: 'The port to listen on', default: () => '3000' },
  ]
}

/**
 * The settings: from the options, else from the environment, else from the person at the terminal, else the default.
 * Throws Refusal `secret-in-argument`, and `settings-missing` that names everything that is missing.
 */
export async function answersOf(
  terminal: Terminal,
  options: Options,
  folder: string,
): Promise<Answers> {
  const ask = terminal.json === true ? undefined : terminal.ask
  const found: Partial<Record<Name, string>> = {}
  const missing: string[] = []
  for (const question of questionsOf(folder)) {
    const { name, option, text } = question
    const given = optionOf(options, option) ?? terminal.environment[name]?.trim()
    const answer = given || (await asked(ask, question, found)) || question.default?.(found)
    if (answer) found[name] = answer
    else missing.push(`--${option} (${text})`)
  }
  const { SMTP_URL: smtp } = found
  if (smtp !== undefined) {
    const whole = await withPassword(smtp, terminal, {
      ask,
      fromInput: options['smtpPasswordStdin'] === true,
    })
    if (whole === undefined)
      missing.push(
        'the password of the mail server (--smtp-password-stdin, or SMTP_URL in the environment)',
      )
    else found.SMTP_URL = whole
  }
  if (missing.length > 0)
    throw new Refusal('settings-missing', `Missing: ${missing.join('; ')}. Nothing was written.`)
  return found as Answers
}

/** An option of the command. Every user of the machine may see arguments in the list of processes (R31). */
function optionOf(options: Options, option: string): string | undefined {
  const value = options[option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  if (typeof value !== 'string') return undefined
  const instead = INSTEAD[option]
  if (instead === undefined || !WITH_PASSWORD.test(value)) return value.trim()
  throw new Refusal(
    'secret-in-argument',
    `--${option} has a password in it, and the list of processes shows it. ${instead}`,
  )
}

const WITH_PASSWORD = /^[a-z+]+:\/\/[^@]*:[^@]*@/i

/** How the address gets its password. */
const INSTEAD: Readonly<Record<string, string>> = {
  smtp: 'Leave it out and pass it by --smtp-password-stdin, or set SMTP_URL in the environment.',
  storage: 'Set STORAGE_URL in the environment.',
}

type Ask = Terminal['ask']

/** Asks until the answer is fit. An empty answer takes the default. */
async function asked(
  ask: Ask,
  { name, text, default: fallback }: Question,
  found: Partial<Answers>,
): Promise<string | undefined> {
  if (ask === undefined) return undefined
  const otherwise = fallback?.(found)
  const hint = otherwise === undefined ? '' : ` [${otherwise}]`
  for (let fault = ''; ;) {
    const answer = (await ask(`${fault}${text}${hint}: `)).trim()
    if (answer === '') return undefined
    const problem = faultOf(name, answer)
    if (problem === undefined) return answer
    fault = `${name} ${problem}\n`
  }
}

/** The fault that production finds in the setting. Undefined: it is fit. */
function faultOf(name: Name, value: string): string | undefined {
  try {
    parseEnvironment({ NODE_ENV: 'production', [name]: value }, () => '', [])
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.find(({ setting }) => setting === name)?.problem
  }
}

interface PasswordSource {
  readonly ask: Ask
  readonly fromInput: boolean
}

/** The address with the password of its user. Undefined: the user has none. */
async function withPassword(
  address: string,
  terminal: Terminal,
  { ask, fromInput }: PasswordSource,
): Promise<string | undefined> {
  const url = URL.parse(address)
  if (url === null || url.username === '' || url.password !== '') return address
  const question = `The password of ${decodeURIComponent(url.username)} at ${url.host}: `
  const password = fromInput ? await terminal.readLine() : await ask?.(question, { isHidden: true })
  if (!password) return undefined
  url.password = encodeURIComponent(password)
  return url.href
}
