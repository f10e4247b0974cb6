import nunjucks from 'nunjucks'
import { besideScripts, factorFiles } from './factor-scripts.ts'
import { brokenTemplates, lastLine, refuse, type FactorViews } from './factor-views.ts'
import { Markup, translator, type MessageValues, type Translator } from './messages.ts'
import type { Members } from './page-values.ts'
import type { DeliveryModel, OwnPage, PageModels, PageName, Render, Surroundings } from './pages.ts'
import { inlineSvg } from './svg.ts'
import { isFileName, SHEETS, themeName, type Theme } from './theme.ts'
import { templates, type Sources } from './templates.ts'

export interface RendererOptions extends Sources {
  /** The URL path of a style sheet, script or picture by its name. */
  readonly asset: (name: string) => string
  readonly factors: readonly FactorViews[]
  /** The look of pages whose client has none. Throws for a logo of a views folder that is missing. */
  readonly theme?: Theme
}

/** How a page is shown. */
interface PageView {
  readonly template: string
  readonly wrong?: true
  /** The factor that the page is of. */
  readonly factor?: FactorViews
}

/**
 * Which template shows which page that is not a factor's. `wrong`: the page reports an error, so its title begins with
 * "Error: ". The title of another page begins so if its model holds an `error`, a `nameError`, or a code that was not
 * sent.
 */
export const TEMPLATES: Readonly<Record<OwnPage, { template: string; wrong?: true }>> = {
  login: { template: 'interaction/login.njk' },
  'sign-in-refused': { template: 'interaction/sign-in-refused.njk', wrong: true },
  'mfa-choose': { template: 'interaction/mfa-choose.njk' },
  'enrol-later': { template: 'interaction/enrol-later.njk' },
  'owner-proof': { template: 'interaction/owner-proof.njk' },
  'mfa-offer': { template: 'interaction/mfa-offer.njk' },
  recovery: { template: 'interaction/recovery.njk' },
  'recovery-proof': { template: 'interaction/recovery-proof.njk' },
  'recovery-status': { template: 'interaction/recovery-status.njk' },
  'recovery-bind': { template: 'interaction/recovery-bind.njk' },
  'recovery-cancelled': { template: 'interaction/recovery-cancelled.njk' },
  'recovery-over': { template: 'account/recovery-over.njk', wrong: true },
  'enrolment-refused': { template: 'interaction/enrolment-refused.njk', wrong: true },
  'backup-codes': { template: 'factors/backup-codes/codes.njk' },
  'backup-codes-low': { template: 'factors/backup-codes/low.njk' },
  'backup-code-used': { template: 'factors/backup-codes/used.njk' },
  'factor-remove': { template: 'interaction/factor-remove.njk' },
  'factor-remove-refused': { template: 'interaction/factor-remove-refused.njk', wrong: true },
  'factor-change-shut': { template: 'interaction/factor-change-shut.njk', wrong: true },
  'factor-rename': { template: 'interaction/factor-rename.njk' },
  'factor-renew': { template: 'interaction/factor-renew.njk' },
  'factor-ends': { template: 'import/factor-ends.njk' },
  consent: { template: 'interaction/consent.njk' },
  locked: { template: 'interaction/locked.njk', wrong: true },
  account: { template: 'account/account.njk' },
  'account-turn-off': { template: 'account/turn-off.njk' },
  'account-closed': { template: 'account/closed.njk' },
  'account-activity': { template: 'account/activity.njk' },
  'account-lock': { template: 'account/lock.njk' },
  'account-language': { template: 'account/language.njk' },
  'not-me': { template: 'account/not-me.njk' },
  'not-me-done': { template: 'account/not-me-done.njk' },
  'not-me-expired': { template: 'account/not-me-expired.njk', wrong: true },
  'account-sessions': { template: 'account/sessions.njk' },
  'account-browsers': { template: 'account/browsers.njk' },
  'account-apps': { template: 'account/apps.njk' },
  logout: { template: 'session/logout.njk' },
  'signed-out': { template: 'session/signed-out.njk' },
  'still-signed-in': { template: 'session/still-signed-in.njk' },
  home: { template: 'session/home.njk' },
  'switch-account': { template: 'session/switch-account.njk' },
  'password-forgotten': { template: 'password/forgotten.njk' },
  'password-forgotten-sent': { template: 'password/sent.njk' },
  'password-reset': { template: 'password/reset.njk' },
  'account-password': { template: 'account/password.njk' },
  'account-email': { template: 'account/email.njk' },
  'account-addresses': { template: 'account/addresses.njk' },
  'email-confirm': { template: 'email/confirm.njk' },
  'email-confirm-done': { template: 'email/done.njk' },
  'email-confirm-expired': { template: 'email/expired.njk', wrong: true },
  'password-reset-done': { template: 'password/done.njk' },
  'set-up-link': { template: 'set-up/set-up-link.njk' },
  'set-up-link-expired': { template: 'set-up/expired.njk', wrong: true },
  'set-up-link-done': { template: 'set-up/done.njk' },
  expired: { template: 'error/expired.njk', wrong: true },
  answered: { template: 'error/answered.njk' },
  busy: { template: 'error/busy.njk', wrong: true },
  forbidden: { template: 'error/forbidden.njk', wrong: true },
  'not-found': { template: 'error/not-found.njk', wrong: true },
  unavailable: { template: 'error/unavailable.njk', wrong: true },
  error: { template: 'error/error.njk', wrong: true },
  device: { template: 'device/code.njk' },
  'device-confirm': { template: 'device/confirm.njk' },
  'device-done': { template: 'device/done.njk' },
}

