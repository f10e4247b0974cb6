import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { commit, passEventsOn } from '../../../src/application/commit.ts'
import { tellRefused } from '../../../src/application/refused-attempts.ts'
import { raiseEpoch } from '../../../src/domain/enrolment.ts'
import type { AuditEntry } from '../../../src/ports/audit-trail.ts'
import { actorOf, fittingName } from '../../../src/server/cli/actor.ts'
import { causes } from '../../../src/server/observe/causes.ts'
import { placeOf, settledRecord, world } from '../../application/world.ts'
import { HttpClient } from '../../support/http-client.ts'
import { setInstallation } from '../installation.ts'
import { addPerson, atTheApp, startServer, stopServers } from '../support.ts'

const APP = {
  client_id: 'app',
  client_secret: 'a secret in a file that nobody else reads',
  redirect_uris: ['https://app.example/callback'],
}

describe('the cause of an event', () => {
  it('is that of the present work, beside one of the whole process', async () => {
    const present = causes({ actor: 'ops' })
    await Promise.all(
      ['one', 'two'].map((requestId) =>
        present.during({ requestId }, async () => {
          await Promise.resolve()
          expect(present.present()).to.deep.equal({ actor: 'ops', requestId })
        }),
      ),
    )
    expect(present.present()).to.deep.equal({ actor: 'ops' })
  })

  it('is stored with the decision: another process passes the event on with it', async () => {
    const { records } = memoryStorage()
    const command = world({
      records,
      cause: () => ({ actor: 'ops', requestId: 'r1' }),
      publish: () => Promise.reject(new Error('the command was killed')),
    })
    await commit(command.deps, 'mira', (record) => ({
      outcome: undefined,
      ...raiseEpoch(record, 'reset'),
    }))
    await settledRecord(command)
    const server = world({ records, cause: () => ({ requestId: 'r2' }) })
    await passEventsOn(server.deps, 'mira')
    expect(server.heard.map(({ detail }) => detail)).to.deep.equal([
      { epoch: 2, reason: 'reset', actor: 'ops', requestId: 'r1' },
    ])
  })

  it('is on an attempt that no decision stores', async () => {
    const one = world({ cause: () => ({ requestId: 'r1' }) })
    tellRefused(one.deps, placeOf(), { type: 'enrolment-refused', detail: { reason: 'no-proof' } })
    await settledRecord(one)
    expect(one.heard.map(({ detail }) => detail.requestId)).to.deep.equal(['r1'])
  })
})

describe('the id of a request', () => {
  afterEach(stopServers)

  it('is in each entry that the request causes, the refused and counted ones too', async () => {
    const server = await startServer({ environment: { TRUSTED_PROXIES: '127.0.0.1/8,::1' } })
    const { id } = await addPerson(server)
    const browser = new HttpClient()
    const trail = (): Promise<readonly AuditEntry[]> => server.storage.audit.list({ limit: 100 })
    const send = async (password: string, requestId: string): Promise<void> => {
      const page = await browser.visit(server.authorize(), atTheApp)
      const { action, fields } = page.form()
      await browser.post(
        new URL(action, page.url),
        { ...fields, username: 'alice', password },
        { headers: { 'X-Request-Id': requestId } },
      )
    }
    await send('wrong guess', 'first.1')
    await send('wrong guess', 'second.2')
    const about = (await trail()).filter(({ type }) => type === 'password-refused')
    expect(about.map(({ detail, accountId }) => [accountId, detail.requestId])).to.deep.equal([
      [id, 'second.2'],
      [id, 'first.1'],
    ])
  })
})

describe('the actor of a command', () => {
  const place = setInstallation()
  const entries = async (): Promise<AuditEntry[]> => {
    const { out } = await place.cli('audit', '--json', '--limit', '1000')
    return (JSON.parse(out) as { entries: AuditEntry[] }).entries
  }

  it('R47 is in every entry of every command, those of the plugin too', async () => {
    const apps = join(place.folder, 'apps.json')
    writeFileSync(apps, JSON.stringify([APP]))
    const people = join(place.folder, 'people.jsonl')
    writeFileSync(people, JSON.stringify({ username: 'nele', email: 'nele@people.example' }))
    const commands = [
      ['user', 'add', 'mira'],
      ['user', 'import', people],
      ['user', 'link', 'mira'],
      ['user', 'disable', 'mira'],
      ['user', 'enable', 'mira'],
      ['user', 'reset-mfa', 'mira', '--password'],
      ['client', 'apply', apps],
      ['client', 'remove', 'app'],
      ['restore', '--confirm'],
    ]
    for (const [index, command] of commands.entries()) {
      const before = new Set((await entries()).map(({ id }) => id))
      const actor = `Anna Ärmel ${index}`
      const { code } = await place.cli(...command, '--actor', actor)
      expect(code, command.join(' ')).to.equal(0)
      const made = (await entries()).filter(({ id }) => !before.has(id))
      expect(made, command.join(' ')).not.to.deep.equal([])
      for (const { type, detail } of made) expect(detail.actor, type).to.equal(actor)
    }
    const types = new Set((await entries()).map(({ type }) => type))
    expect([...types]).to.include.members(['user-added', 'epoch-raised', 'reset', 'client-removed'])
  })

  it("is the system's user without the option", async () => {
    await place.cli('user', 'add', 'mira')
    const { username } = userInfo()
    expect(new Set((await entries()).map(({ detail }) => detail.actor))).to.deep.equal(
      new Set([username]),
    )
  })

  it('is unknown where the system has no name of its user, or one that cannot be shown', () => {
    const nobody = (): string => {
      throw new Error('ENOENT')
    }
    expect(fittingName(nobody)).to.equal('unknown')
    expect(fittingName(() => 'a\u001b[2J')).to.equal('unknown')
    expect(actorOf({}, () => 'anna')).to.equal('anna')
  })

  it('is refused before anything is changed, if it cannot stand in the trail', async () => {
    for (const actor of ['', ' ', 'x'.repeat(129), 'a\u202eb', 'a\nb', 'a\u0000']) {
      const { code, err } = await place.cli('user', 'add', 'mira', '--json', '--actor', actor)
      expect(code).to.equal(1)
      expect(JSON.parse(err)).to.have.nested.property('error.code', 'actor')
    }
    expect((await place.cli('user', 'list')).out).not.to.contain('mira')
    expect(await place.cli('user', 'add', 'mira', '--actor', 'x'.repeat(128))).to.include({
      code: 0,
    })
  })
})
