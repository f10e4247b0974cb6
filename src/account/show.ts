import type { Context } from 'koa'
import { linksOf, localeIn, providerOf, type Core } from '../../interactions/core.ts'
import { pageHeaders } from '../http/headers.ts'
import { initialsOf } from '../http/initials.ts'
import type { Beside, PageModels, PageName } from '../http/pages.ts'

interface Around {
  readonly label?: string
  readonly language?: string
  /** The scripts of factors on the page. */
  readonly beside?: readonly Beside[]
}

/** Answers with one of the plugin's pages. */
export async function show<P extends PageName>(
  core: Core,
  ctx: Context,
  page: P,
  model: PageModels[P],
  { label, language, beside }: Around = {},
): Promise<void> {
  const html = await core.views.render(page, model, {
    issuerName: core.serviceName,
    locale: localeIn(core, ctx.headers, {}, language),
    links: linksOf(core),
    ...(label === undefined ? {} : { account: { label, initials: initialsOf(label) } }),
    ...(beside === undefined ? {} : { beside }),
  })
  ctx.status = 200
  ctx.set(pageHeaders({ issuer: providerOf(core).issuer }))
  ctx.type = 'html'
  ctx.body = html
}
