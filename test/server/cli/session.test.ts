import { expect } from 'chai'
import { withSession, type Session } from '../../../src/server/cli/session.ts'
import { Refusal, type Terminal } from '../../../src/server/cli/terminal.ts'
import { setInstallation } from '../installation.ts'

describe('the session of a command', () => {
  const place = setInstallation()

  /** Runs the work with a storage that fails when the command looks for its mails at the end. */
  const run = async (work: () => Promise<string>): Promise<{ end: unknown; closed: number }> => {
    let closed = 0
    const terminal: Terminal = {
      out: () => undefined,
      err: () => undefined,
      readLine: async () => '',
      readFile: async () => '',
      environment: place.environment,
    }
    const fail = async ({ foundation: { storage, letters } }: Session): Promise<void> => {
      const { close } = storage
      Object.assign(storage, {
        close: async () => {
          closed += 1
          await close()
        },
      })
      const template = 'set-up-invitation'
      const to = 'mira@example.com'
      await letters.put([
        {
          about: 'x',
          accountId: 'a',
          to,
          template,
          values: {},
          languages: 'en',
        },
      ])
      Object.assign(storage.outbox, {
        find: async () => {
          throw new Error('the storage is away')
        },
      })
    }
    const end: unknown = await withSession(terminal, async (session) => {
      await fail(session)
      return work()
    }).catch((error: unknown) => (error as Error).message)
    return { end, closed }
  }

  it('tells the error of the command, not one of the work after it, and closes the storage', async () => {
    const refused = async (): Promise<string> => {
      throw new Refusal('no', 'the refusal of the command')
    }
    expect(await run(refused)).to.deep.equal({ end: 'the refusal of the command', closed: 1 })
  })

  it('tells an error of the work after a command that succeeded, and closes the storage', async () => {
    expect(await run(async () => 'done')).to.deep.equal({ end: 'the storage is away', closed: 1 })
  })
})
