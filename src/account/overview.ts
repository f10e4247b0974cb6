import {
  publicAccountPath,
  providerOf,
  type AccountSite,
  type Core,
} from '../../interactions/core.ts'
import { readStatus, type AccountStatus } from '../application/manage-accounts.ts'
import { isOver, lacksOf } from '../domain/protection.ts'
import type { Instant } from '../domain/time.ts'
import type { Form } from '../http/body.ts'
import { pathIfOn } from '../host/provider.ts'
import type { ManagedMethod, PageModels } from '../http/pages.ts'
import { scriptsFor } from './beside.ts'
import { lastSignIns } from './browsers.ts'
import { ACCOUNT_CLIENT_ID } from './client.ts'
import { LOCK } from './lock.ts'
import type { AccountPage, FactorDeed, PageGroup } from './page.ts'
import { leadToRename, RENAME } from './rename.ts'
import { show } from './show.ts'
import { SIGN_OUT_ELSEWHERE, signingOutElsewhere } from './sign-out-elsewhere.ts'
import { TURN_OFF } from './turn-off.ts'

/** The sentence after a factor was added. */
const ADDED = 'added'

/**
 * The overview: what protects the account and what is missing, the button that locks it, and the ways to the other
 * pages. `listed`: those pages.
 */
export function overview(
  core: Core,
  site: AccountSite,
  listed: () => readonly AccountPage[],
): AccountPage {
  const factors = [...core.deps.factors.values()]
  const idsOf = (kind: 'confirmed' | 'issued'): string[] =>
    factors.filter(({ enrolment }) => enrolment === kind).map(({ id }) => id)
  const kinds = { lasting: idsOf('confirmed'), issued: idsOf('issued') }
  return {
    name: '',
    async show(visit, ctx) {
      const { accountId, name: label, language, csrf, said } = visit
      const path = publicAccountPath(core, site)
      const status = await readStatus(core.deps, accountId)
      const model: PageModels['account'] = {
        csrf,
        action: path,
        lockAction: `${path}/${LOCK}`,
        ...methodsOf(status, kinds, core.deps.clock.now()),
        signIns: await lastSignIns(core, visit, ctx),
        groups: groupsOf(listed(), site, path),
        ownLinks: site.links,
        ...(status.frozenAt === undefined ? {} : { locked: true }),
        ...(status.enrolled ? { turnOffHref: `${path}/${TURN_OFF}` } : {}),
        ...signOutOf(core),
        ...(said === undefined ? {} : { said }),
        ...(said === ADDED && lastingOf(status, kinds.lasting) > 1 ? { othersGoOn: true } : {}),
      }
      await show(core, ctx, 'account', model, {
        label,
        beside: await scriptsFor(core, visit),
        ...(language === undefined ? {} : { language }),
      })
    },
    deeds: {
      add: changing('add', 'factor', ADDED),
      renew: changing('renew', 'factor', 'renewed'),
      replace: changing('replace', 'id', 'replaced'),
      remove: changing('remove', 'id', 'removed'),
      [RENAME]: leadToRename(core, site),
      [SIGN_OUT_ELSEWHERE]: signingOutElsewhere(core),
    },
  }
}

/** How many authenticators last. Only one: it is the first, with which every other session has ended. */
function lastingOf({ factors }: AccountStatus, lasting: readonly string[]): number {
  return factors.filter(({ factor, renewBy }) => lasting.includes(factor) && !renewBy).length
}

/** The provider decides whether the change is possible. */
function changing(kind: string, field: string, said: string): FactorDeed {
  return {
    changes: ({ [field]: subject = '' }: Form) => changeOf(kind, subject),
    said,
  }
}

/** The parameter of a change. Undefined: the subject is neither an id nor the name of a factor. */
export function changeOf(kind: string, subject: string): string | undefined {
  return /^[\w-]{1,64}$/.test(subject) ? `${kind}:${subject}` : undefined
}

/** The order of the groups on the page. */
const GROUPS: readonly PageGroup[] = ['sign-in', 'access', 'more']

/** The links to the other pages under their headings. A heading without links is left out. */
function groupsOf(
  listed: readonly AccountPage[],
  { links }: AccountSite,
  path: string,
): PageModels['account']['groups'] {
  return GROUPS.map((name) => ({
    name,
    pages: listed
      .filter(({ group = 'more' }) => group === name)
      .map((page) => ({ name: page.name, href: `${path}/${page.name}` })),
  })).filter(({ name, pages }) => pages.length > 0 || (name === 'more' && links.length > 0))
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
  now: Instant,
): Pick<PageModels['account'], 'methods' | 'lacks' | 'addable' | 'renewable'> {
  const held = factors.map(({ renewBy, ...each }) => ({
    ...each,
    ...(renewBy === undefined ? {} : { endsAt: renewBy }),
    lasting: lasting.includes(each.factor),
  }))
  const methods = held.map(
    ({
      id,
      factor,
      name,
      createdAt,
      lastUsedAt,
      remaining,
      endsAt,
      lasting: own,
    }): ManagedMethod => ({
      id,
      factor,
      name,
      addedAt: createdAt,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(endsAt === undefined ? {} : { endsAt, ended: isOver(endsAt, now) }),
      own,
      only: own && !held.some((other) => other.id !== id && other.lasting && !other.endsAt),
    }),
  )
  return {
    methods: methods.toSorted((one, other) => Number(other.own) - Number(one.own)),
    lacks: lacksOf(held, { issues: issued.length > 0, now }),
    addable: lasting,
    renewable: factors.length > 0 ? issued : [],
  }
}
