import type { Context } from 'koa'
import { MINUTE_SECONDS } from '../../domain/time.ts'
import type { Form } from '../../http/body.ts'
import type { AddressError, PageModels } from '../../http/pages.ts'
import type { AccountPage, AccountVisit } from '../../index.ts'
import { CODE_SECONDS, type AddedAddresses } from '../accounts/added-addresses.ts'
import { MOST_ADDED } from '../accounts/addresses.ts'
import { languagesFor } from '../accounts/language.ts'
import { accountOf, senderOnPage, shutDoor, type AccountServices } from './services.ts'

export interface AddressesPageServices extends AccountServices {
  readonly added: AddedAddresses
}

interface Again {
  readonly error: AddressError
  readonly typed?: string
}

/** The page of the addresses for notices and recovery (R44). A proof is asked for when one is added or removed. */
export function addressesPage(services: AddressesPageServices): AccountPage {
  return {
    name: 'addresses',
    group: 'sign-in',
    show: (visit, ctx) => showPage(services, visit, ctx),
    deeds: {
      'add-address': {
        needs: 'proof',
        keeps: ['email'],
        run: (visit, form, ctx) => add(services, visit, form, ctx),
      },
      'confirm-address': {
        needs: 'session',
        run: (visit, form, ctx) => confirm(services, visit, form, ctx),
      },
      'remove-address': {
        needs: 'proof',
        keeps: ['email'],
        run: (visit, form, ctx) => remove(services, visit, form, ctx),
      },
    },
  }
}

async function add(
  services: AddressesPageServices,
  visit: AccountVisit,
  { email: typed = '' }: Form,
  ctx: Context,
): Promise<string | void> {
  const { added, mfa } = services
  const account = await accountOf(services, visit)
  if (account === undefined || (await shutDoor(mfa, visit, 'recovery')) !== undefined)
    return showPage(services, visit, ctx)
  const judged = added.judge(account, typed)
  if (judged.outcome === 'refused')
    return showPage(services, visit, ctx, { error: judged.reason, typed })
  if (!(await visit.spendProof())) return
  const begun = await added.begin(visit, judged.address, visit.epoch)
  if (begun === undefined) return showPage(services, visit, ctx, { error: 'too-many', typed })
  const sender = senderOnPage(services, ctx)
  await services.letters.put([
    {
      about: JSON.stringify(['address-code', begun]),
      accountId: account.id,
      to: judged.address,
      template: 'address-code',
      // The mail names no account: the mailbox may be somebody else's.
      values: { code: begun.code, minutes: String(CODE_SECONDS / MINUTE_SECONDS) },
      languages: languagesFor(account, sender.locale),
      until: begun.expiresAt,
    },
  ])
  return 'address-asked'
}

async function confirm(
  services: AddressesPageServices,
  visit: AccountVisit,
  { code = '' }: Form,
  ctx: Context,
): Promise<string | void> {
  const outcome = await services.added.confirm(visit, code, senderOnPage(services, ctx))
  if (outcome === 'added') return 'address-added'
  await showPage(services, visit, ctx, { error: outcome })
}

async function remove(
  services: AddressesPageServices,
  visit: AccountVisit,
  { email = '' }: Form,
  ctx: Context,
): Promise<string | void> {
  if ((await shutDoor(services.mfa, visit, 'recovery')) !== undefined)
    return showPage(services, visit, ctx)
  if (!(await visit.spendProof())) return
  const sender = senderOnPage(services, ctx)
  if (await services.added.remove(visit.accountId, email, sender)) return 'address-removed'
}

async function showPage(
  services: AddressesPageServices,
  visit: AccountVisit,
  ctx: Context,
  again?: Again,
): Promise<void> {
  const { mfa, show, added } = services
  const account = await accountOf(services, visit)
  const shut = await shutDoor(mfa, visit, 'recovery')
  const waiting = await added.waiting(visit)
  const { email, emailVerified, addresses = [] } = account ?? {}
  const own = email !== undefined && emailVerified === true ? [{ address: email, own: true }] : []
  const model: PageModels['account-addresses'] = {
    csrf: visit.csrf,
    action: `${mfa.account.path}/addresses`,
    addresses: [...own, ...addresses.map(({ address }) => ({ address, own: false }))],
    addable: addresses.length < MOST_ADDED,
    typed: again?.typed ?? '',
    href: mfa.account.path,
    ...(waiting === undefined ? {} : { waiting }),
    ...(visit.said === undefined ? {} : { said: visit.said }),
    ...(again === undefined ? {} : { error: again.error }),
    ...(shut === undefined ? {} : { shut }),
  }
  await show(ctx, 'account-addresses', model, {
    accountLabel: visit.name,
    language: visit.language,
    status: shut !== undefined ? 403 : again === undefined ? 200 : 422,
  })
}
