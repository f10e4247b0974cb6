import { expect } from 'chai'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Deployment, ISSUER } from '../../server/deployment.ts'
import {
  APP,
  APP_CREDENTIALS,
  atTheApp,
  CALLBACK,
  VERIFIER,
  type Person,
} from '../../server/support.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { requireTool } from '../../support/requirements.ts'
import { Nginx } from './nginx.ts'

/** The restarts of one run: each node once, or 50 by `npm run test:restarts`. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 2)
const VISITORS = 4

const SETTINGS = {
  // One password signs in as often as the test wants. A code signs in once in 30 s.
  mfa: { required: 'optional' },
  passwords: { hashMemoryKib: 19_456, hashPasses: 2 },
  limits: { interactionsPerMinute: 1_000_000 },
  // nginx-nodes looks every second.
  stop: { drainSeconds: 4 },
}

describe('two nodes behind the nginx of the example', function () {
  this.timeout(60_000 + RESTARTS * 30_000)
  let folder: string
  let deployment: Deployment | undefined
  let nginx: Nginx | undefined

  before(async function () {
    requireTool(this, 'nginx')
    folder = mkdtempSync(join(tmpdir(), 'mfa-rolling-'))
    const more = { TRUSTED_PROXIES: '127.0.0.1', LOG_LEVEL: 'error' }
    deployment = await Deployment.start(
      `sqlite:${join(folder, 'server.sqlite')}`,
      2,
      more,
      SETTINGS,
    )
    nginx = await Nginx.start(deployment.nodes.map(({ url }) => new URL(url).host))
  })

  after(async () => {
    await nginx?.stop()
    // A stop by SIGTERM would drain once more.
    await Promise.all((deployment?.nodes ?? []).map((node) => node.end('SIGKILL')))
    await deployment?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it(`sign everybody in during ${RESTARTS} restarts, one node after the other`, async () => {
    const [nodes, proxy] = [deployment!, nginx!]
    await nodes.command('client apply clients.json', '', {
      'clients.json': JSON.stringify([{ ...APP, first_party: true }]),
    })
    const alice = await nodes.addPerson('alice')
    const outcomes: string[] = []
    let isOver = false
    const visit = async (): Promise<void> => {
      while (!isOver) outcomes.push(await signInThrough(proxy, nodes.authorize(), alice))
    }
    const visitors = Array.from({ length: VISITORS }, visit)
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      const node = nodes.nodes[restart % 2]!
      await untilUp(proxy, 2)
      await node.end('SIGTERM')
      expect(proxy.up, 'the node was taken out while it drained').to.have.length(1)
      const before = outcomes.length
      while (outcomes.length < before + VISITORS) await sleep(20)
      await node.start(0)
    }
    await untilUp(proxy, 2)
    isOver = true
    await Promise.all(visitors)
    expect(outcomes.filter((outcome) => outcome !== 'signed in')).to.deep.equal([])
    expect(outcomes.length).to.be.at.least(RESTARTS * VISITORS)
    console.log(`      ${outcomes.length} sign-ins`)
  })

  async function untilUp(proxy: Nginx, count: number): Promise<void> {
    while (proxy.up.length < count) await sleep(50)
  }
})

/** A whole sign-in in a browser of its own, the token included. Returns the first thing that was not as it should be. */
async function signInThrough({ url }: Nginx, start: URL, person: Person): Promise<string> {
  // A reload ends the idle connections of nginx to its clients: a browser sends a request again, this client does not.
  const headers = { connection: 'close' }
  const browser = new HttpClient({ origins: { [ISSUER]: { url } }, headers })
  try {
    const login = await browser.visit(start, atTheApp)
    if (login.name !== 'login') return shortly(login)
    const { username, password } = person
    const back = await browser.follow(await browser.submit(login, { username, password }), atTheApp)
    const code = back.location?.searchParams.get('code')
    if (code === null || code === undefined) return shortly(back)
    const token = await fetch(new URL('/token', url), {
      method: 'POST',
      headers: { ...headers, authorization: APP_CREDENTIALS },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
        code_verifier: VERIFIER,
      }),
    })
    return token.status === 200 ? 'signed in' : `${token.status} ${await token.text()}`
  } catch (error) {
    return String(error)
  }
}

function shortly(page: Page): string {
  return `${page.status} ${page.url.pathname} ${page.name ?? page.body.slice(0, 200)}`
}
