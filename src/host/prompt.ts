import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'

const { Check, Prompt } = interactionPolicy
type Prompt = InstanceType<typeof Prompt>

/** A prompt with the same checks, each of which sees the context that `view` answers. */
export function promptSeeing(
  prompt: Prompt,
  view: (ctx: KoaContextWithOIDC) => Promise<KoaContextWithOIDC>,
): Prompt {
  const checks = [...prompt.checks].map(
    (check) =>
      new Check(
        check.reason,
        check.description,
        check.error as string,
        async (ctx) => check.check(await view(ctx)),
        async (ctx) => check.details(await view(ctx)),
      ),
  )
  const seeing = new Prompt(
    { name: prompt.name },
    async (ctx) => prompt.details(await view(ctx)),
    ...checks,
  )
  // With `requestable` the constructor would add the prompt's own check a second time.
  seeing.requestable = prompt.requestable
  return seeing
}

/** The host's checks of an essential acr, by the reasons that it gives them. */
export const ACR_CHECKS = ['essential_acr', 'essential_acrs']

/** Takes the host's checks of an essential acr out of its login prompt. */
export function removeAcrChecks(login: Prompt): void {
  for (const reason of ACR_CHECKS) login.checks.remove(reason)
}
