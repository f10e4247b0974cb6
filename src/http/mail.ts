import { browserName } from '../domain/browser-name.ts'
import { brokenTemplates, refuse, type FactorViews } from './factor-views.ts'
import { translator, type Translator } from './messages.ts'
import type { Members } from './page-values.ts'
import { templates, type Sources } from './templates.ts'

/** The values that most notices have besides the time. */
const NOTICE = ['account', 'browser', 'place', 'manageUrl', 'helpUrl', 'notMeUrl'] as const

/** Those of a recovery that can be cancelled: `cancelUrl` leads to the page that does it without a sign-in. */
const RECOVERY = ['cancelUrl', ...NOTICE] as const

/**
 * The mails of the product with the values that each needs; all are strings, as in `Delivery`. `issuer` is the name
 * that people know; `at` is in seconds since the Unix epoch; `browser` is a `User-Agent`, or the name of a browser;
 * `place` is a network. `notMeUrl` leads to the page of a person who did not do this. The text leaves out optional values
 * that are missing.
 */
export const MAIL_VALUES = {
  /** The proof that a first enrolment asks for (R10). */
  'enrolment-code': {
    needed: ['issuer', 'code', 'minutes'],
    optional: ['app', 'account', 'helpUrl'],
  },
  /** The mailed proofs of a recovery (R9). */
  'recovery-code': {
    needed: ['issuer', 'code', 'minutes'],
    optional: ['app', 'account', 'helpUrl'],
  },
  'factor-enrolled': { needed: ['issuer', 'factor', 'at'], optional: ['name', ...NOTICE] },
  /** A browser has made it without asking the person. */
  'factor-enrolled-silent': { needed: ['issuer', 'factor', 'at'], optional: ['name', ...NOTICE] },
  'factor-replaced': {
    needed: ['issuer', 'factor', 'at'],
    optional: ['name', 'replaced', ...NOTICE],
  },
  'factor-removed': { needed: ['issuer', 'factor', 'at'], optional: ['name', ...NOTICE] },
  'factor-renamed': { needed: ['issuer', 'factor', 'at'], optional: ['name', ...NOTICE] },
  'factors-turned-off': { needed: ['issuer', 'at'], optional: NOTICE },
  'backup-codes-renewed': { needed: ['issuer', 'at'], optional: NOTICE },
  'backup-code-used': { needed: ['issuer', 'remaining', 'at'], optional: ['app', ...NOTICE] },
  'new-browser': { needed: ['issuer', 'at'], optional: NOTICE },
  locked: { needed: ['issuer', 'at'], optional: NOTICE },
  'password-suspected': { needed: ['issuer', 'at'], optional: NOTICE },
  'password-reset': {
    needed: ['issuer', 'resetUrl', 'minutes', 'at'],
    optional: ['account', 'browser', 'place', 'helpUrl', 'notMeUrl'],
  },
  /** Links that an administrator sends: `user add`, `user link` and `user reset-mfa` with `--mail`. */
  'set-up-invitation': {
    needed: ['issuer', 'setUpUrl', 'hours', 'at'],
    optional: ['account', 'helpUrl'],
  },
  'set-up-reset': {
    needed: ['issuer', 'setUpUrl', 'hours', 'at'],
    optional: ['account', 'helpUrl', 'notMeUrl'],
  },
  'set-up-enrolment': {
    needed: ['issuer', 'setUpUrl', 'hours', 'at'],
    optional: ['account', 'helpUrl', 'notMeUrl'],
  },
  'email-confirm': {
    needed: ['issuer', 'confirmUrl', 'hours', 'at'],
    optional: ['account', 'browser', 'place', 'helpUrl'],
  },
  'email-changed': { needed: ['issuer', 'at'], optional: NOTICE },
  'address-code': { needed: ['issuer', 'code', 'minutes'], optional: ['account', 'helpUrl'] },
  'address-added': { needed: ['issuer', 'at'], optional: NOTICE },
  'address-removed': { needed: ['issuer', 'at'], optional: NOTICE },
  'password-changed': { needed: ['issuer', 'at'], optional: NOTICE },
  'recovery-started': { needed: ['issuer', 'at', 'until'], optional: RECOVERY },
  'recovery-half-way': { needed: ['issuer', 'at', 'until'], optional: RECOVERY },
  'recovery-opened': { needed: ['issuer', 'at', 'until'], optional: RECOVERY },
  'recovery-cancelled': { needed: ['issuer', 'at'], optional: NOTICE },
  'recovery-completed': { needed: ['issuer', 'at'], optional: NOTICE },
  'account-locked': { needed: ['issuer', 'at'], optional: NOTICE },
  'account-locked-recovery': { needed: ['issuer', 'at'], optional: NOTICE },
  'mfa-reset': { needed: ['issuer', 'at'], optional: ['account', 'helpUrl', 'notMeUrl'] },
  'codes-disabled': {
    needed: ['issuer', 'at'],
    optional: ['account', 'browser', 'place', 'helpUrl', 'notMeUrl'],
  },
} as const satisfies Readonly<
  Record<string, { needed: readonly string[]; optional: readonly string[] }>
