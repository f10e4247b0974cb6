import { contains, parseAddress, parseNetwork, type Network } from '../domain/policy/network.ts'

/** Enough for the rules of any policy. Names are never those of a request, so they do not grow without end. */
const MOST_KEPT = 10_000

/** Each network that rules name, read once. */
const kept = new Map<string, Network | undefined>()

/**
 * Returns the function that tells whether the address is in a network that a rule names. An IPv4 address in IPv6 form
 * counts as IPv4. Undefined: there is no address, or the text is none; conditions on networks then match (R45).
 */
export function networkTest(
  address: string | undefined,
): ((network: string) => boolean) | undefined {
  const own = address === undefined ? undefined : parseAddress(address)
  if (own === undefined) return undefined
  return (text) => {
    const network = networkOf(text)
    return network !== undefined && contains(network, own)
  }
}

function networkOf(text: string): Network | undefined {
  if (kept.has(text)) return kept.get(text)
  if (kept.size >= MOST_KEPT) kept.clear()
  const network = parseNetwork(text)
  kept.set(text, network)
  return network
}
