import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { MfaError } from '../../src/domain/errors.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { findClient, type HostClient } from '../../src/host/provider.ts'
import { contextOfResume, type Resumable } from '../../src/host/resume.ts'
import type { Trust } from '../../src/domain/policy/decide.ts'
import { assertionOf } from '../../src/domain/policy/proofs.ts'
import { missesWish } from '../../src/domain/step-up-offer.ts'
import { isForDevice, submissionOf } from '../../src/host/interaction.ts'
import {
  isPostponedInSession,
  sessionOfInteraction,
  wishesOfSession,
} from '../../src/host/session.ts'
import { providerOf, type Core } from '../core.ts'
import { isPostponedIn } from '../later.ts'
import { offerIn } from '../step-up-offer.ts'
import { afterFirstFactor, type Known, type PolicyCase } from '../decide.ts'
import { acrRequestOf, changeIn, isFactorAsked, unknownAccount } from '../request.ts'
import { timesAtLogin } from '../request-times.ts'
import { proofsOf, type Subject } from '../result.ts'

/** The answer of `needsMore`. */
interface Needed {
  readonly isMore: boolean
  /** The trust in the browser that stands in for a factor, which the sign-in uses if no page comes. Absent: none does. */
  readonly standIn?: Trust | undefined
}

/**
 * Whether a page comes after the first factor that the login page has proved: the policy asks for more, or the app has
 * asked for a level that the person can set up (interactions/step-up-offer.ts). Throws MfaError
 * `interaction-expired`, `account-unknown`.
 */
export async function needsMore(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Resumable,
  { subject, record }: { readonly subject: Subject; readonly record: MfaRecord },
): Promise<Needed> {
  const { params } = interaction
  const fresh = asksFor(interaction, 'mfa') || isFactorAsked(record, changeIn(params))
  const known = async (): Promise<Known> => {
    const { ctx, client } = await contextAtResume(core, request, response, interaction, subject)
    const account = await core.account(ctx, subject.accountId)
    if (account === undefined) throw unknownAccount()
    return { account, client, ip: ctx.ip }
  }
  const given = await caseOf(core, request, interaction, { subject, record, fresh })
  const { requested } = given
  const { step, standIn } = await afterFirstFactor(core, given, known)
  if (step !== 'none') return { isMore: true }
  const { levels } = core.policy
  const answered = assertionOf(levels, given.proofs)?.rank ?? 0
  if (isForDevice(interaction) || !missesWish(levels, requested, answered))
    return { isMore: false, standIn }
  const { account, client } = await known()
  const { offer } = await offerIn(core, {
    question: { account, client, params: { ...params } },
    record,
    answered,
    results: { ...submissionOf(interaction), ...interaction.result },
    wishes: await wishesOfSession(providerOf(core), interaction.session),
  })
  return { isMore: offer !== 'none', standIn }
}

/** The case of a person whom the login page has just recognised by the proofs of `subject`. */
export async function caseOf(
  core: Core,
  request: IncomingMessage,
  interaction: Resumable,
  {
    subject,
    record,
    fresh,
  }: { readonly subject: Subject; readonly record: MfaRecord; readonly fresh: boolean },
): Promise<PolicyCase> {
  const { params } = interaction
  return {
    record,
    params,
    request,
    interaction: interaction.uid,
    proofs: proofsOf(subject),
    requested: acrRequestOf({ params }),
    fresh,
    ...(await timesAtLogin(core, interaction, subject)),
    isPostponed: async () =>
      isForDevice(interaction) ||
      isPostponedIn({ ...submissionOf(interaction), ...interaction.result }, subject.accountId) ||
      isPostponedInSession(
        await sessionOfInteraction(providerOf(core), interaction.session),
        subject.accountId,
      ),
  }
}

interface AtResume {
  readonly ctx: KoaContextWithOIDC
  readonly client: HostClient
}

/** A context that looks like the host's at the resume, with the person in the session. */
export async function contextAtResume(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Resumable,
  subject: Subject,
): Promise<AtResume> {
  const provider = providerOf(core)
  const client = await findClient(provider, String(interaction.params.client_id))
  if (client === undefined)
    throw new MfaError('interaction-expired', 'The client of this sign-in is gone', { status: 410 })
  const { accountId, amr, ts, remember, extra } = subject
  const login = { ...extra, accountId, amr, ts, remember }
  const ctx = contextOfResume(provider, { request, response }, interaction, { client, login })
  return { ctx, client }
}

function asksFor({ params: { prompt } }: Resumable, name: string): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes(name)
}
