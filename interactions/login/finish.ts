import type { IncomingMessage, ServerResponse } from 'node:http'
import { completeSignIn, type PasswordProof } from '../../src/application/complete-sign-in.ts'
import type { Postponed } from '../../src/application/postpone.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { isProvedByPassword } from '../../src/domain/factor-change.ts'
import type { RequestDetail } from '../../src/domain/events.ts'
import { trustsIn, type ShownTrust } from '../../src/domain/trusted-browser.ts'
import { endReusedTrust } from '../../src/application/use-trust.ts'
import { CLOCK_SKEW_SECONDS } from '../../src/domain/time.ts'
import type { Instant } from '../../src/domain/time.ts'
import type { UpstreamAssurance } from '../../src/domain/policy/proofs.ts'
import type { Loaded } from '../../src/application/commit.ts'
import type { Place } from '../../src/application/place.ts'
import { isEarlierThan } from '../../src/domain/first-factor.ts'
import { beginningOf, type Interaction } from '../../src/host/interaction.ts'
import { keepBrowserToken, type BrowserTokens } from '../browser-token.ts'
import {
  clearTrustTokens,
  freshTrustToken,
  keepTrustToken,
  readTrustTokens,
  shownTrusts,
} from '../browser-trust.ts'
import { providerOf, type Core } from '../core.ts'
import { placeOf } from '../place.ts'
import { LATER } from '../later.ts'
import { OFFER } from '../step-up-offer.ts'
import {
  NEW_BROWSER,
  newBrowser,
  writeFirstFactor,
  writePasswordLogin,
  type Subject,
} from '../result.ts'
import { changeIn } from '../request.ts'
import { needsMore } from './policy.ts'
import { upstreamOf } from './upstream.ts'

/** The `login` that a login page answers with, in the host's own shape. `amr` defaults to `['pwd']`. */
export interface FirstFactorResult {
  readonly accountId: string
  readonly amr?: readonly string[]
  /**
   * The time at which the first factor was shown, in seconds since the epoch of Unix. Default: now. Where the request or
   * a rule limits the age of the proof, an earlier one than the authorization counts from this time.
   */
  readonly ts?: number
  /** False: the session ends with the browser. */
  readonly remember?: boolean
  /**
   * The answer of `mfa.accounts.epoch(accountId)` from *before* the stored password was read for the check. With it, a
   * password that was changed meanwhile does not count; without it, a password that was checked just before the change
   * does.
   */
  readonly epoch?: number
  /**
   * The identity provider that has signed the person in (`iss`), its `acr` and, as `amr` and `ts`, its `amr` and
   * `auth_time`. They count only as the option `upstream` says for this issuer: hand over what a token says that you have
   * verified, and nothing that a browser has sent.
   */
  readonly issuer?: unknown
  /** The `acr` of that provider. The level here is the one that was proved. */
  readonly acr?: unknown
  /** Members for checks and pages of your own. */
  readonly [name: string]: unknown
}

/**
 * The results that a login page answers with. Members other than `login` go to the host, except `mfa` and
 * `firstFactor`.
 */
export interface InteractionResults {
  readonly login?: FirstFactorResult
  readonly [name: string]: unknown
}

/**
 * Takes the place of the host's interactionResult in the login page, or in the page of a prompt before it. The `login`
 * of the results becomes a pending first factor, or a login where the policy asks for no more. Results without `login`
 * go to the host, without `mfa` and `firstFactor`.
 *
 * Throws MfaError `not-attached`, `wrong-prompt`, `options-invalid`, `account-unknown`, `interaction-expired`; the
 * host's SessionNotFound.
 */
