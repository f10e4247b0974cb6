import type { Browser } from 'playwright-core'
import { launchBrowser, type PersonOptions } from '../support/browser.ts'
import { requireTool } from '../support/requirements.ts'
import { ServerProcess, type Environment } from './server.ts'
import { Visitor, type Enrolled } from './visitor.ts'

/** One for all suites: each person has a context of their own in it. */
let chromium: Browser | undefined
after(async () => chromium?.close())

/** The environment of a suite of journeys: one server, one Chromium, and the people that the tests need. */
export interface Stage {
  readonly server: ServerProcess
  /** Somebody at a browser of their own, who leaves when the test is over. */
  arrive(options?: PersonOptions): Promise<Visitor>
  /** Somebody who was set up before: the same for all tests of the suite that ask. */
  enrolled(): Promise<Enrolled>
}

/** Sets the stage for the suite it is called in. Without Chromium, zbarimg or oathtool the suite is skipped, and says so. */
export function setStage(
  suite: Mocha.Suite,
  environment?: Environment | ((folder: string) => Environment),
): Stage {
  suite.timeout(60_000)
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
