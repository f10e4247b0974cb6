import type { IncomingMessage } from 'node:http'
import { policyInputOf, type Demand, type PolicyFacts } from '../src/application/policy-input.ts'
import { classify } from '../src/domain/known-browser.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { decide, type AcrRequest, type Decision } from '../src/domain/policy/decide.ts'
import { NO_POLICY } from '../src/domain/policy/rules.ts'
import type { Proof } from '../src/domain/policy/proofs.ts'
import type { Instant } from '../src/domain/time.ts'
import type { HostClient } from '../src/host/provider.ts'
import { hashBrowserToken, readBrowserTokens } from './browser-token.ts'
import { providerOf, type Core, type HostAccount, type PolicyQuestion } from './core.ts'
import { acrsNamedBy } from './request.ts'

/** The case that the policy decides: one account in one authorization request. */
export interface PolicyCase {
  readonly record: MfaRecord
  readonly params: Readonly<Record<string, unknown>>
  /** The request of the browser. */
  readonly request: IncomingMessage
  /** The proofs that have been given so far. */
  readonly proofs: readonly Proof[]
  readonly requested: AcrRequest | undefined
  /** Whether a fresh second factor is asked for, whatever the session has. */
  readonly fresh: boolean
  /** Proofs before this time do not count for this request. */
  readonly provedSince?: Instant | undefined
  /** Proofs since this time were given for this request. */
  readonly begunAt?: Instant | undefined
}

/** The parts of a case that only the application knows. */
export interface Known {
  readonly account: HostAccount
  readonly client: HostClient
  /** The address of the browser. */
  readonly ip: string | undefined
}

/**
 * The step that this account still has to make. Only this module calls the domain's policy for a prompt, so that the
 * login page, the prompt and the adoption of a login from a node without the plugin decide alike.
 */
export async function stepOf(core: Core, given: PolicyCase, known: Known): Promise<Decision> {
  const { account, client } = known
  const question: PolicyQuestion = { account, client, params: { ...given.params } }
  const [demands, groups] = await Promise.all([core.demands(question), core.groupsOf(account)])
  const facts = factsOf(core, given, { demands, groups, client, ip: known.ip })
  return decide(policyInputOf(core.deps, core.policy, facts))
}

/**
 * Whether the policy asks for more than what was proved. Rules can only ask for more, so the application's functions are
 * not called where the answer is clear without them.
 */
export async function isMoreAsked(
  core: Core,
  given: PolicyCase,
  known: () => Promise<Known>,
): Promise<boolean> {
  const facts = factsOf(core, given, { demands: [], groups: [], client: undefined, ip: undefined })
  if (decide(policyInputOf(core.deps, core.policy, facts, NO_POLICY.rules)).step !== 'none')
    return true
  return (await stepOf(core, given, await known())).step !== 'none'
}

interface Surroundings {
  readonly demands: readonly Demand[]
  readonly groups: readonly string[]
  readonly client: HostClient | undefined
  readonly ip: string | undefined
}

function factsOf(core: Core, given: PolicyCase, around: Surroundings): PolicyFacts {
  const { record, params, request, proofs, requested, fresh, provedSince, begunAt } = given
  const { demands, groups, client, ip } = around
  const tokenHashes = readBrowserTokens(request, providerOf(core).issuer).map((token) =>
    hashBrowserToken(record.accountId, token),
  )
  const isWithin = ip === undefined ? undefined : core.isWithin(ip)
  const isKnown = classify(record, tokenHashes).kind === 'known'
  return {
    record,
    demands,
    proofs,
    request: {
      client: client?.clientId ?? '',
      groups,
      scopes: typeof params.scope === 'string' ? params.scope.split(' ').filter(Boolean) : [],
      acrs: acrsNamedBy({ params }),
      ...(isWithin === undefined ? {} : { isWithin }),
      isNewBrowser: !isKnown,
      isFirstParty: client !== undefined && core.isFirstParty(client),
      ...(requested === undefined ? {} : { acr: requested }),
      fresh,
      ...(provedSince === undefined ? {} : { provedSince }),
      ...(begunAt === undefined ? {} : { begunAt }),
    },
    person: { metAt: {}, mayPostpone: isKnown, postponed: false },
    now: core.deps.clock.now(),
  }
}
