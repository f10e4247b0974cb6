import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { resourceServer, type Claims } from 'oidc-provider-mfa/resource-server'

const { ISSUER = 'http://localhost:3000', AUDIENCE = 'https://api.example' } = process.env
const port = Number(process.env['PORT'] ?? 3002)

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

const api = resourceServer({ issuer: ISSUER, audience: AUDIENCE })

/** A route has a requirement and runs only if the token meets it. */
const ROUTES = {
  'GET /balance': { requirement: {}, run: ({ sub }: Claims) => ({ balance: balanceOf(sub) }) },
  'POST /transfer': {
    requirement: { acr: [MULTI_FACTOR, 'phr'], maxAgeSeconds: 300 },
    run: ({ sub }: Claims) => {
      balances.set(sub, balanceOf(sub) - 10)
      return { transferred: 10, balance: balanceOf(sub) }
    },
  },
}

/** The money of each person, in memory. */
const balances = new Map<unknown, number>()

function balanceOf(subject: unknown): number {
  return balances.get(subject) ?? 100
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = `${request.method} ${request.url}`
  if (!isRoute(name)) return void response.writeHead(404).end()
  const { requirement, run } = ROUTES[name]
  const checked = await api.check(request.headers.authorization, requirement)
  if (!checked.ok) {
    console.log(`${name} was refused: ${checked.reason}`)
    return void response.writeHead(checked.status, checked.headers).end()
  }
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(run(checked.claims)))
}

function isRoute(name: string): name is keyof typeof ROUTES {
  return Object.hasOwn(ROUTES, name)
}

createServer((request, response) => void answer(request, response)).listen(port, '127.0.0.1', () =>
  console.log(`The API is at http://localhost:${port}`),
)
