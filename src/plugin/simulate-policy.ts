import { askAnswers, askPolicy } from '../../interactions/ask-policy.ts'
import type { Core, HostAccount } from '../../interactions/core.ts'
import { assumedFacts, enrolmentProofOf, type ExplainQuestion } from '../../interactions/explain.ts'
import { existingStates } from '../application/owned-states.ts'
import type { PolicyInForce } from '../application/policy-input.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { kindsOfClients, type ClientFacts } from '../domain/policy/alike-clients.ts'
import type { Decision } from '../domain/policy/decide.ts'
import { toldOf } from '../domain/policy/explain.ts'
import { impactOf } from '../domain/policy/impact.ts'
import type { Policy } from '../domain/policy/rules.ts'
import type { HostClient } from '../host/provider.ts'
import type { HeldPolicy } from './policy.ts'

export interface SimulatedClients {
  readonly clients: readonly HostClient[]
  /**
   * The properties of a client that the options `require` and `firstEnrolment` read. Clients that are alike in them, and
   * in the rules that match them, are decided once. Absent: each client is decided by itself.
   */
  readonly readsOf?: (client: HostClient) => unknown
}

/** The change that a proposed policy brings to a person, and the first client by id at which it happens. */
export interface SimulatedChange {
  readonly clientId: string
  /** The names of the rules that take part. */
  readonly rules: readonly string[]
  /**
   * That of the decision. `no-proof`: a factor has to be set up, and no proof is left for it (R10). `not-accepted`: the
   * settings refuse each authenticator that would count.
   */
  readonly reason: Decision['reason'] | 'no-proof' | 'not-accepted'
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
 * a right password, and a request for every scope that the client may ask for. Throws MfaError `key-missing`,
 * `seal-broken` and `record-unreadable` for an account whose factors cannot be read.
 */
export type PolicySimulation = (account: HostAccount) => Promise<SimulatedPerson>

/** A proposed policy that was read, or each of its faults in words. */
export type ProposedPolicy =
  | { readonly of: PolicySimulation; readonly faults?: never }
  | { readonly of?: never; readonly faults: readonly string[] }

export function simulatePolicy(
  core: Core,
  held: Pick<HeldPolicy, 'read'>,
  proposed: unknown,
  clients: SimulatedClients,
): ProposedPolicy {
  const parsed = held.read(proposed)
  return 'faults' in parsed
    ? { faults: parsed.faults }
    : { of: simulationOf(core, parsed.policy, clients) }
}

/** Clients for which every decision is the same. */
interface Kind {
  readonly client: HostClient
  readonly params: ExplainQuestion['params']
  /** The rules in force and the proposed ones, without those that never match these clients. */
  readonly live: PolicyInForce
  readonly proposed: PolicyInForce
}

function simulationOf(
  core: Core,
  proposed: Policy,
  { clients, readsOf = ({ clientId }) => clientId }: SimulatedClients,
): PolicySimulation {
  const kinds = kindsIn(core, proposed, { clients, readsOf })
  return async (account) => {
    const own = forOnePerson(core, readsOf)
    const { record } = await core.record(undefined, account.accountId)
    // A factor that does not open lets nobody in, though the rules would be met by it.
    for (const factor of core.deps.factors.values()) existingStates(core.deps, record, factor)
    const person: { -readonly [List in keyof SimulatedPerson]: SimulatedChange } = {}
    for (const kind of kinds) await simulateAt(own, kind, { account, record, person })
    return person
  }
}

function kindsIn(
  core: Core,
  proposed: Policy,
  { clients, readsOf }: Required<SimulatedClients>,
): readonly Kind[] {
  const live = core.policy.present()
  const rules = [...live.rules, ...proposed.rules]
  const scopes = scopesIn(rules)
  const paramsOf = (client: HostClient) => ({ scope: client.scope ?? scopes })
  const kinds = kindsOfClients(
    clients.toSorted((one, other) => (one.clientId < other.clientId ? -1 : 1)),
    rules,
    (client) => factsOfClient(core, client, paramsOf(client).scope),
    (client) => [client.defaultAcrValues, client.defaultMaxAge, readsOf(client)],
  )
  return kinds.map(({ client, matching }) => {
    const narrowed = (policy: Policy): PolicyInForce => {
      const present = { ...policy, rules: policy.rules.filter((rule) => matching.has(rule)) }
      return { ...core.policy, present: () => present }
    }
    const params = paramsOf(client)
    return { client, params, live: narrowed(live), proposed: narrowed(proposed) }
  })
}

/**
 * A core that asks the application once, and not for each client, who a person is, and which proof a first factor
 * needs. It looks up the groups although no rule in force names one: a proposed rule may.
 */
function forOnePerson(core: Core, readsOf: (client: HostClient) => unknown): Core {
  let described: ReturnType<Core['describe']> | undefined
  const proofs = new Map<string, ReturnType<Core['firstEnrolmentRule']>>()
  const describe: Core['describe'] = (account) => (described ??= core.describe(account))
  return {
    ...core,
    describe,
    groupsOf: async (account) => (await describe(account)).groups ?? [],
    firstEnrolmentRule(question) {
      const key = JSON.stringify(readsOf(question.client)) ?? ''
      const proof = proofs.get(key) ?? core.firstEnrolmentRule(question)
      proofs.set(key, proof)
      return proof
    },
  }
}

interface OnePerson {
  readonly account: HostAccount
  readonly record: MfaRecord
  /** The changes that were found at the clients before. */
  readonly person: { -readonly [List in keyof SimulatedPerson]: SimulatedChange }
}

async function simulateAt(
  core: Core,
  { client, params, live, proposed }: Kind,
  { account, record, person }: OnePerson,
): Promise<void> {
  const question = { account, client, ...(params === undefined ? {} : { params }) }
  const facts = await assumedFacts(core, record, question)
  const asked = askPolicy(core, facts, { inForce: proposed })
  const { decision } = asked
  if (decision.step === 'none') return
  const proof =
    decision.step === 'enrol' ? await enrolmentProofOf(core, record, question) : undefined
  // The rules in force matter only until the first client is found at which the person is newly asked.
  const before =
    person.newlyAsked === undefined ? askPolicy(core, facts, { inForce: live }).decision : decision
  const answers = askAnswers({ ...core, policy: proposed }, facts, asked)
  const impact = impactOf(before, decision, { canEnrol: proof !== 'refused', answers })
  const { rules } = toldOf(decision)
  const change = { clientId: client.clientId, rules, reason: decision.reason }
  if (impact.isNewlyAsked) person.newlyAsked ??= change
  if (impact.mustEnrol) person.mustEnrol ??= change
  if (impact.lockedOut !== undefined) person.lockedOut ??= { ...change, reason: impact.lockedOut }
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
