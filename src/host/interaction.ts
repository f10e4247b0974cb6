import type { Adapter, AdapterPayload, InteractionResults, Provider } from 'oidc-provider'
import { interactionIn, presentContext } from './context.ts'

/** An interaction as `provider.interactionDetails` answers it. */
export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** An interaction as an adapter stores it. */
export type StoredInteraction = AdapterPayload & {
  readonly result?: InteractionResults | undefined
  readonly lastSubmission?: InteractionResults | undefined
  readonly cid?: unknown
}

/** The member of the payload that marks an answered interaction. */
const ANSWERED = 'answered'

/**
 * The id that all interactions of one authorization share: it stays the same from the first prompt to the last.
 * Undefined: the interaction was not made by this host.
 */
export function authorizationIdOf(
  interaction: { readonly cid?: unknown } | undefined,
): string | undefined {
  const cid = interaction?.cid
  return typeof cid === 'string' ? cid : undefined
}

/** The answers of earlier pages of the authorization. */
export function submissionOf({
  lastSubmission,
}: Pick<StoredInteraction, 'lastSubmission'>): Readonly<Record<string, unknown>> | undefined {
  return lastSubmission
}

/** A stored interaction with other answers of earlier pages. */
export function withSubmission(
  stored: StoredInteraction,
  submission: InteractionResults,
): StoredInteraction {
  return { ...stored, lastSubmission: submission }
}

/**
 * Stores `result` as the answer to an interaction, and answers where the browser goes on. Setting it on the interaction
 * that was loaded saves reading it again, as the host's `interactionFinished` does.
 */
export async function answer(interaction: Interaction, result: object): Promise<string> {
  interaction.result = { ...result }
  await interaction.persist()
  return interaction.returnTo
}

/** When an interaction began, in seconds since the Unix epoch. Undefined: the host does not say. */
export function beginningOf({ iat }: { readonly iat?: unknown }): number | undefined {
  return typeof iat === 'number' ? iat : undefined
}

/** An interaction by its uid, whatever cookies a request has. Undefined: it was answered, or it has expired. */
export async function findInteraction(
  provider: Provider,
  uid: string,
): Promise<Interaction | undefined> {
  return provider.Interaction.find(uid)
}

/** Whether an interaction is about the code of a device. */
export function isForDevice({ deviceCode }: { readonly deviceCode?: unknown }): boolean {
  return deviceCode !== undefined
}

/** Whether there is an interaction with this uid, or its remains. */
export async function isInteraction(provider: Provider, uid: string): Promise<boolean> {
  return (await provider.Interaction.adapter.find(uid)) !== undefined
}

/** The remains of an interaction that has expired or was answered. */
export interface EndedInteraction {
  /** The parameters of its authorization request. */
  readonly params: Readonly<Record<string, unknown>>
  /** Whether its page was answered and the host went on. False if it ran out of time. */
  readonly answered: boolean
}

/**
 * The stored remains of an interaction that has ended. The model finds no such interaction; a storage keeps it for a
 * while.
 */
export async function endedInteraction(provider: Provider, uid: string): Promise<EndedInteraction> {
  const stored = (await provider.Interaction.adapter.find(uid)) as AdapterPayload | undefined
  return { params: stored?.params ?? {}, answered: stored?.[ANSWERED] === true }
}

/** The member of an interaction's results that keeps challenges. It is no answer to a page. */
export const KEPT_CHALLENGES = 'mfaChallenges'

/** Whether a page of the interaction was answered, so that its resume goes on. */
export async function isAnswered(provider: Provider, uid: string): Promise<boolean> {
  const { result } = (await provider.Interaction.find(uid)) ?? {}
  return Object.keys(result ?? {}).some((name) => name !== KEPT_CHALLENGES)
}

/** The adapter of a model. The host makes it now, unless it has made it before. Throws what the adapter throws. */
export function adapterOf(
  provider: Provider,
  model: 'AuthorizationCode' | 'DeviceCode' | 'Interaction' | 'RefreshToken',
): Adapter {
  return provider[model].adapter
}

/**
 * The remains of the interaction `id`, if the present request has just ended it. They name its app. Their time of
 * expiry is long past, whatever difference of clocks the host tolerates, so that nobody can answer or resume the
 * interaction.
 */
export function remainsOf(id: string): AdapterPayload | undefined {
  const ended = interactionIn(presentContext()?.oidc)
  if (ended === undefined || ended.jti !== id) return undefined
  const { client_id, redirect_uri } = ended.params
  return {
    jti: id,
    kind: 'Interaction',
    exp: 1,
    [ANSWERED]: true,
    params: { client_id, redirect_uri },
  }
}
