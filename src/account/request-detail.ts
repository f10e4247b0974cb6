import type { Context } from 'koa'
import { localeIn, type Core } from '../../interactions/core.ts'
import type { RequestDetail } from '../domain/events.ts'
import { ACCOUNT_CLIENT_ID } from './client.ts'
import type { AccountVisit } from './page.ts'

const LONGEST_USER_AGENT = 256

/** The request of a person who is not signed in to the account pages, for the audit and for notices. */
export function requestDetail(core: Core, ctx: Context, language?: string): RequestDetail {
  return {
    ip: ctx.ip,
    userAgent: ctx.get('User-Agent').slice(0, LONGEST_USER_AGENT),
    locale: localeIn(core, ctx.headers, {}, language),
  }
}

/** The request of a person who is signed in to the account pages. */
export function visitDetail(
  core: Core,
  { language }: Pick<AccountVisit, 'language'>,
  ctx: Context,
): RequestDetail {
  return { clientId: ACCOUNT_CLIENT_ID, ...requestDetail(core, ctx, language) }
}
