/**
 * Loaded into a process of a journey before the product (`node --import`): its clock runs ahead by as much as
 * the test says, so that codes change and sign-ins expire without waiting. Nothing else of the process is
 * touched; the product reads the time as it always does.
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
