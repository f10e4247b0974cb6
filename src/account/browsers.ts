import type { Context } from 'koa'
import { hashBrowserToken, readBrowserTokens } from '../../interactions/browser-token.ts'
import {
  providerOf,
  publicAccountPath,
  type AccountSite,
  type Core,
} from '../../interactions/core.ts'
import {
  forgetBrowser,
  readBrowsers,
  type KnownBrowserStatus,
} from '../application/known-browsers.ts'
import type { ShownBrowser } from '../http/pages.ts'
import type { AccountPage, AccountVisit } from './page.ts'
import { visitDetail } from './request-detail.ts'
import { show } from './show.ts'

/** The page on which people see the browsers that their account knows, and forget them (R4). */
export function browsersPage(core: Core, site: AccountSite): AccountPage {
  return {
    name: 'browsers',
    async show(visit, ctx) {
      const path = publicAccountPath(core, site)
      const { name: label, language, csrf, said } = visit
      const model = {
        csrf,
        action: `${path}/browsers`,
        browsers: (await browsersOf(core, visit, ctx)).map(shownBrowser),
        accountHref: path,
        ...(said === undefined ? {} : { said }),
      }
      await show(core, ctx, 'account-browsers', model, {
        label,
        ...(language === undefined ? {} : { language }),
      })
    },
    deeds: {
      'revoke-browser': {
        needs: 'recent',
        keeps: ['id'],
        async run(visit, { id = '' }, ctx) {
          const { accountId, epoch } = visit
          const detail = visitDetail(core, visit, ctx)
          const isForgotten = await forgetBrowser(core.deps, accountId, { id, epoch }, detail)
          return isForgotten ? 'browser-forgotten' : undefined
        },
      },
    },
  }
}

function browsersOf(
  core: Core,
  { accountId }: AccountVisit,
  { req }: Context,
): Promise<readonly KnownBrowserStatus[]> {
  const tokens = readBrowserTokens(req, providerOf(core).issuer)
  const hashes = tokens.map((token) => hashBrowserToken(accountId, token))
  return readBrowsers(core.deps, accountId, hashes)
}

function shownBrowser({
  id,
  current,
  firstSeenAt: firstAt,
  lastSeenAt: lastAt,
  name,
  network,
}: KnownBrowserStatus): ShownBrowser {
  return {
    id,
    current,
    firstAt,
    lastAt,
    ...(name === undefined ? {} : { browser: name }),
    ...(network === undefined ? {} : { network }),
  }
}
