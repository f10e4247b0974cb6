import type { IncomingMessage } from 'node:http'
import type { Demand, PolicyFacts } from '../src/application/policy-input.ts'
import { isFirstSignIn } from '../src/domain/enrolment.ts'
import { gracesOf, mayPostpone, metAt } from '../src/domain/grace.ts'
import { classify } from '../src/domain/known-browser.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import type { AcrRequest, Decision, Trust } from '../src/domain/policy/decide.ts'
import { trustsIn } from '../src/domain/trusted-browser.ts'
import { NO_POLICY } from '../src/domain/policy/rules.ts'
import type { Proof } from '../src/domain/policy/proofs.ts'
import type { Instant } from '../src/domain/time.ts'
import type { HostClient } from '../src/host/provider.ts'
import { askInTurn, askNext, askPolicy, type Answer, type InTurn } from './ask-policy.ts'
import { readTrustTokens, shownTrusts } from './browser-trust.ts'
import { hashBrowserToken, readBrowserTokens } from './browser-token.ts'
import { keepCircumstances } from './circumstances.ts'
import { providerOf, type Core, type HostAccount, type PolicyQuestion } from './core.ts'
import { acrsNamedBy } from './request.ts'

/** The case that the policy decides: one account in one authorization request. */
export interface PolicyCase {
  readonly record: MfaRecord
  readonly params: Readonly<Record<string, unknown>>
  /** The request of the browser, or the browser that is assumed. */
  readonly request: IncomingMessage | AssumedBrowser
  /** The uid of the interaction whose form the browser has sent. Absent: it has sent none. */
  readonly interaction?: string | undefined
  /** The proofs that have been given so far. */
  readonly proofs: readonly Proof[]
  readonly requested: AcrRequest | undefined
  /** Whether a fresh second factor is asked for, whatever the session has. */
  readonly fresh: boolean
  /** Whether the browser was new before this sign-in made it known. */
  readonly wasNewBrowser?: boolean
  /** Proofs before this time do not count for this request. */
  readonly provedSince?: Instant | undefined
  /** Proofs since this time were given for this request. */
  readonly begunAt?: Instant | undefined
  /**
   * Whether an enrolment that is not due yet is not asked for: the person has put it off in this session, or no page can
   * come. It is asked only where there is such an enrolment.
   */
  readonly isPostponed?: () => boolean | Promise<boolean>
}

/** A browser in which the person has completed a sign-in before, or one in which nobody has. */
export type AssumedBrowser = 'known browser' | 'new browser'

/** The parts of a case that only the application knows. */
export interface Known {
  readonly account: HostAccount
  readonly client: HostClient
  /** The address of the browser. */
  readonly ip: string | undefined
}

/**
 * The step that this account still has to make. The login page, the prompt and the adoption of a login from a node
 * without the plugin ask here, so that they decide alike.
 */
export async function stepOf(core: Core, given: PolicyCase, known: Known): Promise<Decision> {
  return (await stepsOf(core, given, known)).decision
}

/** A decision, and the one after it if it asks for a factor of the person. */
export interface Steps {
  readonly decision: Decision
  readonly next: Decision | undefined
  readonly inTurn: InTurn
  /** The decision of the rules on trial (`policy.shadow`) on the same facts. Absent: there are none. */
  readonly shadow?: Decision
}

/**
 * The step that this account still has to make, and the step after a factor of the person was shown: a set-up after it is
 * made in the same interaction, because its proof is worth nothing elsewhere (R11, R41).
 */
export async function stepsOf(core: Core, given: PolicyCase, known: Known): Promise<Steps> {
  const facts = await factsFor(core, given, known)
  const answer = askPolicy(core, facts)
  const steps = stepsIn(core, facts, answer)
  // An assumed browser gets no session that would keep them.
  if (typeof given.request !== 'string')
    keepCircumstances(given.request, answer.input, answer.decision)
  const isOfGrace = [steps.decision, steps.next].some((one) => one?.step === 'enrol-later')
  if (!isOfGrace || (await given.isPostponed?.()) !== true) return withShadow(core, facts, steps)
  const later = { ...facts, person: { ...facts.person, postponed: true } }
  return withShadow(core, later, stepsIn(core, later, askPolicy(core, later)))
}

function withShadow(core: Core, facts: PolicyFacts, steps: Steps): Steps {
  const { shadow } = core.policy.present()
  return shadow.length === 0
    ? steps
    : { ...steps, shadow: askPolicy(core, facts, { rules: shadow }).decision }
}

