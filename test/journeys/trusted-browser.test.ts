import { expect } from 'chai'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { Node } from '../server/deployment.ts'
import { pageName } from '../support/browser.ts'
import type { Environment } from './server.ts'
import { setStage, type Stage } from './stage.ts'
import type { Enrolled, Visitor } from './visitor.ts'

const DAY = 86_400

/** The settings of a server that offers to trust a browser for a day. */
const offersADay = (folder: string): Environment => {
  const file = join(folder, 'settings.json')
  writeFileSync(file, JSON.stringify({ policy: { trustedBrowserSeconds: DAY } }))
  return { CONFIG_FILE: file }
}

/** The address that people know, in front of two servers. Its test says which of them answers. */
class Front {
  readonly #sockets = new Set<Socket>()
  #port = 0
  readonly #server = createServer((socket) => {
    const behind = connect(this.#port, 'localhost')
    for (const one of [socket, behind]) {
      this.#sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => this.#sockets.delete(one))
    }
    socket.pipe(behind).pipe(socket)
  })

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`
  }

  async open(): Promise<void> {
    this.#server.listen(0, 'localhost')
    await once(this.#server, 'listening')
  }

  /** Ends the open connections: their next requests go to this port. */
  turnTo(port: number): void {
    this.#port = port
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Only the cookies of known and trusted browsers outlive a session. */
async function endSessions({ context }: Visitor): Promise<void> {
  const kept = (await context.cookies()).filter(({ name }) => /mfa_(browser$|trust_)/.test(name))
  await context.clearCookies()
  await context.addCookies(kept)
}

/** Signs a person in with the password, in a browser whose session is over. */
async function begin(visitor: Visitor, person: Enrolled): Promise<void> {
  await endSessions(visitor)
  await visitor.askToSignIn()
  await visitor.typePassword(person)
}

/** Ticks the box on the page of the code. */
async function tick(visitor: Visitor): Promise<void> {
  expect(await visitor.page.isChecked('input[name=trust]')).to.equal(false)
  await visitor.page.check('input[name=trust]')
  await visitor.typeCode(await visitor.nextCode())
  await visitor.allow()
  expect(await visitor.at()).to.equal('rp-signed-in')
}

/** A person in a browser in which they have ticked the box. */
async function trusting(
  stage: Stage,
  known?: Enrolled,
): Promise<{ visitor: Visitor; person: Enrolled }> {
  const person = known ?? (await stage.enrolled())
  const visitor = await stage.arrive()
  visitor.take(person)
  await begin(visitor, person)
  await tick(visitor)
  return { visitor, person }
}

describe('a browser that its owner trusts', function () {
  const stage = setStage(this, offersADay)

  it('is asked for the password alone, and the app sees the level of the password', async () => {
    const { visitor, person } = await trusting(stage)
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR_ACR)
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(PASSWORD_ACR)

    const stranger = await stage.arrive()
    await begin(stranger, person)
    await stranger.see('totp-verify', 'trust')
  })

  it('is asked for the code again after the time that stood beside the box', async () => {
    const { visitor, person } = await trusting(stage)
    await stage.server.later(DAY - 60)
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('rp-signed-in')
    await stage.server.later(61)
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('totp-verify')
  })

  it('signs its owner in in two tabs at once, and stays trusted', async () => {
    const { visitor, person } = await trusting(stage)
    await endSessions(visitor)
    const tabs = [visitor.page, await visitor.context.newPage()]
    for (const tab of tabs) {
      await tab.goto(`${stage.server.app}/sign-in`)
      await tab.fill('input[name=username]', person.username)
      await tab.fill('input[name=password]', person.password)
    }
    await Promise.all(
      tabs.map(async (tab) => {
        const arrived = tab.waitForURL(`${stage.server.app}/**`)
        await tab.locator('form button:not([type=button])').first().click()
        await arrived
      }),
    )
    for (const tab of tabs) expect(await pageName(tab)).to.equal('rp-signed-in')
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(PASSWORD_ACR)
    expect(await eventsOf(stage, 'browser-trust-reused')).to.equal(0)
  })

  it('is trusted no longer, nor is its copy, once a thief shows a token that was replaced', async () => {
    const { visitor, person } = await trusting(stage)
    const thief = await stage.arrive()
    await thief.context.addCookies(await visitor.context.cookies())
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('rp-signed-in')
    await stage.server.later(31)
    await begin(thief, person)
    expect(await thief.at()).to.equal('totp-verify')
    await begin(visitor, person)
    expect(await visitor.at()).to.equal('totp-verify')
    expect(await eventsOf(stage, 'browser-trust-reused')).to.equal(1)
  })
})

describe('a browser that its owner trusts, with two servers on one database', function () {
  const front = new Front()
  before(() => front.open())
  const stage = setStage(this, (folder) => ({ ...offersADay(folder), ISSUER: front.url }))
  let other: Node
  after(async () => {
    await other?.end('SIGTERM')
    await front.close()
  })

  it('is asked for the code after its owner has changed the password at the other server', async () => {
    const { server } = stage
    front.turnTo(server.port)
    const environment = { ...offersADay(server.folder), ISSUER: front.url, DEMO: 'off' }
    other = new Node({ ...environment, LOG_LEVEL: 'warn' }, server.folder)
    await other.start(server.aheadSeconds)
    // A factor that was set up on the password alone does not open the page of the password for some days.
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    const [imported] = await server.importPeople([{ username: 'petra', secret }])
    const petra = { ...imported!, authenticator: { secret }, backupCodes: [] }
    const { visitor, person } = await trusting(stage, petra)

    front.turnTo(Number(new URL(other.url).port))
    const [current, next] = [person.password, 'another walk in the sun']
    await visitor.visit(`${server.issuer}/.well-known/change-password`)
    const code = await visitor.nextCode()
    await other.setClock(server.aheadSeconds)
    await visitor.typeCode(code)
    expect(await visitor.at()).to.equal('account-password')
    await visitor.page.fill('input[name=currentPassword]', current)
    await visitor.page.fill('input[name=password]', next)
    await visitor.press('button[data-do=change-password]')
    expect(await visitor.at()).to.equal('account')

    front.turnTo(server.port)
    await begin(visitor, { ...person, password: next })
    expect(await visitor.at()).to.equal('totp-verify')
    expect(await eventsOf(stage, 'browser-trust-revoked')).to.equal(1)
  })
})

/** How many of these events the audit trail has. */
async function eventsOf({ server }: Stage, type: string): Promise<number> {
  const printed = await server.command(['audit', '--type', type, '--json'])
  return (JSON.parse(printed) as { entries: unknown[] }).entries.length
}
