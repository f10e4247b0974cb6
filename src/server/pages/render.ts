import type { Context } from 'koa'
import { lookOf, type HostClient } from '../../host/provider.ts'
import { pageHeaders } from '../../http/headers.ts'
import { initialsOf } from '../../http/initials.ts'
import type { PageModels, PageName, Surroundings } from '../../http/pages.ts'
import type { Views } from '../../http/views.ts'
import { ACCOUNT_CLIENT_ID } from '../../index.ts'

/** The values of a page in addition to its model. */
export interface About {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly client?: NonNullable<Surroundings['client']>
  readonly accountLabel?: string
  /** Whether a form of the page can end at a relying party. */
  readonly leadsToApp?: boolean
  /** Whether a script of the page asks this server for data. */
  readonly fetches?: boolean
  /** `ui_locales` of the authorization request. */
  readonly uiLocales?: string
  /** The language that the person of the page has chosen. */
  readonly language?: string | undefined
}

export type ShowPage = <P extends PageName>(
  ctx: Pick<Context, 'get' | 'set' | 'status' | 'type' | 'body'>,
  page: P,
  model: PageModels[P],
  about?: About,
) => Promise<void>

export interface PageServices {
  readonly views: Views
  readonly issuer: string
  readonly serviceName: string
  readonly links: NonNullable<Surroundings['links']>
}

/** Responds with one of our pages, which replaces a response that was prepared before. */
export function pageShower({ views, issuer, serviceName, links }: PageServices): ShowPage {
  return async (ctx, page, model, about = {}) => {
    const surroundings: Surroundings = {
      issuerName: serviceName,
      locale: views.localeFor({
        uiLocales: about.uiLocales,
        chosen: about.language,
        acceptLanguage: ctx.get('accept-language'),
      }),
      links,
      ...(about.client === undefined ? {} : { client: about.client }),
      ...(about.accountLabel === undefined
        ? {}
        : { account: { label: about.accountLabel, initials: initialsOf(about.accountLabel) } }),
    }
    const html = await views.render(page, model, surroundings)
    ctx.status = about.status ?? 200
    ctx.set({
      ...pageHeaders({
        issuer,
        leadsToApp: about.leadsToApp ?? false,
        fetches: about.fetches ?? false,
      }),
      ...about.headers,
    })
    ctx.type = 'html'
    ctx.body = html
  }
}

/**
 * The client data that pages show. The account page is a part of the server and not an app; it is recognised by its id,
 * since any app may use its name.
 */
export function aboutClient(client: HostClient): Pick<About, 'client'> {
  return client.clientId === ACCOUNT_CLIENT_ID ? {} : { client: lookOf(client) }
}
