import { askPolicy } from '../../interactions/ask-policy.ts'
import type { Core, HostAccount } from '../../interactions/core.ts'
import { assumedFacts, enrolmentProofOf, type ExplainQuestion } from '../../interactions/explain.ts'
import type { PolicyInForce } from '../application/policy-input.ts'
import { enrollableOf } from '../application/policy-person.ts'
import type { FirstEnrolmentRule } from '../domain/enrolment.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { firstOfEachKind, type ClientFacts } from '../domain/policy/alike-clients.ts'
import type { Decision } from '../domain/policy/decide.ts'
import { explained, toldOf, type Explained } from '../domain/policy/explain.ts'
import { impactOf, type Impact } from '../domain/policy/impact.ts'
import { parsePolicy, type PolicyContext } from '../domain/policy/parse.ts'
import type { Policy } from '../domain/policy/rules.ts'
import type { HostClient } from '../host/provider.ts'

export type { ExplainQuestion } from '../../interactions/explain.ts'

/** A decision of the policy, and the part that each rule has in it. */
export interface PolicyExplanation extends Explained {
  /** The proof on which a first factor could be set up now (R10). Absent: the account has a factor. */
  readonly enrolment?: FirstEnrolmentRule
}

/**
 * The decision on a request of a person who has just proved the password, by the function and the facts of the prompt.
 * Changes nothing.
 */
export async function explainPolicy(
  core: Core,
  question: ExplainQuestion,
): Promise<PolicyExplanation> {
  const { record } = await core.record(undefined, question.account.accountId)
  const { decision } = askPolicy(core, await assumedFacts(core, record, question))
  const enrolment = await enrolmentProofOf(core, record, question)
  return { ...explained(decision), ...(enrolment === undefined ? {} : { enrolment }) }
}

export interface SimulatedClients {
  readonly clients: readonly HostClient[]
  /**
   * The properties of a client that the option `require` reads. Clients that are alike in them, and in the rules that
   * match them, are decided once. Absent: each client is decided by itself.
   */
  readonly readsOf?: (client: HostClient) => unknown
}

/** The change that a proposed policy brings to a person, and the first client by id at which it happens. */
export interface SimulatedChange {
  readonly clientId: string
  /** The names of the rules that take part. */
  readonly rules: readonly string[]
  /** That of the decision, or `no-proof`: a factor has to be set up, and no proof is left for it (R10). */
  readonly reason: Decision['reason'] | 'no-proof'
}

/** Absent members: it happens at no client. */
export interface SimulatedPerson {
  /** A page or a refusal comes where the rules in force let the person through. */
  readonly newlyAsked?: SimulatedChange
  /** A factor has to be set up before the person gets in. */
  readonly mustEnrol?: SimulatedChange
  readonly lockedOut?: SimulatedChange
}

/**
 * The changes that a proposed policy would bring to an account. Assumed are a new browser, an address that is not known,
 * a right password, and a request for every scope that the client may ask for.
 */
export type PolicySimulation = (account: HostAccount) => Promise<SimulatedPerson>

/** A proposed policy that was read, or each of its faults in words. */
export type ProposedPolicy =
  | { readonly of: PolicySimulation; readonly faults?: never }
  | { readonly of?: never; readonly faults: readonly string[] }

export function simulatePolicy(
  core: Core,
  proposed: unknown,
  clients: SimulatedClients,
): ProposedPolicy {
  const parsed = parsePolicy(proposed, contextOf(core))
  return 'faults' in parsed
    ? { faults: parsed.faults }
    : { of: simulationOf(withGroups(core), parsed.policy, clients) }
}

/** A core that looks up the groups of a person although no rule in force names one: a proposed rule may. */
function withGroups(core: Core): Core {
  return { ...core, groupsOf: async (account) => (await core.describe(account)).groups ?? [] }
}

function contextOf({ policy: { levels }, deps }: Core): PolicyContext {
  const enrollable = enrollableOf(deps).map((factor) => ({ ...factor, isEnrollable: true }))
  const others = [...deps.factors.keys()]
    .filter((id) => enrollable.every((factor) => factor.id !== id))
    // The strength of a factor that nobody can set up makes no rule possible.
    .map((id) => ({ id, isEnrollable: false, kinds: [], phishingResistant: false }))
  return { levels, factors: [...enrollable, ...others] }
}

function simulationOf(
  core: Core,
  proposed: Policy,
  { clients, readsOf }: SimulatedClients,
): PolicySimulation {
  const rules = [...core.policy.present().rules, ...proposed.rules]
  const scopes = scopesIn(rules)
  const paramsOf = (client: HostClient) => ({ scope: client.scope ?? scopes })
  const kinds = firstOfEachKind(
    clients.toSorted((one, other) => (one.clientId < other.clientId ? -1 : 1)),
    rules,
    (client) => factsOfClient(core, client, paramsOf(client).scope),
    (client) => [
      client.defaultAcrValues,
      client.defaultMaxAge,
      readsOf === undefined ? client.clientId : readsOf(client),
    ],
  )
  const inForce: PolicyInForce = { ...core.policy, present: () => proposed }
  return async (account) => {
    const { record } = await core.record(undefined, account.accountId)
    const person: { -readonly [List in keyof SimulatedPerson]: SimulatedChange } = {}
    for (const client of kinds) {
      const question = { account, client, params: paramsOf(client) }
      const { impact, decision } = await impactAt(core, inForce, record, question)
      const { rules: names } = toldOf(decision)
      const change = { clientId: client.clientId, rules: names, reason: decision.reason }
      if (impact.isNewlyAsked) person.newlyAsked ??= change
      if (impact.mustEnrol) person.mustEnrol ??= change
      if (impact.lockedOut !== undefined)
        person.lockedOut ??= { ...change, reason: impact.lockedOut }
    }
    return person
  }
}

async function impactAt(
  core: Core,
  inForce: PolicyInForce,
  record: MfaRecord,
  question: ExplainQuestion,
): Promise<{ readonly impact: Impact; readonly decision: Decision }> {
  const facts = await assumedFacts(core, record, question)
  const { decision } = askPolicy(core, facts, { inForce })
  const proof =
    decision.step === 'enrol' ? await enrolmentProofOf(core, record, question) : undefined
  const live = askPolicy(core, facts).decision
  return { impact: impactOf(live, decision, proof !== 'refused'), decision }
}

/** `openid` and every scope that a rule names. */
function scopesIn(rules: Policy['rules']): string {
  const named = rules.flatMap(({ when }) => when.scope ?? [])
  return [...new Set(['openid', ...named.filter((scope) => !scope.startsWith('!'))])].join(' ')
}

function factsOfClient(core: Core, client: HostClient, scope: string): ClientFacts {
  return {
    client: client.clientId,
    scopes: scope.split(' ').filter(Boolean),
    acrs: client.defaultAcrValues ?? [],
    isFirstParty: core.isFirstParty(client),
  }
}
