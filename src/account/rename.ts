import type { Context } from 'koa'
import { knownAs } from './browsers.ts'
import { publicAccountPath, type AccountSite, type Core } from '../../interactions/core.ts'
import { readStatus } from '../application/manage-accounts.ts'
import { renameFactor } from '../application/rename-factor.ts'
import type { NameFault } from '../application/authenticator.ts'
import type { Form } from '../http/body.ts'
import type { AccountPage, AccountVisit, OwnDeed } from './page.ts'
import { visitDetail } from './request-detail.ts'
import { show } from './show.ts'
import { seeOther } from './visit.ts'

/** The name of the page and of its deed. */
export const RENAME = 'rename'

/**
 * The page on which people rename an authenticator. A new name opens nothing, so a second factor of the last five
 * minutes in this session is enough.
 */
export function renamePage(core: Core, site: AccountSite): AccountPage {
  return {
    name: RENAME,
    // The overview leads to it from each authenticator.
    listed: false,
    async show(visit, ctx) {
      const { id } = ctx.query
      await showPage(core, site, { visit, ctx, id: typeof id === 'string' ? id : '' })
    },
    deeds: {
      [RENAME]: {
        needs: 'recent',
        keeps: ['id', 'name'],
        leadsTo: 'overview',
        run: (visit, form, ctx) => rename(core, site, { visit, ctx, form }),
      },
    },
  }
}

/** The button of the overview, which leads to the page after the factor was shown. */
export function leadToRename(core: Core, site: AccountSite): OwnDeed {
  return {
    needs: 'recent',
    keeps: ['id'],
    async run(_visit, { id = '' }, ctx) {
      const query = new URLSearchParams({ id }).toString()
      seeOther(ctx, `${publicAccountPath(core, site)}/${RENAME}?${query}`)
    },
  }
}

interface Asked {
  readonly visit: AccountVisit
  readonly ctx: Context
  readonly id: string
}

async function rename(
  core: Core,
  site: AccountSite,
  { visit, ctx, form: { id = '', name = '' } }: Omit<Asked, 'id'> & { readonly form: Form },
): Promise<string | undefined> {
  const { accountId, epoch } = visit
  const outcome = await renameFactor(
    core.deps,
    { accountId, epoch, tokenHashes: knownAs(core, visit, ctx) },
    { id, name },
    visitDetail(core, visit, ctx),
  )
  switch (outcome) {
    case 'renamed':
      return 'renamed'
    case 'gone':
      seeOther(ctx, publicAccountPath(core, site))
      return undefined
    case 'nameless':
    case 'too-long':
      await showPage(core, site, { visit, ctx, id }, { error: outcome, typed: name })
      return undefined
  }
}

async function showPage(
  core: Core,
  site: AccountSite,
  { visit, ctx, id }: Asked,
  wrong?: { readonly error: NameFault; readonly typed: string },
): Promise<void> {
  const path = publicAccountPath(core, site)
  const { accountId, name: label, language, csrf } = visit
  const { factors } = await readStatus(core.deps, accountId)
  const found = factors.find((each) => each.id === id)
  // Another tab has removed it.
  if (found === undefined) return seeOther(ctx, path)
  const { factor, name } = found
  const model = { csrf, action: `${path}/${RENAME}`, backHref: path, id, factor, name, ...wrong }
  await show(core, ctx, 'factor-rename', model, {
    label,
    ...(language === undefined ? {} : { language }),
  })
  if (wrong !== undefined) ctx.status = 422
}
