import type Router from '@koa/router'
import type { Provider } from 'oidc-provider'
import { addAccountRoutes, CALLBACK_PATH } from '../../account/console.ts'
import { ACCOUNT_CLIENT_ID } from '../clients/account-client.ts'
import { pathOfRoute } from '../../host/provider.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { serverFactors, ServerMfa } from '../boot/mfa.ts'
import type { ShowPage } from './render.ts'

export interface AccountServices {
  readonly foundation: Foundation
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly factors: ReturnType<typeof serverFactors>
  readonly client: Readonly<Record<string, unknown>>
  readonly show: ShowPage
  /** The address at which this machine reaches this process. */
  readonly loopback?: string
}

const PURPOSE = 'account-page'

/** Adds the account page at `/account`, which is a relying party of the provider in the same process. */
export function addAccountPage(router: Router, services: AccountServices): void {
  const { foundation, provider, mfa, factors, client, show, loopback } = services
  const { issuer, box, clock, random } = foundation
  const at = (name: string): string => new URL(pathOfRoute(provider, name), issuer).href
  const signOut = new URLSearchParams({ client_id: ACCOUNT_CLIENT_ID })
  const idsOf = (kind: 'confirmed' | 'issued'): string[] =>
    factors.filter(({ enrolment }) => enrolment === kind).map(({ id }) => id)

  addAccountRoutes(router, {
    signIn: {
      issuer,
      clientId: ACCOUNT_CLIENT_ID,
      clientSecret: String(client['client_secret']),
      redirectUri: new URL(CALLBACK_PATH, issuer).href,
      idTokenAlgorithm: String(client['id_token_signed_response_alg']),
      endpoints: {
        authorization: at('authorization'),
        token: at('token'),
        userinfo: at('userinfo'),
      },
      fetch: loopback === undefined ? fetch : fetchFrom(loopback),
    },
    sealing: {
      seal: (text, purpose) => box.seal(text, { accountId: PURPOSE, purpose }),
      open: (sealed, purpose) => box.open(sealed, { accountId: PURPOSE, purpose }),
    },
    macs: box,
    now: () => clock.now(),
    newId: () => Buffer.from(random.bytes(16)).toString('base64url'),
    statusOf: (accountId) => mfa.accounts.status(accountId),
    factors: { lasting: idsOf('confirmed'), issued: idsOf('issued') },
    signOutHref: `${pathOfRoute(provider, 'end_session')}?${signOut.toString()}`,
    show: (ctx, page, model, about) => show(ctx, page, model, about),
  })
}

/**
 * Sends requests to this process itself, whatever the issuer's name resolves to here: behind a proxy the public
 * address may be out of reach, and another node would not know this node's client secret.
 */
function fetchFrom(loopback: string): typeof fetch {
  return (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input)
    return fetch(new URL(pathname + search, loopback), init)
  }
}

/** The address at which a process that listens on `host` is reached from its own machine. */
export function loopbackAddress(host: string, port: number): string {
  const reached = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}