/** The values that the renderer adds to those of a page's model and its surroundings. */
export const ADDED_VALUES = {
  page: 'value',
  wrong: 'value',
  themeHref: 'value',
  logoHref: 'value',
  factorScript: 'value',
  factorStyle: 'value',
  /** The scripts of factors on a page that is not theirs. */
  besideScripts: [{ href: 'value', offer: 'value', data: 'value' }],
  /** The app that the person signs in to, or the issuer itself. */
  app: 'value',
  t: 'any',
  rich: 'any',
  has: 'any',
  duration: 'any',
  time: 'any',
} as const satisfies Members

/**
 * Turns pages into HTML with Nunjucks. Compiles every page at once, so that a broken template is found at the start.
 * Throws MfaError `options-invalid` for a template of a factor that is missing or does not compile.
 */
export function createRenderer(options: RendererOptions): Render {
  const environment = pageEnvironment(options)
  for (const { template } of Object.values(TEMPLATES)) environment.getTemplate(template, true)
  refuse(
    options.factors.flatMap((factor) => {
      const templates = factor.pages.map(({ template }) => template)
      return brokenTemplates(environment, factor, [...templates, iconOf(environment, factor.id)])
    }),
  )
  const pages = pagesByName(options.factors)

  const translators = new Map<string, Translator>()
  function translatorFor(locale: string): Translator {
    const known = options.catalogues.has(locale) ? locale : options.locale
    const existing = translators.get(known)
    if (existing !== undefined) return existing
    const made = translator(options.catalogues, known, options.locale)
    translators.set(known, made)
    return made
  }

  return <P extends PageName>(page: P, model: PageModels[P], surroundings: Surroundings) => {
    const view = pages.get(page)
    if (view === undefined) throw new Error(`There is no page "${page}"`)
    const words = translatorFor(surroundings.locale)
    const { client } = surroundings
    const theme = themeName(client?.accent, client?.accentInk) ?? themeName(options.theme?.accent)
    const added: Record<keyof typeof ADDED_VALUES, unknown> = {
      page,
      wrong: view.wrong === true || saysWrong(model),
      themeHref: theme === undefined ? '' : options.asset(theme),
      logoHref: logoHref(options),
      ...factorFiles(view.factor, options.asset),
      besideScripts: besideScripts(options, surroundings.beside),
      app: client?.name ?? surroundings.issuerName,
      t: words.text,
      rich: (key: string, values?: MessageValues) => safe(words.html(key, withMarkup(values))),
      has: words.has,
      duration: words.duration,
      time: (at: number, shown?: 'moment' | 'day') => safe(words.time(at, shown).html),
    }
    return show(environment, view.template, {
      ...model,
      ...surroundings,
      locale: words.locale,
      ...added,
    })
  }
}

