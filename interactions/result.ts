import type { AcceptedAttempt } from '../src/domain/mfa-record.ts'
import type { Amr } from '../src/domain/assurance.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { assertionOf, type Proof, type UpstreamAssurance } from '../src/domain/policy/proofs.ts'
import { firstProof, mergedProofs, secondProof } from '../src/domain/policy/session-proofs.ts'
import {
  answer,
  authorizationIdOf,
  submissionOf,
  type Interaction,
} from '../src/host/interaction.ts'
import { given } from '../src/host/given.ts'
import { providerOf, type Core } from './core.ts'
import { sealFirstFactor, sealLogin } from './seal.ts'

/** The person whom a step is about, from the pending first factor, or from the session in a step-up. */
export interface Subject {
  readonly accountId: string
  readonly amr: readonly Amr[]
  /** The time at which the first factor was shown. `auth_time` stays this time. */
  readonly ts: number
  readonly epoch: number
  /** The assurance of the first factor on the word of an upstream provider. Absent: it is of one kind. */
  readonly upstream?: UpstreamAssurance
  /** Whether the first factor was shown before the authorization began. */
  readonly isEarlier?: boolean
  /** When the login page answered. Absent: the person is that of a session. */
  readonly answeredAt?: number
  /** The proofs that were given before. Absent: the first factor alone. */
  readonly proofs?: readonly Proof[]
  /** The proofs are those of a factor with which the person signs in alone. */
  readonly alone?: true
  readonly remember?: boolean
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A person in a session, whose earlier proofs count beside those of the present step. */
export interface SessionSubject extends Subject {
  readonly proofs: readonly Proof[]
}

/** The proofs that a person has given before the present step: the first factor, or those of the session. */
export function proofsOf(
  subject: Subject | SessionSubject,
  record?: Pick<MfaRecord, 'history'>,
): readonly Proof[] {
  const { amr, ts, upstream, proofs } = subject
  if (proofs !== undefined) return proofs
  const isNothing = amr.length === 0 && upstream === undefined
  return isNothing ? [] : [firstProof(amr, ts, record, upstream)]
}

/**
 * Stores a pending first factor as the result and answers where the browser goes on. Only this module makes results
 * that can sign a person in, and it seals each of them.
 */
export async function writeFirstFactor(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  rest: object,
): Promise<string> {
  return write(core, interaction, { ...rest, ...firstFactorOf(core, cidOf(interaction), subject) })
}

/**
 * `answeredAt` is the time of the login page's answer. It is not now where a node without the plugin served the page.
 */
export function firstFactorOf(
  core: Core,
  cid: string,
  subject: Subject,
  answeredAt = core.deps.clock.now(),
): object {
  const pending = { ...subject, answeredAt }
  return {
    firstFactor: sealFirstFactor(core.deps.box, cid, pending),
    // A login of an earlier step of the same authorization must not be applied again beside it.
    login: undefined,
  }
}

/** The member of an interaction's results that names the account for which this browser was new before the sign-in. */
export const NEW_BROWSER = 'mfaNewBrowser'

/** Keeps with the results that the browser was new: the sign-in has made it known meanwhile. */
export function newBrowser(accountId: string, isKnown: boolean): object {
  return isKnown ? {} : { [NEW_BROWSER]: accountId }
}

/** Stores a login where the policy asks for no more than the first factor. */
export async function writePasswordLogin(
  core: Core,
  interaction: Interaction,
  { subject, record }: { readonly subject: Subject; readonly record: MfaRecord },
  rest: object,
): Promise<string> {
  const location = await write(core, interaction, {
    ...rest,
    ...passwordLoginOf(core, cidOf(interaction), subject, record),
  })
  core.deps.measures.step({ step: 'sign-in', outcome: 'accepted' })
  return location
}

/** `record`: that of the account, whose recovery marks the proof. Absent: the account has never changed. */
export function passwordLoginOf(
  core: Core,
  cid: string,
  subject: Subject,
  record?: MfaRecord,
): object {
  return { login: login(core, cid, subject, proofsOf(subject, record)), firstFactor: null }
}

/**
 * The shown factor, as the host is told of it. `since`: when the first proof of this authorization was given; in a step-up
 * the proofs of the session came before it.
 */
function shownIn(subject: Subject | SessionSubject, { factor, at }: AcceptedAttempt): object {
  const { ts, isEarlier, proofs, answeredAt } = subject
  if (proofs !== undefined && answeredAt === undefined) return { factor, at, since: at }
  return isEarlier === true
    ? { factor, at, since: at, isEarlier }
    : { factor, at, since: Math.min(ts, at) }
}

/** A second factor that was accepted. */
export interface Accepted {
  readonly accepted: AcceptedAttempt
  readonly record: Pick<MfaRecord, 'history'>
  /** Whether it answers the prompt. Default: true. */
  readonly answersMfa?: boolean
  /** Members of the result beside the login. */
  readonly rest?: object
}

/** Stores a login after the last factor was proved. */
export async function writeMultiFactorLogin(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  { accepted, record, answersMfa = true, rest = {} }: Accepted,
): Promise<string> {
  const proofs = provedWith(core, subject, { accepted, record })
  const location = await write(core, interaction, {
    ...rest,
    login: login(core, cidOf(interaction), { ...subject, epoch: accepted.epoch }, proofs),
    ...(answersMfa ? { mfa: shownIn(subject, accepted) } : {}),
    firstFactor: null,
  })
  core.deps.measures.step({ step: 'sign-in', factor: accepted.factor, outcome: 'accepted' })
  return location
}

/**
 * Keeps the proofs of a sign-in in which the policy asks for one more factor. Nobody is signed in before that one (R17).
 * The time of the login page's answer stays, so that the sign-in ends with it.
 */
export async function writeProofs(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  { accepted, record, rest = {} }: Accepted,
): Promise<string> {
  const proofs = provedWith(core, subject, { accepted, record })
  const { alone: _, ...before } = subject
  const proved = { ...before, epoch: accepted.epoch, proofs }
  const kept = firstFactorOf(core, cidOf(interaction), proved, subject.answeredAt)
  return write(core, interaction, { ...rest, ...kept })
}

/** The proofs of a sign-in with the factor that was accepted last. */
export function provedWith(
  { deps, sessionSeconds }: Core,
  subject: Subject,
  { accepted, record }: Pick<Accepted, 'accepted' | 'record'>,
): readonly Proof[] {
  const now = deps.clock.now()
  return mergedProofs(proofsOf(subject, record), [secondProof(accepted, record)], {
    now,
    sessionSeconds,
  })
}

/** Stores an empty result, after which the host goes through its checks again. */
export async function writeNothing(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {})
}