>

const ADDRESSES = [
  'manageUrl',
  'helpUrl',
  'resetUrl',
  'setUpUrl',
  'confirmUrl',
  'notMeUrl',
  'cancelUrl',
] as const

/** The values that the template of a mail gets besides those of `MAIL_VALUES`. */
export const ADDED_MAIL_VALUES = {
  subject: 'value',
  browser: 'value',
  template: 'value',
  locale: 'value',
  part: 'value',
  t: 'any',
  has: 'any',
  moment: 'any',
  number: 'any',
} as const satisfies Members

export type MailTemplate = keyof typeof MAIL_VALUES

export interface MailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Throws for an unknown template, and if a value that the template needs is missing. */
export type RenderMail = (
  template: string,
  values: Readonly<Record<string, string>>,
  locale?: string,
) => MailText

/**
 * Renders a mail as text and as HTML. One template makes both, so that they cannot differ. Throws MfaError
 * `options-invalid` for a mail of a factor that does not compile.
 */
export function createMailRenderer(
  sources: Sources & { readonly factors: readonly FactorViews[] },
): RenderMail {
  const plain = templates(sources, { autoescape: false })
  const rich = templates(sources, { autoescape: true })
  refuse(
    sources.factors.flatMap((factor) =>
      brokenTemplates(
        rich,
        factor,
        factor.mails.map((name) => `mail/${name}.njk`),
      ),
    ),
  )
  return (template, values, locale = sources.locale) => {
    if (!/^[a-z0-9-]+$/.test(template)) throw new Error(`There is no mail "${template}"`)
    const known = sources.catalogues.has(locale) ? locale : sources.locale
    const words = translator(sources.catalogues, known, sources.locale)
    const given = Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => takes(template, name))
        .map(([name, value]) => [name, oneLine(value)]),
    )
    for (const name of neededBy(template))
      if (given[name] === undefined) throw new Error(`The mail "${template}" needs "${name}"`)
    for (const address of ADDRESSES.map((name) => given[name]))
      if (address !== undefined && !/^https?:\/\//.test(address))
        throw new Error('A mail links to web addresses only')
    const subject = words.text(`mail.${template}.subject`, given)
    const added: Omit<Record<keyof typeof ADDED_MAIL_VALUES, unknown>, 'part'> = {
      subject,
      browser: browserIn(given, words),
      template,
      locale: words.locale,
      t: words.text,
      has: words.has,
      moment: (at: string) => words.moment(Number(at)),
      number: Number,
    }
    const context = { ...given, ...added }
    const name = `mail/${template}.njk`
    return {
      subject,
      text: `${plain
        .render(name, { ...context, part: 'text' })
        .replaceAll(/\n{3,}/g, '\n\n')
        .trim()}\n`,
      html: rich.render(name, { ...context, part: 'html' }).trim(),
    }
  }
}

/**
 * A mail of the product says what it is meant to say and no more: a mail to an address that nobody has confirmed has no
 * link with which its reader could lock the account.
 */
function takes(template: string, name: string): boolean {
  if (!Object.hasOwn(MAIL_VALUES, template)) return true
  const { needed, optional } = MAIL_VALUES[template as MailTemplate]
  return [...needed, ...optional].some((known) => known === name)
}

function neededBy(template: string): readonly string[] {
  return Object.hasOwn(MAIL_VALUES, template) ? MAIL_VALUES[template as MailTemplate].needed : []
}

/** The browser in our own words, or nothing: the header comes from the person who signs in, who may be an attacker. */
function browserIn(values: Readonly<Record<string, string>>, words: Translator): string {
  const name = browserName(values.browser ?? '')
  if (name === undefined) return ''
  const { browser, system } = name
  return system === undefined ? browser : words.text('mail.browser-on', { browser, system })
}

/**
 * A value is never more than part of a line: with a line break a name could add headers or paragraphs, and with
 * direction marks it could look like another name.
 */
function oneLine(value: string): string {
  return value.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
}
