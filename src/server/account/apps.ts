import type { AccountPage } from '../../index.ts'
import { byOwner, type LivePages } from './live-services.ts'

/** The page on which people see which apps have access to their account, and revoke it. */
export function appsPage({ apps, show, addressOf }: LivePages): AccountPage {
  return {
    name: 'apps',
    group: 'access',
    async show({ accountId, csrf, name, language, said }, ctx) {
      const listed = await apps.list(accountId)
      await show(
        ctx,
        'account-apps',
        {
          csrf,
          action: addressOf('apps'),
          apps: listed.map(({ clientId, look, since, scopes }) => ({
            id: clientId,
            name: look.name,
            since,
            scopes,
          })),
          accountHref: addressOf(''),
          ...(said === undefined ? {} : { said }),
        },
        { accountLabel: name, language },
      )
    },
    deeds: {
      // Free: it takes access away and gives none.
      'revoke-app': {
        needs: 'session',
        async run({ accountId }, { id = '' }, ctx) {
          await apps.revoke(accountId, id, byOwner(ctx))
          return 'app-revoked'
        },
      },
    },
  }
}
