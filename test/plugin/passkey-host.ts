import type { Middleware } from 'koa'
import type { Configuration } from 'oidc-provider'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp, type Mfa, type MfaOptions } from '../../src/index.ts'
import type { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { authorizeUrl, follow, showPassword, startHost, type Host } from './host.ts'

type SignIn = Awaited<ReturnType<Mfa['passkeySignIn']>>

/** The application's login page, with the plugin's form for a passkey on it. `given`: receives what the plugin gives. */
export function loginPageWithPasskeys(mfa: Mfa, given: SignIn[] = []): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'GET' || !/^\/interaction\/[^/]+$/.test(ctx.path)) return next()
    let form: SignIn
    try {
      form = await mfa.passkeySignIn(ctx.req, ctx.res)
      given.push(form)
    } catch (error) {
      // The page of another prompt.
      if ((error as { code?: string }).code === 'wrong-prompt') return next()
      throw error
    }
    ctx.type = 'html'
    ctx.body =
      '<body data-page="host-login"><form method="post"><input name="username" autocomplete="username">' +
      `<input name="password" type="password"><button>Go on</button></form>${form.html}</body>`
  }
}

export interface PasskeyHost {
  readonly host: Host
  /** The accounts that findAccount does not know any more. */
  readonly disabled: Set<string>
  /** The forms that the plugin has given to the login page. */
  readonly forms: SignIn[]
  /** Sets up a passkey in the first sign-in of a person. `lies`: parts of the response that are not the truth. */
  enrol(
    username: string,
    key: SoftAuthenticator,
    lies?: Parameters<SoftAuthenticator['create']>[1],
  ): Promise<void>
  /** Shows the login page of an authorization request. */
  open(parameters?: Record<string, string>, client?: HttpClient): Promise<Opened>
}

export interface Opened {
  readonly client: HttpClient
  readonly page: Page
  readonly options: string
  /** Sends a credential in the form of the page. */
  answer(credential: string): Promise<Page>
}

export async function startPasskeyHost(
  mfa: Partial<MfaOptions> = {},
  configuration: Partial<Configuration> = {},
): Promise<PasskeyHost> {
  const disabled = new Set<string>()
  const forms: SignIn[] = []
  const host = await startHost({
    hostname: 'localhost',
    middleware: (plugin) => loginPageWithPasskeys(plugin, forms),
    mfa: { factors: [passkeys(), totp(), backupCodes()], ...mfa },
    configuration: {
      findAccount: async (_ctx, sub) =>
        disabled.has(sub) ? undefined : { accountId: sub, claims: async () => ({ sub }) },
      ...configuration,
    },
  })
  return {
    host,
    disabled,
    forms,
    async enrol(username, key, lies) {
      const client = new HttpClient()
      const choice = await showPassword(host, client, username)
      const page = await follow(host, client, await client.submit(choice, { factor: 'passkey' }))
      const credential = key.create(optionsOf(page), lies)
      const codes = await follow(host, client, await client.submit(page, { credential }))
      await follow(host, client, await client.submit(codes, { saved: 'yes' }))
      await host.mfa.settled()
    },
    async open(parameters = {}, client = new HttpClient()) {
      const first = await client.get(authorizeUrl(host, parameters))
      const page = await follow(host, client, first)
      return {
        client,
        page,
        options: optionsOf(page),
        answer: (credential) =>
          client.submit(page, { credential }, { form: 'form[data-passkey-sign-in]' }),
      }
    },
  }
}