export async function answerInteraction(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  results: InteractionResults,
  options: { mergeWithLastSubmission?: boolean } = {},
): Promise<string> {
  const { provider } = core
  if (provider === undefined)
    throw new MfaError('not-attached', 'Call mfa.attach(provider) right after `new Provider(...)`')
  // Only the pages of the second factor may set `mfa` and `firstFactor`.
  const {
    login,
    mfa: _mfa,
    firstFactor: _firstFactor,
    [OFFER]: _offer,
    [LATER]: _later,
    [NEW_BROWSER]: _newBrowser,
    ...others
  } = results
  if (login === undefined) return provider.interactionResult(request, response, others, options)

  const interaction = await provider.interactionDetails(request, response)
  refuseLaterPrompt(core, interaction.prompt.name)
  // A new first factor begins the proofs of this authorization anew: an earlier second factor may be another person's.
  const rest = { ...others, mfa: undefined }
  const now = core.deps.clock.now()
  const faults = faultsOfLogin(login, now)
  if (faults.length > 0) throw new MfaError('options-invalid', `login:\n- ${faults.join('\n- ')}`)
  const found = await core.record(undefined, login.accountId)
  if (login.epoch !== undefined && login.epoch !== found.record.epoch)
    throw new MfaError(
      'interaction-expired',
      'The account changed while the first factor was checked',
      {
        status: 410,
      },
    )
  const upstream = upstreamOf(core, interaction, login, now)
  const about = { now, begunAt: beginningOf(interaction), upstream }
  const subject = subjectOfLogin(login, found.record.epoch, about)
  const around = () => placeOf(core, request, interaction, subject, undefined)
  const detail = () => around().place.detail
  const exchange = { request, response }
  const { shown, seen } = await examineTrusts(core, exchange, interaction, found, detail)
  const { record } = seen
  const needed = await needsMore(core, request, response, interaction, { subject, record })
  if (needed.isMore) return writeFirstFactor(core, interaction, subject, rest)

  const { place, tokens } = around()
  const standIn = shown.find(({ id }) => id === needed.standIn?.id)
  const signIn = { interaction, subject, seen, place, tokens, standIn }
  return signInWithPassword(core, response, signIn, rest)
}

/**
 * The trusts whose tokens the browser of a sign-in shows (R14), and the record in which they were looked up. Ends the trust
 * in a browser that shows a replaced token, and makes the browser forget the cookies of trusts that have ended.
 */
async function examineTrusts(
  core: Core,
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
  { uid }: Interaction,
  found: Loaded,
  detail: () => RequestDetail,
): Promise<{ readonly shown: readonly ShownTrust[]; readonly seen: Loaded }> {
  const { accountId } = found.record
  const { deps } = core
  const { issuer } = providerOf(core)
  const tokens = readTrustTokens(exchange.request, issuer)
  const shown = shownTrusts(deps.box, accountId, tokens, uid)
  const isReused = shown.length > 0 && (await endReusedTrust(deps, found, shown, detail()))
  // The browser may have shown the present token of another trust, which has ended as well.
  const seen = isReused ? await core.record(undefined, accountId) : found
  const standing = trustsIn(seen.record, shown, deps.clock.now()).map(({ id }) => id)
  clearTrustTokens(deps.box, accountId, exchange, { issuer, standing })
  return { shown, seen }
}

/** A sign-in that is complete with the first factor alone. */
export interface PasswordSignIn {
  readonly interaction: Interaction
  readonly subject: Subject
  readonly seen: Loaded
  readonly place: Place
  readonly tokens: BrowserTokens
  /** The enrolment that the person has put off in it. */
  readonly postponed?: Postponed
  /** The token of the trust that stands in for a factor. Absent: none does (R14). */
  readonly standIn?: ShownTrust | undefined
}

/**
 * Completes a sign-in for which the policy asks for no second factor. Answers where the browser goes on. Throws MfaError
 * `interaction-expired`.
 */