/**
 * Answers the app with `login_required`, because the session became too old for its max_age while the factors were
 * changed. If the host went through its checks again, the person would be asked to make the change once more.
 */
export async function writeLoginRequired(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {
    error: 'login_required',
    error_description: 'max_age has passed',
  })
}

/**
 * Has the first factor asked for again, because another person is at the browser: the proofs of this authorization no
 * longer count. A `firstFactor` without a seal makes the login prompt ask, even if the browser has a session.
 */
export async function writeFirstFactorAgain(
  core: Core,
  interaction: Interaction,
  rest: object = {},
): Promise<string> {
  return write(core, interaction, {
    ...rest,
    firstFactor: false,
    login: undefined,
    mfa: undefined,
  })
}

/** Stores a person's answer that changes nothing about the sign-in itself. */
export async function writeReply(
  core: Core,
  interaction: Interaction,
  reply: object,
): Promise<string> {
  return write(core, interaction, reply)
}

/** Answers the app with the standard's `access_denied`, because the person gave up. */
export async function writeRefusal(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {
    error: 'access_denied',
    error_description: 'End-User aborted interaction',
  })
}

/** Keeps a value with the interaction that is not an answer to the host. Earlier submissions stay beside it. */
export async function withResult(
  interaction: Interaction,
  name: string,
  value: unknown,
): Promise<void> {
  await answer(interaction, { ...submittedOf(interaction), [name]: value })
}

/** Removes a value that `withResult` has kept. */
export async function withoutResult(interaction: Interaction, name: string): Promise<void> {
  const { [name]: _, ...rest } = submittedOf(interaction)
  await answer(interaction, rest)
}

function submittedOf(interaction: Interaction): Readonly<Record<string, unknown>> {
  return { ...submissionOf(interaction), ...interaction.result }
}

/** The id of the authorization that the interaction belongs to. A seal binds a result to it. */
function cidOf(interaction: Interaction): string {
  return given(authorizationIdOf(interaction), 'cid')
}

function login(
  core: Core,
  cid: string,
  { accountId, ts, epoch, remember, extra }: Subject,
  proofs: readonly Proof[],
): object {
  const { levels } = core.policy
  const { acr, amr } = assertionOf(levels, proofs) ?? { acr: levels[0].acr, amr: [] }
  const sealed = sealLogin(core.deps.box, cid, {
    accountId,
    acr,
    amr,
    ts,
    epoch,
    proofs,
    ...(remember === undefined ? {} : { remember }),
  })
  return { ...extra, ...sealed }
}

/** Merges the result with earlier submissions, as the host's interactionFinished does. */
async function write(core: Core, interaction: Interaction, result: object): Promise<string> {
  return persist(core, interaction, { ...submissionOf(interaction), ...result })
}

async function persist(core: Core, interaction: Interaction, result: object): Promise<string> {
  return onIssuer(providerOf(core).issuer, await answer(interaction, result))
}

/**
 * The host makes the address from that of the request. Behind a proxy that ends TLS, and without `provider.proxy`, the
 * address begins with http, and the content security policy of our pages would stop their forms.
 */
function onIssuer(issuer: string, returnTo: string): string {
  const { protocol, origin } = new URL(issuer)
  const { pathname, search } = new URL(returnTo)
  return protocol === 'https:' ? origin + pathname + search : returnTo
}
