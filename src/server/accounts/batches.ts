import type { Account, Accounts } from '../../ports/accounts.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'

/** The most accounts or ids that are in memory at once. */
const BATCH = 100

type Page = { after?: string; limit: number }

/**
 * All accounts in order of `id`, those after the id `after`, in batches of at most 100. An account that is added
 * meanwhile may be missed.
 */
export function accountBatches(
  accounts: Pick<Accounts, 'list'>,
  after?: string,
): AsyncGenerator<readonly Account[], void, undefined> {
  const list = async (page: Page): Promise<readonly Account[]> =>
    (await accounts.list(page)).map(({ account }) => account)
  return batches(list, ({ id }) => id, after)
}

/** The ids of all accounts that have an MFA record, in order, in batches of at most 100. */
export function recordIdBatches(
  storage: Pick<ServerStorage, 'recordIds'>,
): AsyncGenerator<readonly string[], void, undefined> {
  return batches(
    (page) => storage.recordIds(page),
    (id) => id,
  )
}

/** How many items the batches have, of which one batch at a time is in memory. */
export async function countIn(
  batches: AsyncIterable<{ readonly length: number }>,
): Promise<number> {
  let count = 0
  for await (const { length } of batches) count += length
  return count
}

async function* batches<T>(
  list: (page: Page) => Promise<readonly T[]>,
  idOf: (item: T) => string,
  after?: string,
): AsyncGenerator<readonly T[], void, undefined> {
  let batch = await list({ limit: BATCH, ...(after === undefined ? {} : { after }) })
  for (;;) {
    const last = batch.at(-1)
    if (last === undefined) return
    yield batch
    if (batch.length < BATCH) return
    batch = await list({ limit: BATCH, after: idOf(last) })
  }
}
