import { load, world, type World } from '../application/world.ts'
import { RACING } from './factors.ts'
import { passkeyRaces } from './passkey-races.ts'
import { carryOut, sumOf, type Race } from './sign-in-attempts.ts'

const NODES = 4
const AT_ONCE = 50

describe('sign-ins with passkeys: 4 nodes x 50 parallel attempts in one memory', function () {
  this.timeout(60_000)
  let here: World
  beforeEach(() => {
    here = world({ listed: RACING })
  })

  const race: Race = async (order, attempt) => {
    const { record } = await load(here, order.accountId)
    const reports = await Promise.all(
      Array.from({ length: NODES }, (_, node) =>
        carryOut(here.storage, {
          ...order,
          epoch: record.epoch,
          now: here.clock.now(),
          startAt: 0,
          attempts: Array.from({ length: AT_ONCE }, (__, nth) => ({
            interaction: `${order.accountId}-${node}-${nth}`,
            form: {},
            ...attempt(node * AT_ONCE + nth),
          })),
        }),
      ),
    )
    return sumOf(reports)
  }

  passkeyRaces(() => ({ here, race }))
})
