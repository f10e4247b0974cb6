import type { IncomingMessage } from 'node:http'
import type { Decision, PolicyInput, Trust } from '../src/domain/policy/decide.ts'
import type { TokenBasis } from '../src/domain/policy/token-basis.ts'

/** The circumstances of an authorization that its tokens keep. */
type Circumstances = Omit<TokenBasis, 'proofs' | 'acrs' | 'tellsFactors'>

/** The circumstances of the last decision in each request of a browser. An event of the host cannot wait for them. */
const judged = new WeakMap<IncomingMessage, Circumstances>()

/** The circumstances in which a request was judged. Undefined: the policy was not asked. */
export function circumstancesIn(request: IncomingMessage): Circumstances | undefined {
  return judged.get(request)
}

function keptOf({ since, factor }: Trust): Pick<Circumstances, 'trustedSince' | 'trustedBy'> {
  return { trustedSince: since, ...(factor === undefined ? {} : { trustedBy: factor }) }
}

export function keepCircumstances(
  request: IncomingMessage,
  input: PolicyInput,
  { standIn }: Decision,
): void {
  const { isWithin, isNewBrowser } = input.request
  const { mayPostpone } = input.person
  const networks = input.rules
    .flatMap(({ when }) => when.network ?? [])
    .map((entry) => entry.replace(/^!/, ''))
  judged.set(request, {
    ...(isWithin === undefined ? {} : { networks: [...new Set(networks)].filter(isWithin) }),
    isNewBrowser,
    ...(standIn === undefined ? {} : keptOf(standIn)),
    mayPostpone,
  })
}
