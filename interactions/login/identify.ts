import type { IncomingMessage, ServerResponse } from 'node:http'
import { makeChallenge, type KeptChallenge } from '../../src/application/challenge-factor.ts'
import { findByHandle, findOwner } from '../../src/application/find-owner.ts'
import { verifyFactor } from '../../src/application/verify-factor.ts'
import { isMultiFactorAlone } from '../../src/domain/assurance.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { recoveryState } from '../../src/domain/recovery.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { keepBrowserToken } from '../browser-token.ts'
import { localeIn, providerOf, type Core } from '../core.ts'
import { dropChallenge, keepChallenge, keptChallenge } from '../mfa/kept-challenge.ts'
import { placeOf, recordedName } from '../place.ts'
import { changeIn } from '../request.ts'
import type { Interaction } from '../../src/host/interaction.ts'
import {
  newBrowser,
  provedWith,
  writeFirstFactor,
  writeMultiFactorLogin,
  type Subject,
} from '../result.ts'
import { stepOf } from '../decide.ts'
import { caseOf, contextAtResume } from './policy.ts'

/**
 * These functions sign a person in with a credential that names its owner, on the application's own login page: nobody
 * types a user name or a password. The credential has to prove two different kinds of factor by itself (R26).
 */

/**
 * Opens a challenge in this interaction and answers the data of it for the login page: the answer of the factor's
 * `describeVerification`. Throws MfaError `not-attached`, `options-invalid`, `wrong-prompt`; the host's
 * SessionNotFound.
 */
export async function openIdentification(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  factorId: string,
): Promise<JsonObject> {
  const factor = identifyingFactor(core, factorId)
  const interaction = await loginInteraction(core, request, response)
  return openChallengeIn(core, request, interaction, factor)
}

/** Does the same for an interaction and a factor that were found before. */
export async function openChallengeIn(
  core: Core,
  { headers }: Pick<IncomingMessage, 'headers'>,
  interaction: Interaction,
  factor: AnyFactor,
): Promise<JsonObject> {
  const locale = localeIn(core, headers, interaction.params)
  const place = { interaction: recordedName(interaction) }
  const { issuer } = providerOf(core)
  const sealed = await makeChallenge(core.deps, factor, place, { states: [], locale, issuer })
  if (sealed === undefined) throw new Error(`The factor ${factor.id} has made no challenge`)
  await keepChallenge(interaction, factor, sealed)
  const kept = keptChallenge(core, interaction, factor, place)
  return (await factor.describeVerification?.([], kept?.value)) ?? {}
}

/**
 * Examines the response that the login page received, and spends the challenge whatever the outcome. Answers where the
 * browser goes on. Undefined: the response is refused, with one answer for every reason (R33). Throws the errors of
 * `openIdentification` and of a commit.
 *
 * The record marks the challenge of an accepted response as spent, and the login takes the place of the challenge in the
 * interaction. It stays there until then, so that a second tap on another node finds it too (R38).
 */
export async function answerIdentification(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  given: { readonly factorId: string; readonly form: Form },
): Promise<string | undefined> {
  const factor = identifyingFactor(core, given.factorId)
  const interaction = await loginInteraction(core, request, response)
  const location = await examine(core, { request, response, interaction, factor }, given.form)
  // Another response may have been accepted meanwhile: its login stays in the interaction.
  if (location === undefined)
    await dropChallenge(await loginInteraction(core, request, response), factor)
  return location
}

async function examine(
  core: Core,
  exchange: Pick<Attempt, 'request' | 'response' | 'interaction' | 'factor'>,
  form: Form,
): Promise<string | undefined> {
  const { interaction, factor } = exchange
  const kept = keptChallenge(core, interaction, factor, {
    interaction: recordedName(interaction),
  })
  const typed: unknown = factor.parseResponse(form)
  if (typed === undefined) return undefined
  const accountId = await findOwner(core.deps, factor, typed)
  if (accountId === undefined) return examineNothing(core, factor, typed, kept)
  return signIn(core, { ...exchange, typed, kept, accountId })
}

/**
 * The id of the credential in a refused form, if no account has it: the browser may then forget the credential. It tells
 * nothing of the accounts that there are.
 */
export async function unknownCredential(
  { deps }: Core,
  factor: AnyFactor,
  form: Form,
): Promise<string | undefined> {
  const typed: unknown = factor.parseResponse(form)
  const credential = typed === undefined ? undefined : factor.credentialOf?.(typed)
  if (credential === undefined) return undefined
  const owner = await findByHandle(deps, factor, credential.handle)
  return owner === undefined ? credential.id : undefined
}

