import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { Deployment, ISSUER } from '../deployment.ts'
import { PASSWORD } from '../support.ts'

describe('a node that is killed while it sends a mail', function () {
  this.timeout(60_000)
  const folder = mkdtempSync(join(tmpdir(), 'mfa-killed-'))
  const messageIds: string[] = []
  let isHeld = true
  let smtp: SMTPServer
  let deployment: Deployment

  before(async () => {
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onData(stream, _session, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const content = Buffer.concat(chunks).toString()
          messageIds.push(/^Message-ID: (.*)\r$/im.exec(content)?.[1] ?? '')
          // The mail has arrived, and the node does not learn of it.
          if (!isHeld) done()
        })
      },
    })
    smtp.on('error', () => undefined)
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    const { port } = smtp.server.address() as AddressInfo
    deployment = await Deployment.start(`sqlite:${join(folder, 'server.sqlite')}`, 1, {
      SMTP_URL: `smtp://127.0.0.1:${port}`,
    })
  })
  after(async () => {
    await deployment.stop()
    await new Promise<void>((done) => {
      smtp.close(done)
    })
    rmSync(folder, { recursive: true })
  })

  it('loses nothing: the next node sends it again, with the same Message-ID', async () => {
    const [node] = deployment.nodes
    await deployment.command('user add alice --email alice@example.com --password-stdin', PASSWORD)
    const browser = node!.browser()
    const page = await browser.get(`${ISSUER}/password/forgotten`)
    await browser.submit(page, { username: 'alice' })
    while (messageIds.length === 0) await sleep(20)

    await node!.end('SIGKILL')
    isHeld = false
    // The claim of the killed node ends.
    deployment.clock.ahead += 31
    await node!.start(deployment.clock.ahead)
    while (messageIds.length === 1) await sleep(20)
    expect(messageIds).to.have.length(2)
    expect(messageIds[0])
      .to.match(/^<m[\w-]{43}@id\.example>$/)
      .and.equal(messageIds[1])
  })
})