/** The names of the rules, on trial or not, whose grace counts from the time at which they first met an account. */
export function gracesInForce({ policy }: Core): readonly string[] {
  const { rules, shadow } = policy.present()
  return gracesOf([...rules, ...shadow])
}

/** The rules of a decision, and of the one on trial, whose grace runs. */
export function gracesRunning(core: Core, { decision, shadow }: Steps): readonly string[] {
  const names = gracesInForce(core)
  return [...decision.rules, ...(shadow?.rules ?? [])]
    .filter(({ name, part }) => part === 'grace' && names.includes(name))
    .map(({ name }) => name)
}

/** All facts of a case. The prompts and `policy explain` find them here. */
export async function factsFor(core: Core, given: PolicyCase, known: Known): Promise<PolicyFacts> {
  const { account, client, ip } = known
  const question: PolicyQuestion = { account, client, params: { ...given.params } }
  const [demands, groups] = await Promise.all([core.demands(question), core.groupsOf(account)])
  const createdAt = await createdAtOf(core, given.record, account)
  return factsOf(core, given, { demands, groups, createdAt, client, ip })
}

function stepsIn(core: Core, facts: PolicyFacts, answer: Answer): Steps {
  return {
    decision: answer.decision,
    next: askNext(core, facts, answer),
    inTurn: askInTurn(core, facts, answer),
  }
}

/** It matters for a first sign-in alone, and where a rule has a grace. */
async function createdAtOf(
  core: Core,
  record: MfaRecord,
  account: HostAccount,
): Promise<Instant | undefined> {
  const { rules, shadow } = core.policy.present()
  const hasGrace = [...rules, ...shadow].some(({ enrol }) => typeof enrol === 'object')
  return hasGrace && isFirstSignIn(record) ? (await core.describe(account)).createdAt : undefined
}

/**
 * The decision after the first factor. Rules can only ask for more, so the application's functions are not called where
 * the answer is clear without them: the step is then one of several that may be left.
 */
export async function afterFirstFactor(
  core: Core,
  given: PolicyCase,
  known: () => Promise<Known>,
): Promise<Decision> {
  const facts = factsOf(core, given, NOTHING_KNOWN)
  const { decision } = askPolicy(core, facts, { rules: NO_POLICY.rules })
  return decision.step === 'none' ? stepOf(core, given, await known()) : decision
}

interface Surroundings {
  readonly demands: readonly Demand[]
  readonly groups: readonly string[]
  readonly createdAt: Instant | undefined
  readonly client: HostClient | undefined
  readonly ip: string | undefined
}

const NOTHING_KNOWN: Surroundings = {
  demands: [],
  groups: [],
  createdAt: undefined,
  client: undefined,
  ip: undefined,
}

/** The trusts of the account in the browser of a request. A browser that is only assumed has none. */
function trustsFor(core: Core, { record, request, interaction }: PolicyCase): readonly Trust[] {
  if (typeof request === 'string') return []
  const tokens = readTrustTokens(request, providerOf(core).issuer)
  const shown = shownTrusts(core.deps.box, record.accountId, tokens, interaction)
  return trustsIn(record, shown, core.deps.clock.now())
}

function factsOf(core: Core, given: PolicyCase, around: Surroundings): PolicyFacts {
  const { record, params, request, proofs, requested, fresh, provedSince, begunAt } = given
  const { demands, groups, createdAt, client, ip } = around
  const now = core.deps.clock.now()
  const isWithin = ip === undefined ? undefined : core.isWithin(ip)
  const isKnownBrowser = isKnown(core, record, request)
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
      isNewBrowser: !isKnownBrowser || given.wasNewBrowser === true,
      isFirstParty: client !== undefined && core.isFirstParty(client),
      ...(requested === undefined ? {} : { acr: requested }),
      fresh,
      ...(provedSince === undefined ? {} : { provedSince }),
      ...(begunAt === undefined ? {} : { begunAt }),
    },
    person: {
      trusts: trustsFor(core, given),
      metAt: metAt(record, gracesInForce(core)),
      mayPostpone: mayPostpone(record, { isKnownBrowser, createdAt }, now),
      postponed: false,
    },
    now,
  }
}

function isKnown(core: Core, record: MfaRecord, request: PolicyCase['request']): boolean {
  if (typeof request === 'string') return request === 'known browser'
  const tokenHashes = readBrowserTokens(request, providerOf(core).issuer).map((token) =>
    hashBrowserToken(record.accountId, token),
  )
  return classify(record, tokenHashes).kind === 'known'
}