interface Attempt {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly interaction: Interaction
  readonly factor: AnyFactor
  readonly typed: unknown
  /** Undefined: it was spent or is over. The response is then accepted only if it is a double tap (R38). */
  readonly kept: KeptChallenge | undefined
  readonly accountId: string
}

async function signIn(core: Core, attempt: Attempt): Promise<string | undefined> {
  const { request, response, interaction, factor, typed, kept, accountId } = attempt
  const seen = await core.record(undefined, accountId)
  const subject: Subject = {
    accountId,
    amr: [],
    ts: core.deps.clock.now(),
    epoch: seen.record.epoch,
    alone: true,
  }
  const { ctx, client } = await contextAtResume(core, request, response, interaction, subject)
  const account = await core.account(ctx, accountId)
  // The account was deleted or disabled.
  if (account === undefined || !(await core.maySignIn(account)))
    return examineNothing(core, factor, typed, kept)
  const { place, tokens } = placeOf(core, request, interaction, subject, ctx.ip)
  const { record } = seen
  const provedBy = (accepted: AcceptedAttempt): Subject => {
    const { amr } = accepted.assurance
    const proofs = provedWith(core, subject, { accepted, record })
    return { ...subject, amr, epoch: accepted.epoch, proofs }
  }
  const isEnough = async (accepted: AcceptedAttempt): Promise<boolean> => {
    // While somebody recovers the account, a factor is asked for once more: the question whether it is the person
    // comes after it (R9).
    if (recoveryState(record, accepted.at).state !== 'none') return false
    // A change of factors needs a fresh proof of its own (R11): this proof is spent on the sign-in.
    const fresh = changeIn(interaction.params) !== undefined
    const about = { subject: provedBy(accepted), record, fresh }
    const asked = await caseOf(core, request, interaction, about)
    const { step } = await stepOf(core, asked, { account, client, ip: ctx.ip })
    return step === 'none' || step === 'enrol-later'
  }
  const shown = { seen, kept, suffices: isMultiFactorAlone, isLast: isEnough }
  const outcome = await verifyFactor(core.deps, factor, place, typed, shown).catch(ofFlood)
  if (outcome?.outcome !== 'accepted') return undefined
  const { accepted } = outcome
  const known = record.browsers.some(({ tokenHash }) => place.tokenHashes.includes(tokenHash))
  const rest = newBrowser(accountId, known)
  // Where the policy asks for more, nobody is signed in and no browser becomes known before the rest is proved (R17).
  if (accepted.isPart === true) return writeFirstFactor(core, interaction, provedBy(accepted), rest)
  if (!known) keepBrowserToken(response, providerOf(core).issuer, tokens)
  return writeMultiFactorLogin(core, interaction, subject, { accepted, record, rest })
}

/** Too many attempts at one account at once are refused like any other: 429 would tell that there is the account (R33). */
function ofFlood(error: unknown): undefined {
  if (!(error instanceof MfaError && error.code === 'too-many-attempts')) throw error
}

/**
 * Examines a response of nobody, as for an account without an authenticator. A factor may stop before it verifies a
 * signature. That reveals no account to strangers, because a handle is a random value that only the credential has.
 */
async function examineNothing(
  core: Core,
  factor: AnyFactor,
  response: unknown,
  kept: KeptChallenge | undefined,
): Promise<undefined> {
  if (kept === undefined) return
  await factor.examine({
    states: [],
    challenge: kept.value,
    response,
    now: core.deps.clock.now(),
    hasher: core.deps.hasher,
  })
}

export function identifyingFactor(core: Core, id: string): AnyFactor {
  const factor = core.deps.factors.get(id)
  if (factor?.identify === undefined)
    throw new MfaError(
      'options-invalid',
      `There is no factor "${id}" among \`factors\` whose responses name their owner (\`identify\`)`,
    )
  return factor
}

export async function loginInteraction(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Interaction> {
  const interaction = await providerOf(core).interactionDetails(request, response)
  if (interaction.prompt.name !== 'login')
    throw new MfaError(
      'wrong-prompt',
      `Identification answers the prompt "login"; this interaction asks "${interaction.prompt.name}"`,
      { status: 410 },
    )
  return interaction
}
