import type { AccountPage } from '../../index.ts'
import { MfaError } from '../../domain/errors.ts'
import type { Accounts } from '../../ports/accounts.ts'
import { withLanguage } from '../accounts/language.ts'
import { changeAccount } from '../accounts/people.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { keepInBrowser, namedLanguages } from '../pages/language.ts'
import type { ShowPage } from '../pages/render.ts'

export interface LanguagePageServices {
  readonly mfa: Pick<ServerMfa, 'account' | 'views'>
  readonly accounts: Accounts
  readonly issuer: string
  readonly show: ShowPage
}

/** The page on which a person chooses the language of pages and mails. The choice is the claim `locale`. */
export function languagePage({ mfa, accounts, issuer, show }: LanguagePageServices): AccountPage {
  const { views } = mfa
  const { path } = mfa.account
  return {
    name: 'language',
    async show({ name, language, csrf, said }, ctx) {
      const chosen = language && views.localeFor({ chosen: language })
      await show(
        ctx,
        'account-language',
        {
          csrf,
          action: `${path}/language`,
          languages: namedLanguages(views.locales),
          overviewHref: path,
          ...(chosen === undefined ? {} : { chosen }),
          ...(said === undefined ? {} : { said }),
        },
        { accountLabel: name, language },
      )
    },
    deeds: {
      language: {
        needs: 'session',
        async run({ accountId }, { language = '' }, ctx) {
          if (language !== '' && !views.locales.includes(language))
            throw new MfaError('form-unreadable', 'There is no such language', { status: 400 })
          const chosen = language === '' ? undefined : language
          await changeAccount(accounts, accountId, (account) => withLanguage(account, chosen))
          keepInBrowser(ctx, issuer, chosen)
          return 'language'
        },
      },
    },
  }
}
