import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Cidr } from '../../../config/values.ts'
import { unmapped } from '../accounts/network.ts'

/** The headers in which a proxy describes the request that it forwards. Any client can send them too. */
const FORWARDED = /^(x-forwarded-|x-real-ip$|forwarded$)/

/** The headers of W3C Trace Context: a stranger could join the traces of others, or have each request recorded. */
const TRACE = /^(traceparent|tracestate|baggage)$/

/** The id of a request in the proxy's own log. A stranger's id could imitate that of another request. */
const REQUEST_ID = 'x-request-id'

/** Puts the client's address into the one header that Koa reads, and removes all other forwarded headers. */
export type NormaliseAddress = (request: IncomingMessage) => void

/**
 * Koa with `proxy` believes every sender: a guesser would have a new address for each guess. Therefore the headers of
 * a sender that is no trusted proxy are removed. From a trusted proxy only the address is kept, read from the right
 * up to the first address that is no trusted proxy (R23), and the id of the request. Scheme and host are never taken
 * from a request.
 */
export function addressNormaliser(trusted: readonly Cidr[]): NormaliseAddress {
  const proxies = new BlockList()
  for (const { address, prefix, family } of trusted) proxies.addSubnet(address, prefix, family)
  const isProxy = (address: string): boolean => {
    const version = isIP(address)
    return version !== 0 && proxies.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }

  return (request) => {
    const { headers } = request
    const socket = unmapped(request.socket.remoteAddress ?? '')
    const isFromProxy = isProxy(socket)
    const hops = isFromProxy ? hopsOf(headers['x-forwarded-for']) : []
    if (!isFromProxy) delete headers[REQUEST_ID]
    let address = socket
    while (isProxy(address)) {
      const before = hops.pop()
      if (before === undefined) break
      address = before
    }
    for (const name of Object.keys(headers))
      if (FORWARDED.test(name) || (!isFromProxy && TRACE.test(name))) delete headers[name]
    headers['x-forwarded-for'] = address
  }
}

/**
 * The addresses of the chain, from the left to the right. An entry that is no address ends the chain: the entries
 * before it cannot be believed.
 */
function hopsOf(header: string | string[] | undefined): string[] {
  const hops: string[] = []
  for (const part of [header ?? ''].flat().join(',').split(',')) {
    const address = unmapped(withoutPort(part.trim()))
    if (isIP(address) === 0) hops.length = 0
    else hops.push(address)
  }
  return hops
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  return (
    /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ??
    text
  )
}
