import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { backUpSqlite, draftsBeside } from '../../../src/adapters/sqlite/backup.ts'
import { Connection } from '../../../src/adapters/sqlite/connection.ts'
import { bringUpToDate } from '../../../src/adapters/sqlite/migrations.ts'
import { temporaryFolder } from './temporary-folder.ts'

const MODULE = new URL('../../../src/adapters/sqlite/backup.ts', import.meta.url).href

describe('a backup of the embedded database', function () {
  this.timeout(30_000)
  const folder = temporaryFolder()
  const files = (): string[] => readdirSync(folder.path).toSorted()

  function source(): string {
    const path = folder.file('source')
    writeFileSync(path, '')
    const connection = new Connection(path, 'NORMAL', 0)
    bringUpToDate(connection, true)
    connection.close()
    return path
  }

  const refusal = (path: string): string => {
    try {
      backUpSqlite(path, folder.file('copy'))
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }

  it('has its name only when it is complete, and only its owner may read it', () => {
    const size = backUpSqlite(source(), folder.file('copy'))
    expect(files()).to.deep.equal(['copy', 'source'])
    const { mode, nlink, ...found } = statSync(folder.file('copy'))
    expect([mode & 0o777, nlink, found.size]).to.deep.equal([0o600, 1, size])
  })

  it('leaves nothing under its name when its process is killed', async () => {
    const path = source()
    const lock = new DatabaseSync(path)
    lock.exec('BEGIN EXCLUSIVE')
    const script = `const { backUpSqlite } = await import(${JSON.stringify(MODULE)})
      backUpSqlite(...${JSON.stringify([path, folder.file('copy')])})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    const isDraft = (name: string): boolean => /^copy\.draft-[0-9a-f]{12}$/.test(name)
    while (!files().some(isDraft)) {
      expect(files()).not.to.include('copy')
      expect(child.exitCode).to.equal(null)
      await sleep(10)
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    lock.close()
    expect(files()).not.to.include('copy')
    backUpSqlite(path, folder.file('another'))
    const drafts = draftsBeside(folder.file('another'))
    expect(drafts)
      .to.deep.equal(
        files()
          .filter(isDraft)
          .map((name) => folder.file(name)),
      )
      .and.have.length(1)
  })

  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV']) {
    const link = (): never => {
      throw Object.assign(new Error(code), { code })
    }
    it(`needs no hard links: ${code}`, () => {
      const size = backUpSqlite(source(), folder.file('copy'), { link })
      expect(files()).to.deep.equal(['copy', 'source'])
      const { mode, size: found } = statSync(folder.file('copy'))
      expect([mode & 0o777, found]).to.deep.equal([0o600, size])
    })

    it(`replaces no file that is made meanwhile where there are no hard links: ${code}`, () => {
      const beaten = (): never => {
        writeFileSync(folder.file('copy'), 'earlier')
        return link()
      }
      expect(() => backUpSqlite(source(), folder.file('copy'), { link: beaten }))
        .to.throw()
        .with.property('code', 'EEXIST')
      expect(files()).to.deep.equal(['copy', 'source'])
      expect(readFileSync(folder.file('copy'), 'utf8')).to.equal('earlier')
    })
  }

  it('replaces no file, and removes none that it did not make', () => {
    const path = source()
    for (const name of ['copy-wal', 'copy-journal', 'copy-shm'])
      writeFileSync(folder.file(name), name)
    writeFileSync(folder.file('empty'), '')
    expect(refusal(folder.file('empty'))).to.contain('empty')
    writeFileSync(folder.file('copy'), 'earlier')
    expect(() => backUpSqlite(path, folder.file('copy')))
      .to.throw()
      .with.property('code', 'EEXIST')
    expect(files()).to.deep.equal([
      'copy',
      'copy-journal',
      'copy-shm',
      'copy-wal',
      'empty',
      'source',
    ])
    expect(readFileSync(folder.file('copy'), 'utf8')).to.equal('earlier')
  })

  it('is refused for a file that is empty or of another application', () => {
    writeFileSync(folder.file('empty'), '')
    const foreign = new DatabaseSync(folder.file('foreign'))
    foreign.exec('CREATE TABLE things (n)')
    foreign.close()
    for (const name of ['empty', 'foreign'])
      expect(refusal(folder.file(name))).to.equal(
        `The file ${folder.file(name)} is empty or belongs to another application: there is nothing to copy.`,
      )
    expect(files()).to.deep.equal(['empty', 'foreign'])
  })

  it('names a database that is damaged, and not the copy', () => {
    const path = source()
    const database = new DatabaseSync(path)
    // SQLite copies such a row, and finds it when it examines the copy.
    database.exec(`CREATE TABLE damaged (n CHECK (n > 0)); PRAGMA ignore_check_constraints = ON;
      INSERT INTO damaged VALUES (-1)`)
    database.close()
    expect(refusal(path)).to.equal(
      `The database file ${path} is damaged: restore it from a backup.`,
    )
    expect(files()).to.deep.equal(['source'])
  })
})