export async function signInWithPassword(
  core: Core,
  response: ServerResponse,
  { interaction, subject, seen, place, tokens, postponed, standIn }: PasswordSignIn,
  rest: object,
): Promise<string> {
  const proved = proofOf(interaction, subject, seen)
  const completed = await completeSignIn(core.deps, place, seen, { proved, postponed, standIn })
  if (completed === undefined)
    throw new MfaError('interaction-expired', 'The account changed during the sign-in', {
      status: 410,
    })
  // A replaced token sets no cookie: another tab has set it. A form that is sent again sets its own again.
  if (standIn !== undefined && completed.isRenewed) {
    const { accountId } = subject
    const token = freshTrustToken(core.deps.box, accountId, interaction.uid, standIn.id)
    keepTrustToken({ request: response.req, response }, providerOf(core).issuer, token)
  }
  const known = seen.record.browsers.some((b) => place.tokenHashes.includes(b.tokenHash))
  if (!known) keepBrowserToken(response, providerOf(core).issuer, tokens)
  const own = { ...rest, ...newBrowser(subject.accountId, known) }
  return writePasswordLogin(core, interaction, { subject, record: seen.record }, own)
}

/**
 * The proof that the password of this sign-in is. A login page may name an earlier time at which the password was typed:
 * the minutes of the proof count from then.
 */
function proofOf(
  { params }: Interaction,
  { ts }: Subject,
  { record }: Loaded,
): PasswordProof | undefined {
  const change = changeIn(params)
  if (!isProvedByPassword(record, change)) return undefined
  const { purpose, secretHash } = change
  return { asked: { purpose, secretHash }, at: ts }
}

/**
 * A first factor answers the prompt `login`, or a prompt of the application's own before it, such as a sign-up: both are
 * asked before anything was proved. In a later prompt, it could take over a proof of another person. Throws MfaError
 * `wrong-prompt`.
 */
function refuseLaterPrompt({ taken }: Core, prompt: string): void {
  if (taken.firstFactorPrompts.has(prompt)) return
  throw new MfaError(
    'wrong-prompt',
    `A login result answers the prompt "login", or a prompt that comes before it in interactions.policy; this interaction asks "${prompt}"`,
    { status: 410 },
  )
}

/** The circumstances of a login page's answer. */
interface AboutAnswer {
  readonly now: Instant
  /** When the interaction began. */
  readonly begunAt?: Instant | undefined
  readonly upstream?: UpstreamAssurance | undefined
}

/** The person whom a login page has named, with the epoch in which this first factor counts. */
export function subjectOfLogin(
  login: FirstFactorResult,
  epoch: number,
  { now, begunAt, upstream }: AboutAnswer,
): Subject {
  // Another provider that names no methods has not said that it asked for a password.
  const unsaid = upstream === undefined ? ['pwd'] : []
  const { accountId, amr = unsaid, ts = now, remember, epoch: _epoch, ...rest } = login
  const { acr: _acr, seal: _seal, ...extra } = rest
  // Where another provider's word counts, only its level is left out when it is too old (`withoutOldLevels`).
  const isEarlier = upstream === undefined && isEarlierThan(begunAt, login.ts)
  return {
    accountId,
    amr,
    ts,
    epoch,
    ...(upstream === undefined ? {} : { upstream }),
    ...(isEarlier ? { isEarlier } : {}),
    ...(remember === undefined ? {} : { remember }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}

/**
 * The faults of a `login`, since plain JavaScript gets no help from types. If a faulty login were sealed, it would not
 * count when it is read again, and the person would be asked for the password for ever.
 */
export function faultsOfLogin(
  { accountId, amr, ts, remember }: Readonly<Record<string, unknown>>,
  now: Instant,
): string[] {
  const faults: string[] = []
  if (typeof accountId !== 'string' || accountId === '')
    faults.push('accountId must be a non-empty string')
  if (amr !== undefined && !(Array.isArray(amr) && amr.every((one) => typeof one === 'string')))
    faults.push('amr must be an array of strings')
  if (ts !== undefined && !(Number.isInteger(ts) && Number(ts) <= now + CLOCK_SKEW_SECONDS))
    faults.push('ts must be whole seconds since the epoch, and not in the future')
  if (remember !== undefined && typeof remember !== 'boolean')
    faults.push('remember must be a boolean')
  return faults
}
