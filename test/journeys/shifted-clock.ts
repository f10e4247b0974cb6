/**
 * `node --import` loads this module into a process of a journey before the product. The clock of the process then
 * runs ahead by as many seconds as the test sets, so that codes change and sign-ins expire without waiting. Only
 * `Date` is replaced; the product reads the time as always.
 */
const RealDate = Date
let aheadSeconds = Number(process.env.JOURNEY_AHEAD_SECONDS ?? 0)

function now(): number {
  return RealDate.now() + aheadSeconds * 1000
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: [], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
  get: (target, name, receiver) =>
    name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown),
})

process.on('message', (message: { aheadSeconds: number }) => {
  ;({ aheadSeconds } = message)
  process.send?.('set')
})
// The listener alone must not keep the process from ending.
process.channel?.unref()
