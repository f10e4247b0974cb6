import type { Provider } from 'oidc-provider'
import type { AcceptedAttempt } from '../src/domain/mfa-record.ts'
import { combine, type Amr, type Assurance } from '../src/domain/assurance.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../src/domain/policy.ts'
import type { Core } from './core.ts'
import { sealFirstFactor, sealLogin } from './seal.ts'

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** Whom a step is about: the pending first factor, or the session that a higher level is asked of. */
export interface Subject {
  readonly accountId: string
  readonly amr: readonly Amr[]
  /** When the first factor was shown: `auth_time` stays it. */
  readonly ts: number
  readonly epoch: number
  readonly remember?: boolean
}

/** No second factor was shown: a login page cannot say `mfa` of one kind of factor (R26). */
const NOTHING: Assurance = { amr: [], kinds: [], phishingResistant: false }

/**
 * The sole writer of interaction results. Everything that can sign a person in goes through here, and is sealed.
 * Answers where to go on.
 */
export async function writeFirstFactor(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  rest: object,
): Promise<string> {
  const pending = { ...subject, answeredAt: core.deps.clock.now() }
  return write(interaction, {
    ...rest,
    firstFactor: sealFirstFactor(core.deps.box, interaction.cid, pending),
    // A login of an earlier step of the same authorization must not be applied again beside it.
    login: undefined,
  })
}

/** The first factor is all that policy asks for. */
export async function writePasswordLogin(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  rest: object,
): Promise<string> {
  return write(interaction, {
    ...rest,
    login: login(core, interaction, subject, PASSWORD_ACR, combine(subject.amr, NOTHING).amr),
    firstFactor: null,
  })
}

/** The last factor was proved. */
export async function writeMultiFactorLogin(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  accepted: AcceptedAttempt,
): Promise<string> {
  const { amr, multiFactor } = combine(subject.amr, accepted.assurance)
  return write(interaction, {
    login: login(
      core,
      interaction,
      { ...subject, epoch: accepted.epoch },
      multiFactor ? MULTI_FACTOR_ACR : PASSWORD_ACR,
      amr,
    ),
    mfa: { factor: accepted.factor, at: accepted.at },
    firstFactor: null,
  })
}

/** Nothing was decided: the host goes through its checks again. */
export async function writeNothing(interaction: Interaction): Promise<string> {
  interaction.result = {}
  await interaction.persist()
  return interaction.returnTo
}

/**
 * The session has become too old for the app's max_age while its factors were changed: the app hears
 * `login_required`. Sent through the checks again, the person would be asked to make the change once more.
 */
export async function writeLoginRequired(interaction: Interaction): Promise<string> {
  interaction.result = { error: 'login_required', error_description: 'max_age has passed' }
  await interaction.persist()
  return interaction.returnTo
}

/** The person gave up: the app gets the standard's `access_denied`. */
export async function writeRefusal(interaction: Interaction): Promise<string> {
  interaction.result = { error: 'access_denied', error_description: 'End-User aborted interaction' }
  await interaction.persist()
  return interaction.returnTo
}

function login(
  core: Core,
  interaction: Interaction,
  { accountId, ts, epoch, remember }: Subject,
  acr: string,
  amr: readonly Amr[],
): object {
  return sealLogin(core.deps.box, interaction.cid, {
    accountId,
    acr,
    amr,
    ts,
    epoch,
    ...(remember === undefined ? {} : { remember }),
  })
}

/**
 * As the host's interactionFinished merges, on the interaction that was loaded already: setting it there and
 * persisting saves reading it again.
 */
async function write(interaction: Interaction, result: object): Promise<string> {
  interaction.result = { ...interaction.lastSubmission, ...result }
  await interaction.persist()
  return interaction.returnTo
}
