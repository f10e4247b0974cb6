import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { explain } from './errors.ts'
import { APP_NAME, ICON, errorPage, homePage, signedInPage, transferPage } from './pages.ts'
import { hasFreshFactor, MULTI_FACTOR, Provider, type Asked } from './provider.ts'
import { Sessions, type Session } from './sessions.ts'

export interface RelyingPartyOptions {
  readonly issuer: string
  readonly clientId: string
  /** Absent: a public client. */
  readonly clientSecret?: string
  /** The time, in seconds since the Unix epoch. */
  readonly now: () => number
  /** 0: any free port. */
  readonly port: number
  readonly host?: string
  /** The address at which browsers reach the app. Default: http://localhost:PORT. */
  readonly publicUrl?: string
}

export interface RelyingParty {
  readonly url: string
  close(): Promise<void>
}

/** The client metadata of this app (RFC 7591), for its provider. */
export function clientMetadata(options: {
  readonly clientId: string
  readonly clientSecret?: string
  readonly url: string
}): Record<string, unknown> {
  const { clientId, clientSecret, url } = options
  return {
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
    client_name: APP_NAME,
    token_endpoint_auth_method: clientSecret === undefined ? 'none' : 'client_secret_basic',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`${url}/callback`],
    post_logout_redirect_uris: [`${url}/signed-out`],
    backchannel_logout_uri: `${url}/backchannel-logout`,
    backchannel_logout_session_required: true,
  }
}

/**
 * Browsers send a cookie to every port of a host, so this name must differ from the names of the provider's cookies.
 */
const COOKIE = 'fieldnotes_session'
/** The page on which money is sent, and how old a second factor may be for it. */
const TRANSFER_PATH = '/transfer'
const FRESH_SECONDS = 5 * 60

/** Starts the app. It looks for its provider only when somebody signs in, so either of the two may start first. */
export async function startRelyingParty(options: RelyingPartyOptions): Promise<RelyingParty> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host ?? '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const url = (options.publicUrl ?? `http://localhost:${port}`).replace(/\/$/, '')
  const app = new App(options, url, await readFile(new URL('style.css', import.meta.url), 'utf8'))
  server.on('request', (request, response) => void app.answer(request, response))
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

class App {
  readonly #issuer: string
  readonly #url: string
  readonly #style: string
  readonly #provider: Provider
  readonly #sessions: Sessions
  readonly #now: () => number

