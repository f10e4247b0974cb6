import type { mongo } from 'mongoose'
import type { StorageRemark } from '../../ports/server-storage.ts'
import { inWords, missingIndexes } from './server-indexes.ts'

/** Codes are good for half a minute: by then nodes with other clocks would disagree about them. */
const CLOCKS_DIFFER_SECONDS = 5

/** What works and should not stay so. */
export async function inspect(db: mongo.Db): Promise<readonly StorageRemark[]> {
  const remarks: StorageRemark[] = []
  const asked = Date.now()
  const hello = await db.admin().command({ hello: 1 })
  // The server's answer was made between the question and now.
  const here = (asked + Date.now()) / 2

  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid')
    remarks.push({
      about: 'replica set',
      problem:
        'the server is no member of a replica set: with its disk everything is lost, and a write that was cut off is not tried again',
    })
  const { localTime } = hello as { localTime?: Date }
  const apart = localTime === undefined ? 0 : Math.round((localTime.getTime() - here) / 1000)
  if (Math.abs(apart) > CLOCKS_DIFFER_SECONDS)
    remarks.push({
      about: 'clocks',
      problem: `the database's clock is ${Math.abs(apart)} s ${apart > 0 ? 'ahead of' : 'behind'} this machine's: set both by NTP`,
    })
  const missing = await missingIndexes(db)
  if (missing.length > 0)
    remarks.push({
      about: 'indexes',
      problem: `${missing.map(inWords).join(', ')} missing: run \`oidc-provider-mfa migrate\``,
    })
  return remarks
}
