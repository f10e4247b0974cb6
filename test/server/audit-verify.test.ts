import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { sweepExpired } from '../../src/adapters/sweep-expired.ts'
import { loadConfig } from '../../config/load.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import type { AuditTrail } from '../../src/ports/audit-trail.ts'
import { verifyTrail } from '../../src/server/observe/verify-trail.ts'
import { setInstallation } from './installation.ts'

const BIN = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))
const COMMANDS = `${hostname()}/commands`

interface Verified {
  readonly sound: boolean
  readonly verified: number
  readonly unchained: number
  readonly chains: readonly {
    readonly name: string
    readonly verified: number
    readonly removed: number
    readonly fault: { readonly kind: string; readonly number?: number } | null
  }[]
}

describe('audit verify', () => {
  const place = setInstallation()

  /** Its output; the exit code has to agree with it. */
  const verified = async (): Promise<Verified> => {
    const { code, out } = await place.cli('audit', 'verify', '--json')
    const read = JSON.parse(out) as Verified
    expect(code).to.equal(read.sound ? 0 : 1)
    return read
  }
  const faults = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries((await verified()).chains.map(({ name, fault }) => [name, fault]))
  const sql = (...statements: string[]): void => {
    const database = new DatabaseSync(place.path)
    for (const statement of statements) database.exec(statement)
    database.close()
  }
  /** Six entries of commands, and two of a server. */
  const fill = async (): Promise<void> => {
    const command = await layFoundation(loadConfig(place.environment), { actor: 'ops' })
    for (const accountId of ['a', 'b', 'c', 'd', 'e', 'f'])
      await command.record('user-added', { accountId })
    await command.storage.close()
    const server = await layFoundation(loadConfig(place.environment))
    for (const reason of ['owner', 'mail'])
      await server.record('password-changed', { accountId: 'a', detail: { reason } })
    await server.storage.close()
  }

  it('R47 ends with 0 and counts what it has verified, and what is older than the chains', async () => {
    expect(await verified()).to.deep.equal({ sound: true, verified: 0, unchained: 0, chains: [] })
    await fill()
    sql("INSERT INTO audit (id, at, type, detail) VALUES ('old', 1, 'locked', '{}')")
    const { sound, verified: sum, unchained, chains } = await verified()
    expect({ sound, sum, unchained }).to.deep.equal({ sound: true, sum: 8, unchained: 1 })
    expect(chains.map(({ name, verified: count }) => [name, count])).to.deep.equal([
      [hostname(), 2],
      [COMMANDS, 6],
    ])
    const { out } = await place.cli('audit', 'verify')
    expect(out).to.contain('as they were added: 8. Entries in no chain: 1;')
  })

  const inCommands = `chain = '${COMMANDS}'`
  for (const [deed, statement, fault] of [
    [
      'the first entry removed',
      `DELETE FROM audit WHERE ${inCommands} AND number = 1`,
      'oldest-removed 1',
    ],
    [
      'one in the middle removed',
      `DELETE FROM audit WHERE ${inCommands} AND number = 3`,
      'removed 3',
    ],
    [
      'the newest removed',
      `DELETE FROM audit WHERE ${inCommands} AND number = 6`,
      'newest-removed 6',
    ],
    [
      'its detail changed',
      `UPDATE audit SET detail = '{}' WHERE ${inCommands} AND number = 2`,
      'changed 2',
    ],
    [
      'its time changed',
      `UPDATE audit SET at = at - 1 WHERE ${inCommands} AND number = 4`,
      'changed 4',
    ],
    [
      'its type changed',
      `UPDATE audit SET type = 'locked' WHERE ${inCommands} AND number = 5`,
      'changed 5',
    ],
    [
      'its person changed',
      `UPDATE audit SET account_id = 'x' WHERE ${inCommands} AND number = 1`,
      'changed 1',
    ],
    ['the head removed', `DELETE FROM audit_heads WHERE ${inCommands}`, 'head-removed'],
    ['the head changed', `UPDATE audit_heads SET number = 5 WHERE ${inCommands}`, 'head-changed'],
    [
      'a forged entry added',
      `INSERT INTO audit (id, at, type, detail, chain, number, hash) VALUES ('x', 1, 'locked', '{}', '${COMMANDS}', 7, 'y')`,
      'changed 7',
    ],
    ['another name', `UPDATE audit SET chain = 'x' WHERE ${inCommands}`, 'newest-removed 1'],
  ] as const)
    it(`R47 finds, of a chain, ${deed}, and ends with 1`, async () => {
      await fill()
      sql(statement)
      const { [COMMANDS]: found, [hostname()]: other } = await faults()
      const { kind, number } = found as { kind: string; number?: number }
      expect(number === undefined ? kind : `${kind} ${number}`).to.equal(fault)
      expect(other).to.equal(null)
      expect((await place.cli('audit', 'verify')).out).to.contain(`FAULT ${kind}`)
    })

  it('R47 finds two chains that were swapped, one that is gone, and the key that is gone', async () => {
    await fill()
    const server = `chain = '${hostname()}'`
    for (const table of ['audit', 'audit_heads'])
      sql(
        `UPDATE ${table} SET chain = 'x' WHERE ${server}`,
        `UPDATE ${table} SET chain = '${hostname()}' WHERE ${inCommands}`,
        `UPDATE ${table} SET chain = '${COMMANDS}' WHERE chain = 'x'`,
      )
    const swapped = await faults()
    expect(swapped[COMMANDS]).to.deep.equal({ kind: 'changed', number: 1 })
    expect(swapped[hostname()]).to.deep.equal({ kind: 'changed', number: 1 })
    for (const table of ['audit', 'audit_heads']) sql(`DELETE FROM ${table} WHERE ${inCommands}`)
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'chain-removed' })
    sql("DELETE FROM settings WHERE name = 'trail-key'")
    expect((await faults())[hostname()]).to.deep.equal({ kind: 'changed', number: 1 })
  })

  it('R47 is sound again after the steps of the guide for a lost key, and finds what comes later', async () => {
    await fill()
    sql("DELETE FROM settings WHERE name = 'trail-key'")
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'changed', number: 1 })
    await place.cli('user', 'add', 'mira')
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'changed', number: 1 })
    const guide = readFileSync(new URL('../../docs/guides/operating.md', import.meta.url), 'utf8')
    const [, steps = ''] =
      /If the key of the audit trail is lost[^]*?```sql\n([^]*?)```/.exec(guide) ?? []
    expect(steps).to.contain('audit_heads')
    sql(steps)
    await place.cli('user', 'disable', 'mira')
    const { sound, verified: sum, unchained } = await verified()
    expect({ sound, sum }).to.deep.equal({ sound: true, sum: 2 })
    expect(unchained).to.be.above(8)
    sql(`DELETE FROM audit WHERE ${inCommands}`)
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'newest-removed', number: 1 })
  })

  it('R47 keeps a lost head lost, whatever is added afterwards', async () => {
    await place.cli('user', 'add', 'mira')
    await fill()
    sql(
      `DELETE FROM audit WHERE ${inCommands} AND number > 4`,
      `DELETE FROM audit_heads WHERE ${inCommands}`,
    )
    await place.cli('user', 'disable', 'mira')
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'changed', number: 5 })
  })

  it('finds nothing after retention, and what is removed after it', async () => {
    await fill()
    const later = { now: () => Math.floor(Date.now() / 1000) + 10 }
    const { storage, chainMac } = await layFoundation(loadConfig(place.environment), {
      clock: later,
    })
    sql(`UPDATE audit SET at = at WHERE ${inCommands}`)
    await sweepExpired(storage, { audit: { before: later.now(), mac: await chainMac() } })
    await storage.close()
    await place.cli('user', 'add', 'nele')
    const { sound, chains } = await verified()
    expect(sound).to.equal(true)
    expect(chains.map(({ removed }) => removed)).to.deep.equal([2, 6])
    const forge = (at: number): void =>
      sql(
        `INSERT INTO audit (id, at, type, detail, chain, number, hash)
         VALUES ('forged', ${at}, 'user-removed', '{}', '${COMMANDS}', 3, 'x')`,
      )
    forge(later.now())
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'added', number: 3 })
    sql("DELETE FROM audit WHERE id = 'forged'")
    // One that the next sweep deletes may be left of a sweep that was interrupted.
    forge(1)
    expect((await faults())[COMMANDS]).to.equal(null)
    sql("DELETE FROM audit WHERE id = 'forged'")
    sql(`DELETE FROM audit_removed WHERE ${inCommands}`)
    expect((await faults())[COMMANDS]).to.deep.equal({ kind: 'oldest-removed', number: 1 })
  })

  it('R35 stays valid when the encryption keys are rotated', async () => {
    await fill()
    const former = place.environment['ENCRYPTION_KEYS'] ?? ''
    const newest = randomBytes(32).toString('base64')
    place.environment = { ...place.environment, ENCRYPTION_KEYS: `${newest},${former}` }
    expect((await place.cli('keys', 'rotate', 'encryption')).code).to.equal(0)
    place.environment = { ...place.environment, ENCRYPTION_KEYS: newest }
    await place.cli('user', 'add', 'nele')
    const { sound, verified: sum } = await verified()
    expect({ sound, sum }).to.deep.equal({ sound: true, sum: 11 })
  })

  it('reads a chain in parts, so that memory stays bounded', async () => {
    const { audit } = memoryStorage()
    const mac = (text: string): string => `${text.length}${text.slice(-40)}`
    const entries = Array.from({ length: 2500 }, (_, nth) => ({
      id: String(nth),
      type: 'locked',
      at: nth,
      detail: {},
    }))
    await audit.add(entries, { name: 'node', mac })
    const sizes: number[] = []
    const watched: AuditTrail = {
      ...audit,
      async chainPage(...about) {
        const page = await audit.chainPage(...about)
        sizes.push(page.entries.length)
        return page
      },
    }
    const { chains } = await verifyTrail(watched, { mac, chains: ['node'] }, undefined)
    expect(chains).to.deep.equal([{ name: 'node', verified: 2500, removed: 0 }])
    expect(Math.max(...sizes)).to.equal(1000)
  })

  it('R18 is whole after commands that ran in several processes at once', async () => {
    await place.cli('user', 'add', 'mira')
    const { PATH = '', HOME = '' } = process.env
    await Promise.all(
      [1, 2, 3].map((nth) =>
        promisify(execFile)(process.execPath, [BIN, 'user', 'add', `person${nth}`], {
          cwd: place.folder,
          env: { PATH, HOME, ...place.environment },
        }),
      ),
    )
    const { sound, chains } = await verified()
    expect({ sound, entries: chains[0]?.verified }).to.deep.equal({ sound: true, entries: 8 })
  }).timeout(60_000)
})
