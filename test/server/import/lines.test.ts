import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  formatOf,
  LONGEST_LINE,
  readImport,
  type ImportLine,
} from '../../../src/server/import/lines.ts'

describe('a file to import', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-import-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const linesOf = async (format: 'jsonl' | 'csv', content: string): Promise<ImportLine[]> => {
    const path = join(folder, 'people')
    writeFileSync(path, content)
    const lines: ImportLine[] = []
    for await (const line of readImport(path, format)) lines.push(line)
    return lines
  }

  it('says by its name what it is', () => {
    for (const [name, format] of [
      ['people.csv', 'csv'],
      ['people.CSV', 'csv'],
      ['people.jsonl', 'jsonl'],
      ['people.ndjson', 'jsonl'],
      ['people.txt', undefined],
    ] as const)
      expect(formatOf(name)).to.equal(format)
  })

  it('of JSON lines is read line by line, with each bad one by its number', async () => {
    const lines = await linesOf(
      'jsonl',
      '\uFEFF{"username":"a"}\r\n\n{"username":\nnull\n[1]\n"x"\n{"username":"b"}',
    )
    expect(lines).to.deep.equal([
      { line: 1, fields: { username: 'a' } },
      { line: 3, fault: 'line-unreadable' },
      { line: 4, fault: 'line-unreadable' },
      { line: 5, fault: 'line-unreadable' },
      { line: 6, fault: 'line-unreadable' },
      { line: 7, fields: { username: 'b' } },
    ])
  })

  it('of JSON lines may have a line without an end, which is not kept in memory', async () => {
    const long = 'x'.repeat(LONGEST_LINE * 3)
    expect(await linesOf('jsonl', `{"a":1}\n${long}\n{"b":2}\n${long}`)).to.deep.equal([
      { line: 1, fields: { a: 1 } },
      { line: 2, fault: 'line-too-long' },
      { line: 3, fields: { b: 2 } },
      { line: 4, fault: 'line-too-long' },
    ])
  })

  it('of CSV is read by its header, with quotes and line ends inside them', async () => {
    const lines = await linesOf(
      'csv',
      '\uFEFFusername, email ,backup_codes\na,a@b.example,"x,y"\n\n"b ""q""",,"one\ntwo"\n',
    )
    expect(lines.map((line) => 'fields' in line && line.fields)).to.deep.equal([
      { username: 'a', email: 'a@b.example', backup_codes: 'x,y' },
      { username: 'b "q"', email: '', backup_codes: 'one\ntwo' },
    ])
    expect(lines[0]).to.include({ line: 2 })
  })

  it('of CSV goes on after a record that does not fit its header', async () => {
    const lines = await linesOf('csv', 'username,email\na,1\nb\nc,3,4\nd,5\n')
    expect(lines.map(({ line }) => line).sort()).to.deep.equal([2, 3, 4, 5])
    expect(lines.filter((line) => 'fault' in line)).to.have.deep.members([
      { line: 3, fault: 'line-unreadable' },
      { line: 4, fault: 'line-unreadable' },
    ])
  })

  it('that is not there is an error, not an empty file', async () => {
    for (const format of ['jsonl', 'csv'] as const) {
      const reading = (async () => {
        for await (const _ of readImport(join(folder, 'nowhere'), format)) return 'read'
        return 'empty'
      })()
      expect(await reading.catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT')
    }
  })
})
