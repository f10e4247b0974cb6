import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { layFoundation } from '../../../src/server/boot/foundation.ts'
import type { Letter } from '../../../src/server/notices/letters.ts'
import { asNodeBeside, startServer, stopServers, type TestServer } from '../support.ts'

const LETTER: Letter = {
  about: 'e1',
  accountId: 'mira',
  to: 'mira@example.com',
  template: 'password-changed',
  values: { account: 'mira', at: '1767261600' },
  languages: 'en',
}

describe('the rounds of the sender', () => {
  // The timers of the server: the tests move them, and the clock beside them.
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }))
  afterEach(async () => {
    mock.timers.reset()
    await stopServers()
  })

  /** Leaves a letter in the storage, as another node does: this one is not told of it. */
  const leave = async (server: TestServer, about: string): Promise<void> => {
    const { letters } = await layFoundation(server.config, server)
    await letters.put([{ ...LETTER, about }])
  }
  const files = ({ folder }: TestServer): string[] => {
    const outbox = join(folder, 'outbox')
    if (!existsSync(outbox)) return []
    return readdirSync(outbox)
      .filter((name) => name.endsWith('.eml'))
      .map((name) => join(outbox, name))
  }

  it('begin at the start of a node, and again within a minute, whichever node has left a mail', async () => {
    const storage = memoryStorage()
    const first = await startServer({ storage })
    await leave(first, 'before the start')
    const second = await startServer({ storage, environment: asNodeBeside(first) })
    const written = (): string[] => [first, second].flatMap(files)
    while (written().length < 1) await sleep(10)

    await leave(first, 'while both run')
    await sleep(50)
    expect(written()).to.have.length(1)
    mock.timers.tick(60_000)
    while (written().length < 2) await sleep(10)
    const mail = readFileSync(written().at(-1) ?? '', 'utf8')
    expect(mail).to.contain('Subject: The password of your localhost account was changed')
  })

  it('repeat within 30 s what the mail server has not taken, by the clock of the server', async () => {
    const server = await startServer({ environment: { SMTP_URL: 'smtp://127.0.0.1:1' } })
    await leave(server, 'e1')
    mock.timers.tick(10_000)
    while (!server.lines.join('\n').includes('a mail was not sent yet')) await sleep(10)
    const attempts = () => server.lines.filter((line) => line.includes('not sent yet')).length
    mock.timers.tick(10_000)
    await sleep(50)
    expect(attempts(), 'the clock has not moved').to.equal(1)
    server.clock.ahead += 20
    mock.timers.tick(10_000)
    while (attempts() < 2) await sleep(10)
  })
})
