import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type AdapterFactory, type Configuration, type JWK } from 'oidc-provider'
import { readForm } from '../src/http/body.ts'
import type { Mfa } from '../src/index.ts'
import type { Passwords } from './passwords.ts'

export const CLIENT = {
  client_id: 'app',
  client_secret: 'app-secret-app-secret-app-secret-app',
  client_name: 'Fieldnotes',
  redirect_uris: ['https://app.example/callback'],
}

export interface BenchHost {
  readonly issuer: string
  /** Undefined: this host has no second factor. */
  readonly mfa: Mfa | undefined
  close(): Promise<void>
}

/**
 * Starts the application whose sign-in is measured: a login page with an argon2id password, a grant that is made
 * without consent, and one confidential client. With `attach` it has the second factor. Without `attach` it is the
 * floor of the comparison; everything else is the same.
 */
export async function startBenchHost(options: {
  readonly adapter: AdapterFactory
  readonly passwords: Passwords
  /** Puts the form for a passkey on the login page, before that of the password. */
  readonly offersPasskeys?: boolean
  readonly attach?: (
    issuer: string,
    configuration: Configuration,
  ) => { provider: Provider; mfa: Mfa }
}): Promise<BenchHost> {
  // A relying party's connection must outlive the pauses between two rounds.
  const server = createServer({ keepAliveTimeout: 300_000 })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  // Browsers know passkeys of a name, and never of an address.
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const configuration = configurationOf(options.adapter)
  const { provider, mfa } = options.attach?.(issuer, configuration) ?? {
    provider: new Provider(issuer, configuration),
    mfa: undefined,
  }
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    if (ctx.method === 'GET') {
      await provider.interactionDetails(ctx.req, ctx.res)
      const passkey =
        options.offersPasskeys === true && mfa
          ? await mfa.passkeySignIn(ctx.req, ctx.res)
          : { html: '' }
      ctx.type = 'html'
      ctx.body = `${passkey.html}<form method="post"><input name="username"><input name="password" type="password"><button>Sign in</button></form>`
      return
    }
    const { username = '', password = '' } = await readForm(ctx)
    if (!(await options.passwords.check(password))) return void (ctx.status = 401)
    ctx.respond = false
    await (mfa ?? provider).interactionFinished(ctx.req, ctx.res, {
      login: { accountId: username },
    })
  })
  server.on('request', provider.callback())
  return {
    issuer,
    mfa,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** One confidential client, and a grant that is made without a page. */
function configurationOf(adapter: AdapterFactory): Configuration {
  return {
    adapter,
    clients: [CLIENT],
    cookies: { keys: ['cookie-key-of-the-benchmark'] },
    jwks: { keys: [signingKey()] },
    ttl: { Interaction: 600, Grant: 86_400, Session: 86_400, AccessToken: 3_600, IdToken: 3_600 },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub'], email: ['email'] },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com` }),
    }),
    async loadExistingGrant(ctx) {
      const { client, session, provider } = ctx.oidc
      const grant = new provider.Grant({
        clientId: client!.clientId,
        accountId: session!.accountId!,
      })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
  }
}

/** RS256, the algorithm with which the host signs unless a client asks for another. */
function signingKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kty: 'RSA', use: 'sig' }
}