  constructor(options: RelyingPartyOptions, url: string, style: string) {
    this.#issuer = options.issuer
    this.#url = url
    this.#style = style
    this.#provider = new Provider({
      issuer: options.issuer,
      clientId: options.clientId,
      ...(options.clientSecret === undefined ? {} : { clientSecret: options.clientSecret }),
      redirectUri: `${url}/callback`,
      postLogoutRedirectUri: `${url}/signed-out`,
      now: options.now,
    })
    this.#sessions = new Sessions(options.now)
    this.#now = options.now
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(this.#headers())) response.setHeader(name, value)
    try {
      await this.#route(request, response)
    } catch (error) {
      if (response.headersSent) return void response.destroy()
      const { status, ...explained } = explain(error)
      html(response, status, errorPage(explained))
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The URL has the address that the provider knows: the sender of a request chooses its `Host`.
    const url = new URL(`${this.#url}${request.url ?? '/'}`)
    const session = this.#sessions.find(cookieOf(request))
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /':
      case 'GET /signed-out':
        return this.#home(response, session, url.pathname === '/signed-out')
      case 'GET /style.css':
        response.setHeader('Content-Type', 'text/css; charset=utf-8')
        return void response.end(this.#style)
      case 'GET /icon.svg':
      case 'GET /favicon.ico':
        response.setHeader('Content-Type', 'image/svg+xml')
        return void response.end(ICON)
      case 'GET /sign-in':
        return this.#begin(response, session)
      case 'GET /step-up':
        return this.#begin(response, session, { acr: MULTI_FACTOR })
      case 'GET /transfer':
        return this.#transfer(response, session)
      case 'POST /transfer':
        return this.#sendMoney(request, response, session)
      case 'GET /callback':
        return this.#callback(response, session, url)
      case 'POST /sign-out':
        return this.#signOut(request, response, session)
      case 'POST /backchannel-logout':
        return this.#backchannelLogout(request, response)
      default:
        html(response, 404, errorPage({ error: 'not_found', text: 'There is no such page.' }))
    }
  }

  #home(response: ServerResponse, session: Session | undefined, signedOut: boolean): void {
    if (session?.signedIn !== undefined) return html(response, 200, signedInPage(session.signedIn))
    html(response, 200, homePage({ issuer: this.#issuer, signedOut }))
  }

  async #begin(
    response: ServerResponse,
    session: Session | undefined,
    asked: Asked = {},
  ): Promise<void> {
    const { url, pending } = await this.#provider.begin(asked)
    this.#setCookie(response, this.#sessions.begin(session, pending).id)
    redirect(response, url)
  }

  async #callback(response: ServerResponse, session: Session | undefined, url: URL): Promise<void> {
    const pending = this.#sessions.take(session, url.searchParams.get('state'))
    // This sign-in was not begun in this browser: an attacker may want to sign this person in to the attacker's
    // account.
    if (session === undefined || pending === undefined)
      return html(
        response,
        400,
        errorPage({
          error: 'state_mismatch',
          text: 'This sign-in was not begun here, or is over already.',
        }),
      )
    const signedIn = await this.#provider.complete(url, pending)
    this.#setCookie(response, this.#sessions.signIn(session, signedIn).id)
    redirect(response, this.#url + (pending.onward ?? ''))
  }

  /** Money is sent only by a person who has shown a second factor in the last minutes. */
  async #transfer(response: ServerResponse, session: Session | undefined): Promise<void> {
    if (this.#mayTransfer(session)) return html(response, 200, transferPage('ask'))
    const onward = TRANSFER_PATH
    await this.#begin(response, session, {
      acr: MULTI_FACTOR,
      maxAgeSeconds: FRESH_SECONDS,
      onward,
    })
  }

  async #sendMoney(
    request: IncomingMessage,
    response: ServerResponse,
    session: Session | undefined,
  ): Promise<void> {
    if (!this.#isOwnForm(request)) return this.#refuseForm(response)
    if (!this.#mayTransfer(session)) return redirect(response, this.#url + TRANSFER_PATH)
    html(response, 200, transferPage('sent'))
  }

  #mayTransfer(session: Session | undefined): boolean {
    const { signedIn } = session ?? {}
    return signedIn !== undefined && hasFreshFactor(signedIn.claims, FRESH_SECONDS, this.#now())
  }

  #isOwnForm({ headers: { origin } }: IncomingMessage): boolean {
    return origin === undefined || origin === new URL(this.#url).origin
  }

  #refuseForm(response: ServerResponse): void {
    html(response, 403, errorPage({ error: 'forbidden', text: 'Not from this app.' }))
  }

  async #signOut(
    request: IncomingMessage,
    response: ServerResponse,
    session: Session | undefined,
  ): Promise<void> {
    if (!this.#isOwnForm(request)) return this.#refuseForm(response)
    if (session !== undefined) this.#sessions.end(session.id)
    this.#setCookie(response, '', 0)
    const idToken = session?.signedIn?.idToken
    redirect(response, idToken === undefined ? this.#url : await this.#provider.signOutUrl(idToken))
  }

  /** Answers the provider's message from server to server that a session has ended. */
  async #backchannelLogout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const token = new URLSearchParams(await bodyOf(request)).get('logout_token') ?? ''
      const { subject, sid } = await this.#provider.readLogoutToken(token)
      this.#sessions.endOf(subject, sid)
      response.writeHead(200).end()
    } catch {
      response.writeHead(400, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ error: 'invalid_request' }))
    }
  }

  #setCookie(response: ServerResponse, id: string, maxAgeSeconds?: number): void {
    response.setHeader(
      'Set-Cookie',
      `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax${
        this.#url.startsWith('https:') ? '; Secure' : ''
      }${maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`}`,
    )
  }

  #headers(): Record<string, string> {
    return {
      // Chrome applies form-action to the redirect after the sign-out form: to the provider, and back.
      'Content-Security-Policy': `default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${new URL(this.#issuer).origin}`,
      'Cache-Control': 'no-store',
      // With `no-referrer` a browser would send `Origin: null` with this app's own form.
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    }
  }
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end(body)
}

function redirect(response: ServerResponse, to: URL | string): void {
  response.writeHead(303, { Location: String(to) })
  response.end()
}

function cookieOf(request: IncomingMessage): string | undefined {
  return (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > 16_384) throw new Error('The body is too large.')
  }
  return body
}
