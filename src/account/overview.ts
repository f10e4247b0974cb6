import {
  publicAccountPath,
  providerOf,
  type AccountSite,
  type Core,
} from '../../interactions/core.ts'
import { readStatus, type AccountStatus } from '../application/manage-accounts.ts'
import type { Form } from '../http/body.ts'
import { pathIfOn } from '../host/provider.ts'
import type { ManagedMethod, PageModels } from '../http/pages.ts'
import { ACCOUNT_CLIENT_ID } from './client.ts'
import type { AccountPage, FactorDeed } from './page.ts'
import { show } from './show.ts'
import { TURN_OFF } from './turn-off.ts'

/** The overview: the factors of the account, and the ways to the other pages. `listed`: the names of those pages. */
export function overview(
  core: Core,
  site: AccountSite,
  listed: () => readonly string[],
): AccountPage {
  const factors = [...core.deps.factors.values()]
  const idsOf = (kind: 'confirmed' | 'issued'): string[] =>
    factors.filter(({ enrolment }) => enrolment === kind).map(({ id }) => id)
  const kinds = { lasting: idsOf('confirmed'), issued: idsOf('issued') }
  return {
    name: '',
    async show({ accountId, name: label, language, csrf, said }, ctx) {
      const path = publicAccountPath(core, site)
      const status = await readStatus(core.deps, accountId)
      const model: PageModels['account'] = {
        csrf,
        action: path,
        ...methodsOf(status, kinds),
        pages: listed()
          .filter((page) => page !== TURN_OFF || status.enrolled)
          .map((page) => ({ name: page, href: `${path}/${page}` })),
        ownLinks: site.links,
        ...(status.frozenAt === undefined ? {} : { locked: true }),
        ...signOutOf(core),
        ...(said === undefined ? {} : { said }),
      }
      await show(core, ctx, 'account', model, {
        label,
        ...(language === undefined ? {} : { language }),
      })
    },
    deeds: {
      add: changing('add', 'factor', 'added'),
      renew: changing('renew', 'factor', 'renewed'),
      replace: changing('replace', 'id', 'replaced'),
      remove: changing('remove', 'id', 'removed'),
      rename: changing('rename', 'id', 'renamed'),
    },
  }
}

/** The provider decides whether the change is possible. */
function changing(kind: string, field: string, said: string): FactorDeed {
  return {
    changes: (form: Form) => {
      const { [field]: subject = '' } = form
      return /^[\w-]{1,64}$/.test(subject) ? `${kind}:${subject}` : undefined
    },
    said,
  }
}

/** The host's own sign-out. Empty: the application has turned it off. */
function signOutOf(core: Core): { signOutHref?: string } {
  const path = pathIfOn(providerOf(core), 'end_session')
  if (path === undefined) return {}
  return {
    signOutHref: `${path}?${new URLSearchParams({ client_id: ACCOUNT_CLIENT_ID }).toString()}`,
  }
}

/** Authenticators that people set up themselves come first. The last of them has no button to remove it. */
function methodsOf(
  { factors }: AccountStatus,
  { lasting, issued }: { readonly lasting: readonly string[]; readonly issued: readonly string[] },
): Pick<PageModels['account'], 'methods' | 'addable' | 'renewable'> {
  const last = factors.filter(({ factor }) => lasting.includes(factor)).length < 2
  const methods = factors.map(
    ({ id, factor, name, createdAt, lastUsedAt, remaining }): ManagedMethod => ({
      id,
      factor,
      name,
      addedAt: createdAt,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      ...(remaining === undefined ? {} : { remaining }),
      own: lasting.includes(factor),
      only: lasting.includes(factor) && last,
    }),
  )
  return {
    methods: methods.toSorted((one, other) => Number(other.own) - Number(one.own)),
    addable: lasting,
    renewable: factors.length > 0 ? issued : [],
  }
}
