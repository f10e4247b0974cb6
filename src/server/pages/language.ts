import type { IncomingMessage } from 'node:http'
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import { DAY_SECONDS } from '../../domain/time.ts'
import { MfaError } from '../../domain/errors.ts'
import type { Interaction } from '../../host/interaction.ts'
import { clearCookie, readCookie, setCookie, type CookieScope } from '../../http/cookies.ts'
import { pickLocale, wantedLocales } from '../../http/messages.ts'
import type { Views } from '../../http/views.ts'
import type { PageModels } from '../../http/pages.ts'
import { interactionOf, type FormGuard } from './context.ts'

/** The cookie of a browser in which a language was chosen. Its value is a tag and names nobody. */
const COOKIE = 'language'
const COOKIE_SECONDS = 365 * DAY_SECONDS
const PURPOSE = 'language'

/**
 * Keeps the language for everybody who uses this browser, until they sign in to an account with a choice of its own.
 * Undefined: the browser's own languages count again.
 */
export function keepInBrowser(
  ctx: Pick<Context, 'res'>,
  issuer: string,
  language: string | undefined,
): void {
  if (language === undefined) return clearCookie(ctx.res, COOKIE, scopeOf(issuer))
  setCookie(ctx.res, COOKIE, language, scopeOf(issuer), { maxAgeSeconds: COOKIE_SECONDS })
}

/**
 * Puts the language that was chosen in a browser before those that the browser itself prefers. Every page reads
 * Accept-Language, those of the plugin too, so this one place is enough.
 */
export function preferChosenLanguage(request: IncomingMessage, issuer: string): void {
  const chosen = readCookie(request.headers.cookie, COOKIE, scopeOf(issuer))
  if (chosen === undefined || !/^[a-z]{2,8}(-[a-z0-9]{1,8}){0,4}$/i.test(chosen)) return
  const accepted = request.headers['accept-language']
  request.headers['accept-language'] = [chosen, accepted].filter(Boolean).join(', ')
}

function scopeOf(issuer: string): CookieScope {
  return { issuer, path: '/' }
}

/** A language by its own name: the person who looks for it may not read the language of the page. */
export function namedLanguages(locales: readonly string[]): { tag: string; name: string }[] {
  return locales
    .map((tag) => ({ tag, name: new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag }))
    .map(({ tag, name }) => ({ tag, name: name.charAt(0).toLocaleUpperCase(tag) + name.slice(1) }))
    .toSorted((one, other) => one.name.localeCompare(other.name))
}

/**
 * The choice on the login page. Absent where it would have no effect: with one language, and where the app has asked for
 * a language that there is (`ui_locales` comes first).
 */
export function choiceOf(
  views: Views,
  forms: FormGuard,
  ctx: Pick<Context, 'get'>,
  { uid, params }: Pick<Interaction, 'uid' | 'params'>,
): PageModels['login']['languages'] {
  const { ui_locales: uiLocales } = params
  const asked = typeof uiLocales === 'string' ? wantedLocales({ uiLocales }) : []
  if (pickLocale(asked, views.locales, '') !== '') return undefined
  const here = views.localeFor({ acceptLanguage: ctx.get('accept-language') })
  const others = namedLanguages(views.locales).filter(({ tag }) => tag !== here)
  if (others.length === 0) return undefined
  return { action: `/interaction/${uid}/language`, csrf: forms.token(uid, PURPOSE), others }
}

export interface LanguageServices {
  readonly provider: Provider
  readonly views: Views
  readonly forms: FormGuard
  readonly issuer: string
}

/** The choice of a language before anybody is signed in. */
export function addLanguageRoute(router: Router, services: LanguageServices): void {
  const { provider, views, forms, issuer } = services
  router.post('/interaction/:uid/language', async (ctx) => {
    const { uid = '' } = ctx.params
    await interactionOf(provider, ctx, uid, 'login')
    const { language } = await forms.read(ctx, uid, PURPOSE)
    if (language === undefined || !views.locales.includes(language))
      throw new MfaError('form-unreadable', 'There is no such language', { status: 400 })
    keepInBrowser(ctx, issuer, language)
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(`/interaction/${uid}`)
    ctx.status = 303
  })
}
