import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type ClientMetadata, type Configuration } from 'oidc-provider'

/** The person's action at the provider: a sign-in with this `acr` and `amr`, or a refusal. */
export interface Decision {
  acr: string
  amr: string[]
  refuse?: boolean
}

/**
 * Starts a provider without our plugin, to test relying parties. It has no login page: it signs `mira` in as the
 * decision says.
 */
export async function startPlainProvider(decision: Decision): Promise<{
  issuer: string
  register: (client: Partial<ClientMetadata>) => void
  close: () => Promise<void>
}> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`

  return {
    issuer,
    register(client) {
      const provider = new Provider(issuer, configurationFor(client as ClientMetadata))
      provider.use(async (ctx, next) => {
        if (!ctx.path.startsWith('/interaction/')) return void (await next())
        const { prompt, params } = await provider.interactionDetails(ctx.req, ctx.res)
        if (decision.refuse === true)
          return provider.interactionFinished(ctx.req, ctx.res, {
            error: 'access_denied',
            error_description: 'The person said no.',
          })
        const { acr, amr } = decision
        const grant = new provider.Grant({
          accountId: 'mira',
          clientId: String(params['client_id']),
        })
        grant.addOIDCScope('openid profile email')
        return provider.interactionFinished(
          ctx.req,
          ctx.res,
          prompt.name === 'login'
            ? { login: { accountId: 'mira', acr, amr } }
            : { consent: { grantId: await grant.save() } },
        )
      })
      const handle = provider.callback()
      server.on('request', (request, response) => void handle(request, response))
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function configurationFor(client: ClientMetadata): Configuration {
  return {
    clients: [client],
    acrValues: ['one-factor', 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      profile: ['name', 'preferred_username'],
      email: ['email'],
    },
    cookies: { keys: ['a key of this test'] },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        // The host's own page asks for a confirmation. The form of this page already contains the confirmation.
        logoutSource: (ctx, form) => {
          ctx.body = `<body data-page="logout">${form.replace(
            '</form>',
            '<input type="hidden" name="logout" value="yes"></form>',
          )}`
        },
      },
    },
    // By default the host refuses to connect to addresses of this machine, where the app under test runs.
    fetch: (url, options) => {
      const { body = null, headers = {}, method = 'GET', signal = null } = options ?? {}
      return globalThis.fetch(url, { body, headers, method, signal })
    },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        name: 'Mira <b>K</b>',
        preferred_username: 'mira',
        email: 'mira@example.com',
      }),
    }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  }
}
