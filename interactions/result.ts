import type { AcceptedAttempt } from '../src/domain/mfa-record.ts'
import { combine, type Amr, type Assurance } from '../src/domain/assurance.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../src/domain/policy.ts'
import {
  answer,
  authorizationIdOf,
  submissionOf,
  type Interaction,
} from '../src/host/interaction.ts'
import { given } from '../src/host/given.ts'
import { providerOf, type Core } from './core.ts'
import { sealFirstFactor, sealLogin } from './seal.ts'

/** Whom a step is about: the pending first factor, or the session that a higher level is asked of. */
export interface Subject {
  readonly accountId: string
  readonly amr: readonly Amr[]
  /** When the first factor was shown: `auth_time` stays it. */
  readonly ts: number
  readonly epoch: number
  readonly remember?: boolean
  readonly extra?: Readonly<Record<string, unknown>>
}

/** No second factor was shown: a login page cannot say `mfa` of one kind of factor (R26). */
const NOTHING: Assurance = { amr: [], kinds: [], phishingResistant: false }

/**
 * The sole maker of interaction results. Everything that can sign a person in goes through here, and is sealed.
 * Answers where to go on.
 */
export async function writeFirstFactor(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  rest: object,
): Promise<string> {
  return write(core, interaction, { ...rest, ...firstFactorOf(core, cidOf(interaction), subject) })
}

/** `answeredAt`: when the login page has answered; now, unless a node without the plugin has served it. */
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

/** The first factor is all that policy asks for. */
export async function writePasswordLogin(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  rest: object,
): Promise<string> {
  return write(core, interaction, {
    ...rest,
    ...passwordLoginOf(core, cidOf(interaction), subject),
  })
}

export function passwordLoginOf(core: Core, cid: string, subject: Subject): object {
  const { amr } = combine(subject.amr, NOTHING)
  return { login: login(core, cid, subject, PASSWORD_ACR, amr), firstFactor: null }
}

/** The last factor was proved. */
export async function writeMultiFactorLogin(
  core: Core,
  interaction: Interaction,
  subject: Subject,
  accepted: AcceptedAttempt,
  answersMfa = true,
): Promise<string> {
  const { amr, multiFactor } = combine(subject.amr, accepted.assurance)
  return write(core, interaction, {
    login: login(
      core,
      cidOf(interaction),
      { ...subject, epoch: accepted.epoch },
      multiFactor ? MULTI_FACTOR_ACR : PASSWORD_ACR,
      amr,
    ),
    ...(answersMfa ? { mfa: { factor: accepted.factor, at: accepted.at } } : {}),
    firstFactor: null,
  })
}

/** Nothing was decided: the host goes through its checks again. */
export async function writeNothing(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {})
}

/**
 * The session has become too old for the app's max_age while its factors were changed: the app hears
 * `login_required`. Sent through the checks again, the person would be asked to make the change once more.
 */
export async function writeLoginRequired(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {
    error: 'login_required',
    error_description: 'max_age has passed',
  })
}

/**
 * Another person is at the browser: what was proved in this authorization counts no more, and the first factor is asked
 * for again. A `firstFactor` without a seal is one that does not count, whoever the session belongs to.
 */
export async function writeFirstFactorAgain(core: Core, interaction: Interaction): Promise<string> {
  return write(core, interaction, { firstFactor: false, login: undefined, mfa: undefined })
}

/** The person gave up: the app gets the standard's `access_denied`. */
export async function writeRefusal(core: Core, interaction: Interaction): Promise<string> {
  return persist(core, interaction, {
    error: 'access_denied',
    error_description: 'End-User aborted interaction',
  })
}

/** Keeps something with the interaction that is no answer to the host; what was submitted before stays beside it. */
export async function withResult(
  interaction: Interaction,
  name: string,
  value: unknown,
): Promise<void> {
  await answer(interaction, { ...submittedOf(interaction), [name]: value })
}

/** Takes it away again. */
export async function withoutResult(interaction: Interaction, name: string): Promise<void> {
  const { [name]: _, ...rest } = submittedOf(interaction)
  await answer(interaction, rest)
}

function submittedOf(interaction: Interaction): Readonly<Record<string, unknown>> {
  return { ...submissionOf(interaction), ...interaction.result }
}

/** What a seal binds a result to: the authorization that the interaction belongs to. */
function cidOf(interaction: Interaction): string {
  return given(authorizationIdOf(interaction), 'cid')
}

function login(
  core: Core,
  cid: string,
  { accountId, ts, epoch, remember, extra }: Subject,
  acr: string,
  amr: readonly Amr[],
): object {
  const sealed = sealLogin(core.deps.box, cid, {
    accountId,
    acr,
    amr,
    ts,
    epoch,
    ...(remember === undefined ? {} : { remember }),
  })
  return { ...extra, ...sealed }
}

/** Merges as the host's interactionFinished does. */
async function write(core: Core, interaction: Interaction, result: object): Promise<string> {
  return persist(core, interaction, { ...submissionOf(interaction), ...result })
}

async function persist(core: Core, interaction: Interaction, result: object): Promise<string> {
  return onIssuer(providerOf(core).issuer, await answer(interaction, result))
}

/**
 * The host makes the address of the request. Behind a proxy that ends TLS, and without `provider.proxy`, it says
 * http: the policy of our pages would stop their forms there.
 */
function onIssuer(issuer: string, returnTo: string): string {
  const { protocol, origin } = new URL(issuer)
  const { pathname, search } = new URL(returnTo)
  return protocol === 'https:' ? origin + pathname + search : returnTo
}
