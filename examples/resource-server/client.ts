import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { begin, complete, type Asked } from './provider.ts'
import { callApi, type Answer } from './requests.ts'
import { end, sessionOf, type Session } from './sessions.ts'
import { CLIENT_URL, port } from './settings.ts'

/** The things that a person can do. Each is one request to the API. */
const DEEDS: Readonly<Record<string, string>> = { balance: 'GET', transfer: 'POST' }

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', CLIENT_URL)
  const session = sessionOf(request, response)
  const [, name = ''] = url.pathname.split('/')
  try {
    if (url.pathname === '/callback') return await comeBack(url, session, response)
    if (request.method === 'POST' && isOwnForm(request) && DEEDS[name] !== undefined)
      return await act(name, session, response)
    page(response, url.pathname === '/' ? 200 : 404, 'home', buttons())
  } catch (error) {
    console.error(error)
    page(response, 502, 'error', '<p role="alert">That did not work. Please try again.</p>')
  }
}

/** Does what the person has asked for, or sends the person to the provider for what is missing. */
async function act(name: string, session: Session, response: ServerResponse): Promise<void> {
  if (session.accessToken === undefined) return signIn(name, session, response)
  const result = await callApi(DEEDS[name] ?? 'GET', name, session.accessToken)
  if ('asked' in result) return signIn(name, session, response, result.asked)
  show(result, response)
}

async function signIn(
  name: string,
  session: Session,
  response: ServerResponse,
  asked?: Asked,
): Promise<void> {
  const { url, pending } = await begin(asked)
  session.pending = { ...pending, name }
  response.writeHead(303, { Location: url.href }).end()
}

/** The person is back from the provider: the request to the API is repeated, once. */
async function comeBack(url: URL, session: Session, response: ServerResponse): Promise<void> {
  const { pending } = session
  delete session.pending
  if (pending === undefined)
    return page(response, 400, 'error', '<p role="alert">Not begun here.</p>')
  const accessToken = await complete(url, pending)
  // A sign-in changes the id of the session: somebody else may have planted the old one.
  const next = end(session, response)
  next.accessToken = accessToken
  const result = await callApi(DEEDS[pending.name] ?? 'GET', pending.name, accessToken)
  if ('asked' in result)
    return page(
      response,
      403,
      'refused',
      '<p role="alert">This needs a second factor. Please set one up, then try again.</p>',
    )
  show(result, response)
}

function show(result: Exclude<Answer, { asked: Asked }>, response: ServerResponse): void {
  page(response, 200, 'done', `<pre id="result">${JSON.stringify(result.body)}</pre>${buttons()}`)
}

function buttons(): string {
  return Object.keys(DEEDS)
    .map((name) => `<form method="post" action="/${name}"><button>${name}</button></form>`)
    .join('')
}

function page(response: ServerResponse, status: number, name: string, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><title>Teller</title><body data-page="teller-${name}">${body}`)
}

/** A form of another site must not move the money of a person who is signed in here. */
function isOwnForm({ headers }: IncomingMessage): boolean {
  return headers.origin === new URL(CLIENT_URL).origin
}

createServer((request, response) => void answer(request, response)).listen(port, '127.0.0.1', () =>
  console.log(`The app is at ${CLIENT_URL}`),
)
