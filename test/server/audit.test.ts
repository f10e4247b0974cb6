import { expect } from 'chai'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { AuditEntry } from '../../src/ports/audit-trail.ts'
import { run } from '../../src/server/cli/index.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setInstallation } from './installation.ts'

const AT = Date.UTC(2026, 10, 29, 8) / 1000

describe('the audit commands', () => {
  const place = setInstallation()
  const filled = async (entries: readonly Partial<AuditEntry>[]): Promise<void> => {
    const storage = openSqliteStorage({ path: place.path })
    const whole = entries.map((given, index) => ({
      id: `e${index}`,
      type: 'signed-in',
      at: AT + index,
      detail: {},
      ...given,
    }))
    await storage.audit.add(whole)
    await storage.close()
  }
  const ids = async (...options: string[]): Promise<string[]> => {
    const { code, out, err } = await place.cli('audit', '--json', ...options)
    expect({ code, err }, options.join(' ')).to.deep.equal({ code: 0, err: '' })
    return (JSON.parse(out) as { entries: AuditEntry[] }).entries.map(({ id }) => id)
  }
  const refusal = async (...options: string[]): Promise<{ code: string; message: string }> => {
    const { code, err } = await place.cli('audit', '--json', ...options)
    expect(code, options.join(' ')).to.equal(1)
    return (JSON.parse(err) as { error: { code: string; message: string } }).error
  }

  it('show who has made signing keys and rotated the keys that seal', async () => {
    const added = await place.cli('keys', 'add', '--json', '--actor', 'ops')
    const rotated = await place.cli('keys', 'rotate', 'signing', '--json', '--algorithm', 'ES256')
    await place.cli('keys', 'rotate', 'signing', '--algorithm', 'ES256')
    await place.cli('keys', 'rotate', 'encryption', '--dry-run')
    await place.cli('keys', 'rotate', 'encryption', '--actor', 'ops')
    const { entries } = JSON.parse((await place.cli('audit', '--json')).out) as {
      entries: AuditEntry[]
    }
    const { kid } = JSON.parse(added.out) as { kid: string }
    const [made] = JSON.parse(rotated.out) as [{ kid: string }]
    expect(
      entries.map(({ type, detail: { reason, count } }) => ({ type, of: reason ?? count })),
    ).to.deep.equal([
      { type: 'encryption-keys-rotated', of: 0 },
      { type: 'signing-key-added', of: made.kid },
      { type: 'signing-key-added', of: kid },
    ])
    expect(await ids('--actor', 'ops')).to.have.length(2)
  })

  it('narrow by person, app, address, type, operator, request and time', async () => {
    await place.cli('user', 'add', 'mira', '--actor', 'ops')
    const [{ accountId }] = (
      JSON.parse((await place.cli('audit', '--json', '--user', 'mira')).out) as {
        entries: [{ accountId: string }]
      }
    ).entries
    await filled([
      { detail: { clientId: 'shop' } },
      { detail: { ip: '2001:db8::7' } },
      { detail: { ip: '192.0.2.1', requestId: 'r.1' } },
      { type: 'locked', accountId: 'gone' },
      { type: 'reset', accountId, detail: { actor: 'Anna Ärmel' } },
    ])
    expect(await ids('--client', 'shop')).to.deep.equal(['e0'])
    expect(await ids('--address', '2001:DB8:0::7')).to.deep.equal(['e1'])
    expect(await ids('--address', '::ffff:192.0.2.1')).to.deep.equal(['e2'])
    expect(await ids('--request-id', 'r.1')).to.deep.equal(['e2'])
    expect(await ids('--type', 'locked', '--type', 'reset')).to.deep.equal(['e4', 'e3'])
    // The types of a factor's own events are known, whether the server has the factor or not.
    for (const type of ['backup-code-used', 'passkey-cloned'])
      expect(await ids('--type', type)).to.deep.equal([])
    expect(await ids('--actor', 'Anna Ärmel')).to.deep.equal(['e4'])
    expect(await ids('--actor', 'ops')).to.have.length(2)
    expect(await ids('--user', 'mira', '--actor', 'Anna Ärmel')).to.deep.equal(['e4'])
    expect(await ids('--user', 'gone')).to.deep.equal(['e3'])
    const day = ['--since', '2026-11-29T09:00:01+01:00', '--until', '2026-11-29T08:00:03Z']
    expect(await ids(...day)).to.deep.equal(['e2', 'e1'])
    expect(await ids('--until', '2026-11-29')).to.have.length(0)
    expect(await ids('--since', '2026-11-29T08:00', '--type', 'signed-in')).to.have.length(3)
  })

  it('refuse a filter that cannot be used, and say what it takes', async () => {
    for (const time of ['yesterday', '2026-02-30', '2026-13-01', '2026-11-29T25:00', '1764403200'])
      expect((await refusal('--since', time)).code, time).to.equal('time')
    expect((await refusal('--until', 'soon')).message)
      .to.contain('--until')
      .and.contain('ISO 8601')
    for (const address of ['192.0.2.0/24', 'localhost'])
      expect((await refusal('--address', address)).code).to.equal('address')
    const { code, message } = await refusal('--type', 'pasword-refused')
    expect(code).to.equal('type')
    expect(message).to.contain('did you mean "password-refused"').and.contain('factor-accepted')
    expect((await refusal('--user', 'nobody')).code).to.equal('user-unknown')
    for (const limit of ['0', 'ten', '10001'])
      expect((await refusal('--limit', limit)).code).to.equal('limit')
    const forged = Buffer.from('[1,"2","x"]').toString('base64url')
    for (const cursor of ['', 'x', '!!', forged])
      expect((await refusal(`--cursor=${cursor}`)).code, cursor).to.equal('cursor')
    // A value may begin with a hyphen, in either spelling: it is no option of its own.
    for (const [option, code] of [
      ['--cursor', 'cursor'],
      ['--user', 'user-unknown'],
    ] as const) {
      expect((await refusal(`${option}=-abc`)).code).to.equal(code)
      expect((await refusal(option, '-abc')).code).to.equal(code)
    }
  })

  it('list page by page with a cursor, while new entries arrive', async () => {
    await filled(Array.from({ length: 7 }, (_, index) => ({ at: AT + (index >> 1) })))
    const read: string[] = []
    let next: string | null = null
    do {
      const cursor: string[] = next === null ? [] : ['--cursor', next]
      const { out } = await place.cli('audit', '--json', '--limit', '3', ...cursor)
      const page = JSON.parse(out) as { entries: AuditEntry[]; next: string | null }
      read.push(...page.entries.map(({ id }) => id))
      ;({ next } = page)
      if (read.length === 3) await filled([{ id: 'new', at: AT + 100 }])
    } while (next !== null)
    expect(read).to.deep.equal(['e6', 'e5', 'e4', 'e3', 'e2', 'e1', 'e0'])
  })

  it('tell a person how to get the next page, and nothing on the last one', async () => {
    await filled([{}, {}])
    const { out } = await place.cli('audit', '--limit', '1')
    const [, cursor = ''] = /--cursor ([\w-]+)\n$/.exec(out) ?? []
    const last = await place.cli('audit', '--limit', '1', '--cursor', cursor)
    expect(last.out).to.contain('signed-in').and.not.contain('--cursor')
  })

  it('export everything as lines of JSON, the oldest first, with the same filters', async () => {
    const many = Array.from({ length: 2100 }, (_, index) => ({
      detail: index % 2 === 0 ? { clientId: 'shop' } : {},
    }))
    await filled(many)
    const { code, out } = await place.cli('audit', 'export')
    expect(code).to.equal(0)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry)
    expect(lines.map(({ id }) => id)).to.deep.equal(many.map((_, index) => `e${index}`))
    expect(lines[0]).to.deep.equal({
      id: 'e0',
      type: 'signed-in',
      at: AT,
      detail: { clientId: 'shop' },
    })
    const some = await place.cli('audit', 'export', '--client', 'shop', '--json')
    expect(some.out.trimEnd().split('\n')).to.have.length(1050)
    expect((await place.cli('audit', 'export', '--client', 'none')).out).to.equal('')
  })

  it('export no more at once than has left, so that memory stays bounded', async () => {
    await filled(Array.from({ length: 2100 }, () => ({})))
    const printed: number[] = []
    let waiting = 0
    const code = await run(['audit', 'export'], {
      out: (text) => void (waiting += text.split('\n').length - 1),
      err: () => undefined,
      drained: async () => {
        printed.push(waiting)
        waiting = 0
      },
      readLine: async () => '',
      readFile: async () => '',
      environment: place.environment,
    })
    expect({ code, printed }).to.deep.equal({ code: 0, printed: [1000, 1000, 100] })
  })

  it('refuse a retention of a misspelt type, and name the nearest one', async () => {
    const path = join(place.folder, 'config.json')
    const retention = { 'pasword-refused': 30, locked: 1 }
    writeFileSync(path, JSON.stringify({ audit: { retention } }))
    place.environment = { ...place.environment, CONFIG_FILE: path }
    for (const command of [['user', 'list'], ['audit']]) {
      const { code, err } = await place.cli(...command)
      expect(code).to.equal(1)
      expect(err)
        .to.contain('audit.retention.pasword-refused')
        .and.contain('did you mean "password-refused"')
        .and.not.contain('locked')
    }
    const checked = await place.cli('config', 'check')
    expect(checked.code).to.equal(1)
    expect(checked.out).to.match(/audit\.retention\.pasword-refused +failed/)
    writeFileSync(path, JSON.stringify({ audit: { retention: { locked: -1 } } }))
    expect((await place.cli('audit')).err).to.contain('audit.retention')
  })
})
