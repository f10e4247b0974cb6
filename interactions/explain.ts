import type { PolicyFacts } from '../src/application/policy-input.ts'
import { ruleWithMailbox } from '../src/application/prove-owner.ts'
import {
  isEnrolled,
  isFirstSignIn,
  ruleNow,
  type FirstEnrolmentRule,
} from '../src/domain/enrolment.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { firstProof } from '../src/domain/policy/session-proofs.ts'
import type { HostClient } from '../src/host/provider.ts'
import type { Core, HostAccount } from './core.ts'
import { factsFor } from './decide.ts'
import { acrRequestOf } from './request.ts'

/** An authorization request of a person who has just proved the password, and nothing else. */
export interface ExplainQuestion {
  /** The answer of the application's findAccount. */
  readonly account: HostAccount
  readonly client: HostClient
  /** The parameters of the authorization request, such as `scope`, `acr_values`, `max_age`. Default: none. */
  readonly params?: Readonly<Record<string, unknown>>
  /** The address of the browser. Absent: it is not known, so that every condition on networks matches. */
  readonly ip?: string
  /** Whether the person has completed a sign-in in this browser before. Default: false. */
  readonly isKnownBrowser?: boolean
}

/** The facts of such a request, as the prompt would find them. Throws what the host's error for its parameters is. */
export async function assumedFacts(
  core: Core,
  record: MfaRecord,
  question: ExplainQuestion,
): Promise<PolicyFacts> {
  const { account, client, ip, isKnownBrowser = false } = question
  const params = paramsOf(question)
  const now = core.deps.clock.now()
  return factsFor(
    core,
    {
      record,
      params,
      request: isKnownBrowser ? 'known browser' : 'new browser',
      proofs: [firstProof(['pwd'], now)],
      requested: acrRequestOf({ params }),
      fresh: promptsIn(params).includes('mfa'),
      begunAt: now,
      ...(isNewLogin(params) ? { provedSince: now } : {}),
    },
    { account, client, ip },
  )
}

/** The parameters after the host has added the defaults of the client. */
function paramsOf({ client, params = {} }: ExplainQuestion): Readonly<Record<string, unknown>> {
  const { defaultAcrValues, defaultMaxAge } = client
  return {
    ...(defaultAcrValues === undefined ? {} : { acr_values: defaultAcrValues.join(' ') }),
    ...(defaultMaxAge === undefined ? {} : { max_age: defaultMaxAge }),
    ...params,
  }
}

/** Whether only proofs for this request count: the password was proved for it, and nothing else was. */
function isNewLogin(params: Readonly<Record<string, unknown>>): boolean {
  return params.max_age !== undefined || promptsIn(params).includes('login')
}

function promptsIn({ prompt }: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof prompt === 'string' ? prompt.split(' ') : []
}

/**
 * The proof on which the person could set up a first factor now (R10). Undefined: the account has a factor, which is the
 * proof.
 */
export async function enrolmentProofOf(
  core: Core,
  record: MfaRecord,
  { account, client, params = {} }: ExplainQuestion,
): Promise<FirstEnrolmentRule | undefined> {
  if (isEnrolled(record)) return undefined
  const firstSignIn = isFirstSignIn(record)
  const question = { account, client, params: { ...params }, firstSignIn }
  const given = await core.firstEnrolmentRule(question)
  const { address } = await core.describe(account)
  const rule = ruleWithMailbox(core.deps, record, given, address)
  if (rule === 'mailed-code' && address === undefined) return 'refused'
  return ruleNow(record, { rule, firstSignIn })
}
