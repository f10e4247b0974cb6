/**
 * This is one of the processes of sign-in.test.ts: a node on the place named in its first argument. At the barrier it
 * makes all attempts of an order at once. Each reads the record and then tries the code, as a page does.
 */
import { openPlace } from './places.ts'
import { carryOut, type Order } from './sign-in-attempts.ts'

const { storage } = await openPlace(process.argv[2] ?? '')

process.on('message', (order: Order) => {
  carryOut(storage, order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ outcomes: { [String(error)]: 1 }, shown: [] }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
