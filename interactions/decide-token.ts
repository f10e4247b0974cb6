import type { PolicyFacts } from '../src/application/policy-input.ts'
import { metAt } from '../src/domain/grace.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import type { Decision, Trust } from '../src/domain/policy/decide.ts'
import type { TokenBasis } from '../src/domain/policy/token-basis.ts'
import type { Instant } from '../src/domain/time.ts'
import type { HostClient } from '../src/host/provider.ts'
import { askPolicy } from './ask-policy.ts'
import type { Core, HostAccount } from './core.ts'
import { gracesInForce } from './decide.ts'

/** A token that the policy judges again. */
export interface TokenCase {
  readonly record: MfaRecord
  readonly basis: TokenBasis
  readonly scopes: readonly string[]
}

/**
 * The decision on a token: a step other than `none` says that the policy asks for more by now than the proofs on which it
 * rests. The network, the browser and a trust in
 * it keep the result that they had at the authorization. A rule's age asks at an authorization alone: a token is not
 * refused because time has passed.
 */
export async function decideToken(
  core: Core,
  { record, basis, scopes }: TokenCase,
  { account, client }: { readonly account: HostAccount; readonly client: HostClient },
): Promise<Decision> {
  const params = { client_id: client.clientId, scope: scopes.join(' ') }
  const [demands, groups] = await Promise.all([
    core.demands({ account, client, params }),
    core.groupsOf(account),
  ])
  const { proofs, acrs, networks, isNewBrowser, trustedSince, trustedBy, mayPostpone } = basis
  const now = core.deps.clock.now()
  const facts: PolicyFacts = {
    record,
    demands: demands.map(withoutAge),
    proofs,
    request: {
      client: client.clientId,
      groups,
      scopes,
      acrs,
      ...(networks === undefined ? {} : { isWithin: (network) => networks.includes(network) }),
      isNewBrowser,
      isFirstParty: core.isFirstParty(client),
      fresh: false,
    },
    person: {
      metAt: metAt(record, gracesInForce(core)),
      mayPostpone,
      postponed: true,
      // The trust keeps its result: it stands in as at its beginning, unless a rule allows none any more.
      ...(trustedSince === undefined ? {} : { trusts: [trustKept(now, trustedBy)] }),
    },
    now,
  }
  const rules = core.policy.present().rules.map(withoutAge)
  return askPolicy(core, facts, { rules }).decision
}

function trustKept(since: Instant, factor: string | undefined): Trust {
  return { since, ...(factor === undefined ? {} : { factor }) }
}

function withoutAge<T extends { readonly maxAgeSeconds?: number }>(demand: T): T {
  const { maxAgeSeconds: _, ...rest } = demand
  return rest as T
}
