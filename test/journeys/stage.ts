import type { Browser } from 'playwright-core'
import { launchBrowser, type PersonOptions } from '../support/browser.ts'
import { requireTool } from '../support/requirements.ts'
import { ServerProcess, type Environment } from './server.ts'
import { Visitor, type Enrolled } from './visitor.ts'

/** The browser that all suites share; each person has a browser context of their own in it. */
let chromium: Browser | undefined
after(async () => chromium?.close())

/** The environment of a suite of journeys: one server, one Chromium, and the people that the tests need. */
export interface Stage {
  readonly server: ServerProcess
  /** Opens a browser context for a person. It is closed after the test. */
  arrive(options?: PersonOptions): Promise<Visitor>
  /** A person who has set up an authenticator and backup codes. All tests of the suite share this person. */
  enrolled(): Promise<Enrolled>
}

/** Prepares the server and the browser of a suite. Without Chromium, zbarimg or oathtool, the suite is skipped. */
export function setStage(
  suite: Mocha.Suite,
  environment?: Environment | ((folder: string) => Environment),
): Stage {
  suite.timeout(180_000)
  let server: ServerProcess | undefined
  let visitors: Visitor[] = []

  before(async function () {
    requireTool(this, 'zbarimg')
    requireTool(this, 'oathtool')
    chromium ??= await launchBrowser(this)
    server = await ServerProcess.start(environment)
  })
  after(async () => {
    await server?.stop()
  })
  afterEach(async () => {
    const leaving = visitors
    visitors = []
    for (const visitor of leaving) await visitor.leave()
  })

  const started = <T>(what: T | undefined): T => {
    if (what === undefined) throw new Error('The stage is set in a hook: ask within a test.')
    return what
  }
  const arrive: Stage['arrive'] = async (options) => {
    const visitor = await Visitor.arrive(started(chromium), started(server), options)
    visitors.push(visitor)
    return visitor
  }
  let enrolled: Enrolled | undefined
  return {
    arrive,
    async enrolled() {
      if (enrolled !== undefined) return enrolled
      const { app } = started(server)
      enrolled = await (await arrive()).enrolAt(app, await started(server).addPerson('somebody'))
      return enrolled
    },
    get server() {
      return started(server)
    },
  }
}
