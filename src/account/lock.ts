import { publicAccountPath, type AccountSite, type Core } from '../../interactions/core.ts'
import { freezeAccount } from '../application/manage-accounts.ts'
import { notMeDonePath } from './not-me.ts'
import type { AccountPage } from './page.ts'
import { requestDetail } from './request-detail.ts'
import { show } from './show.ts'
import { seeOther } from './visit.ts'

/** The name of the page and of its deed. */
export const LOCK = 'lock'

/**
 * "Sign out everywhere and lock changes", for a person who is signed in. It asks for no factor, and it ends this session
 * too: the browser may be the one that somebody else uses.
 */
export function lockPage(core: Core, site: AccountSite): AccountPage {
  return {
    name: LOCK,
    // The overview has the button itself; activity and bookmarks lead to this page.
    listed: false,
    async show({ name: label, language, csrf }, ctx) {
      const path = publicAccountPath(core, site)
      const model = { csrf, action: `${path}/${LOCK}`, overviewHref: path }
      await show(core, ctx, 'account-lock', model, {
        label,
        ...(language === undefined ? {} : { language }),
      })
    },
    deeds: {
      [LOCK]: {
        needs: 'session',
        async run({ accountId, language }, _form, ctx) {
          await freezeAccount(core.deps, accountId, requestDetail(core, ctx, language))
          seeOther(ctx, notMeDonePath(core))
        },
      },
    },
  }
}
