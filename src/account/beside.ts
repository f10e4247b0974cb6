import { providerOf, type Core } from '../../interactions/core.ts'
import { pageDataOf } from '../application/page-data.ts'
import type { Beside } from '../http/pages.ts'
import type { AccountVisit } from './page.ts'

/**
 * The scripts of factors on the overview, each with the factor's values. A person who has not shown the
 * strongest proof of the account gets none.
 */
export async function scriptsFor(
  core: Core,
  { accountId, name: label, provedAt }: Pick<AccountVisit, 'accountId' | 'name' | 'provedAt'>,
): Promise<readonly Beside[]> {
  if (provedAt === undefined) return []
  const { record } = await core.record(undefined, accountId)
  return pageDataOf(core.deps, record, { label, issuer: providerOf(core).issuer })
}
