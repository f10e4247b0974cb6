import type { mongo } from 'mongoose'
import type { StorageRemark } from '../../ports/server-storage.ts'
import { hasUnsearchable } from './audit-search.ts'
import { secondsAhead } from './clock.ts'
import { inWords, missingIndexes } from './server-indexes.ts'

/**
 * The permitted difference of clocks. TOTP codes are valid for half a minute, so nodes whose clocks differ more would
 * disagree about them.
 */
const CLOCKS_DIFFER_SECONDS = 5

/** Settings that work but should be changed. */
export async function inspect(db: mongo.Db): Promise<readonly StorageRemark[]> {
  const remarks: StorageRemark[] = []
  const hello = await db.admin().command({ hello: 1 })
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid')
    remarks.push({
      about: 'replica set',
      problem:
        'the server is no member of a replica set: with its disk everything is lost, and a write that was cut off is not tried again',
    })
  const ahead = await secondsAhead(db, () => Date.now() / 1000)
  if (Math.abs(ahead) > CLOCKS_DIFFER_SECONDS)
    remarks.push({
      about: 'clocks',
      problem: `the database's clock is ${Math.abs(ahead)} s ${ahead < 0 ? 'ahead of' : 'behind'} this machine's: set both by NTP`,
    })
  const missing = await missingIndexes(db)
  if (missing.length > 0)
    remarks.push({
      about: 'indexes',
      problem: `${missing.map(inWords).join(', ')} missing: run \`oidc-provider-mfa migrate\``,
    })
  // Without its index the look would read the whole trail.
  else if (await hasUnsearchable(db))
    remarks.push({
      about: 'audit trail',
      problem:
        'nodes of the former version have written entries that `audit` does not find by app, address, operator or request: run `oidc-provider-mfa migrate contract` when the last of these nodes has stopped',
    })
  return remarks
}