/** The templates of pages, with the filters and the function that every template may use. */
export function pageEnvironment(
  options: Pick<RendererOptions, 'folders' | 'mounts' | 'asset'>,
): nunjucks.Environment {
  const environment = templates(options, { autoescape: true })
  environment.addFilter('inlineSvg', (svg: unknown) => safe(inlineSvg(svg)))
  environment.addFilter('webAddress', webAddress)
  environment.addFilter('pictureAddress', pictureAddress)
  environment.addFilter('otpauthAddress', otpauthAddress)
  environment.addFilter('inFours', inFours)
  environment.addFilter('initial', initial)
  environment.addFilter('namesMore', namesMore)
  environment.addFilter('iconOf', (factor: unknown) => iconOf(environment, factor))
  environment.addGlobal('asset', options.asset)
  environment.addGlobal('sheets', SHEETS)
  return environment
}

/** The address of the service's logo; empty: it has none. */
function logoHref({ theme, asset }: RendererOptions): string {
  const logo = theme?.logo ?? ''
  return isFileName(logo) ? asset(logo) : logo
}

function show(environment: nunjucks.Environment, template: string, context: object): string {
  try {
    return environment.render(template, context).trim()
  } catch (cause) {
    throw new Error(`The page views/${template} cannot be shown: ${lastLine(cause)}`, { cause })
  }
}

function saysWrong(model: object): boolean {
  const { error, nameError, refusal, shut, delivery } = model as {
    error?: unknown
    nameError?: unknown
    refusal?: unknown
    shut?: unknown
    delivery?: DeliveryModel
  }
  const notSent = delivery?.notice === 'failed' || delivery?.notice === 'wait'
  return notSent || [error, nameError, refusal, shut].some((each) => each !== undefined)
}

function pagesByName(factors: readonly FactorViews[]): ReadonlyMap<string, PageView> {
  const pages = new Map<string, PageView>(Object.entries(TEMPLATES))
  for (const factor of factors)
    for (const { name, template } of factor.pages) pages.set(name, { template, factor })
  return pages
}

/** The values of a message. HTML that a template has made stays as it is. */
function withMarkup(values: MessageValues = {}): MessageValues {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value instanceof nunjucks.runtime.SafeString ? new Markup(value.toString()) : value,
    ]),
  )
}

/** Marks HTML as safe. Only for HTML that this module has made or checked itself. */
function safe(html: string): nunjucks.runtime.SafeString {
  return new nunjucks.runtime.SafeString(html)
}

/** An address to link to: a path of this server or a web address; empty for anything else, `javascript:` above all. */
function webAddress(address: unknown): string {
  if (typeof address !== 'string') return ''
  if (/^\/(?![/\\])/.test(address)) return address
  return hasProtocol(address, ['https:', 'http:']) ? address : ''
}

/** The address of a picture if the content security policy lets a page show it; otherwise empty. */
function pictureAddress(address: unknown): string {
  if (typeof address !== 'string') return ''
  if (/^\/(?![/\\])/.test(address) || /^data:image\//.test(address)) return address
  return hasProtocol(address, ['https:']) ? address : ''
}

function otpauthAddress(address: unknown): string {
  if (typeof address === 'string' && hasProtocol(address, ['otpauth:'])) return address
  throw new TypeError('The address of an authenticator begins with otpauth://')
}

function hasProtocol(address: string, protocols: readonly string[]): boolean {
  return URL.canParse(address) && protocols.includes(new URL(address).protocol)
}

/** Grouped in fours, so that a person can type it without losing the place. */
function inFours(secret: unknown): string {
  return String(secret)
    .replaceAll(/\s/g, '')
    .replaceAll(/(.{4})(?=.)/g, '$1 ')
}

/** Made once, because making a segmenter takes longer than rendering the rest of a page. */
const SEGMENTER = new Intl.Segmenter()

/** The first letter of a name, as a person sees it: an emoji or an accented letter is one. */
function initial(name: unknown): string {
  const [first] = SEGMENTER.segment(String(name).trim())
  return (first?.segment ?? '').toUpperCase()
}

/** Whether scopes ask for anything that has a line of its own on the consent page. */
function namesMore(scopes: unknown): boolean {
  return Array.isArray(scopes) && scopes.some((scope) => !UNNAMED_SCOPES.has(scope))
}

/** Scopes without a line of their own: everybody who signs in is identified, and access while away has another line. */
const UNNAMED_SCOPES: ReadonlySet<unknown> = new Set(['openid', 'offline_access'])

/** A factor's own drawing, or a common one. */
function iconOf(environment: nunjucks.Environment, factor: unknown): string {
  const own = `factors/${String(factor)}/icon.njk`
  try {
    environment.getTemplate(own)
    return own
  } catch {
    return 'layouts/icon.njk'
  }
}
