import type Router from '@koa/router'
import { ACCOUNT_PATH } from './account.ts'
import type { ShowPage } from './render.ts'

/** The root of the issuer. */
export const HOME_PATH = '/'

/** The page at the root: people type the issuer's name, and pages that lead to nothing else link to it. */
export function addHomePage(router: Router, show: ShowPage): void {
  router.get(HOME_PATH, (ctx) => show(ctx, 'home', { accountHref: ACCOUNT_PATH }))
}
