import type { Context } from 'koa'
import { hashBrowserToken, readBrowserTokens } from '../../interactions/browser-token.ts'
import { readTrustTokens, shownTrusts } from '../../interactions/browser-trust.ts'
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
import { readTrusted, revokeTrustedBrowsers } from '../application/trusted-browsers.ts'
import type { PageModels, ShownBrowser, ShownTrustedBrowser } from '../http/pages.ts'
import type { AccountPage, AccountVisit } from './page.ts'
import { visitDetail } from './request-detail.ts'
import { show } from './show.ts'

/**
 * The page on which people see the browsers that their account knows, and forget them (R4), and those that are trusted,
 * and end the trust (R14).
 */
export function browsersPage(core: Core, site: AccountSite): AccountPage {
  return {
    name: 'browsers',
    group: 'access',
    async show(visit, ctx) {
      const path = publicAccountPath(core, site)
      const { name: label, language, csrf, said } = visit
      const model = {
        csrf,
        action: `${path}/browsers`,
        browsers: await browsersOf(core, visit, ctx),
        trustedOnes: await trustedOf(core, visit, ctx),
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
      // The end of a trust makes the account safer, so it needs no second factor.
      'revoke-trust': {
        needs: 'session',
        async run(visit, { id = '' }, ctx) {
          return (await revoke(core, visit, ctx, id)) > 0 ? 'trust-revoked' : undefined
        },
      },
      'revoke-all-trust': {
        needs: 'session',
        async run(visit, _form, ctx) {
          return (await revoke(core, visit, ctx)) > 0 ? 'all-trust-revoked' : undefined
        },
      },
    },
  }
}

/** Ends the trust in one browser or, without `id`, in all. Answers how many those were. */
function revoke(core: Core, visit: AccountVisit, ctx: Context, id?: string): Promise<number> {
  const { accountId, epoch } = visit
  const detail = visitDetail(core, visit, ctx)
  const which = { detail, ...(id === undefined ? {} : { id }) }
  return revokeTrustedBrowsers(core.deps, accountId, which, { reason: 'owner', epoch })
}

async function trustedOf(
  core: Core,
  { accountId }: AccountVisit,
  { req }: Context,
): Promise<readonly ShownTrustedBrowser[]> {
  const shown = shownTrusts(core.deps.box, accountId, readTrustTokens(req, providerOf(core).issuer))
  const found = await readTrusted(core.deps, accountId, shown)
  return found.map(({ browser: { id, since, until, name, network }, isCurrent }) => ({
    id,
    current: isCurrent,
    since,
    until,
    ...(name === undefined ? {} : { browser: name }),
    ...(network === undefined ? {} : { network }),
  }))
}

const MOST_SIGN_INS = 3

/** The last sign-ins, one for each known browser, the newest first. */
export async function lastSignIns(
  core: Core,
  visit: AccountVisit,
  ctx: Context,
): Promise<PageModels['account']['signIns']> {
  const browsers = await browsersOf(core, visit, ctx)
  return browsers
    .map(({ id: _, firstAt: __, lastAt: at, ...browser }) => ({ ...browser, at }))
    .toSorted((one, other) => other.at - one.at)
    .slice(0, MOST_SIGN_INS)
}

/** The hashes by which an account knows the browser of a request. */
export function knownAs(
  core: Core,
  { accountId }: Pick<AccountVisit, 'accountId'>,
  { req }: Pick<Context, 'req'>,
): readonly string[] {
  const tokens = readBrowserTokens(req, providerOf(core).issuer)
  return tokens.map((token) => hashBrowserToken(accountId, token))
}

async function browsersOf(
  core: Core,
  visit: AccountVisit,
  ctx: Context,
): Promise<readonly ShownBrowser[]> {
  const found = await readBrowsers(core.deps, visit.accountId, knownAs(core, visit, ctx))
  return found.map(shownBrowser)
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
