import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
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

  const linesOf = async (
    format: 'jsonl' | 'csv',
    content: string | Buffer,
  ): Promise<ImportLine[]> => {
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

  it('of CSV goes on after a record that is too long, and names its lines', async () => {
    const long = 'x'.repeat(LONGEST_LINE)
    const rows = Array.from({ length: 2_000 }, (_, nth) => `p${nth},${nth}\n`).join('')
    for (const [record, to] of [
      [`a,${long}\n`, 3],
      [`a,"${long}"\n`, 3],
      [`a,"${long}\nadmin,1\n""q"", x\n"\n`, 6],
      [`a,"\n${'admin,1\n'.repeat(50_000)}"\n`, 50_004],
    ] as const) {
      const lines = await linesOf('csv', `username,email\nfirst,0\n${record}${rows}`)
      expect(lines.slice(0, 3)).to.deep.equal([
        { line: 2, fields: { username: 'first', email: '0' } },
        { line: 3, to, fault: 'line-too-long' },
        { line: to + 1, fields: { username: 'p0', email: '0' } },
      ])
      expect(lines).to.have.length(2_002)
      expect(JSON.stringify(lines)).not.to.contain('admin')
    }
  })

  it('of CSV has an unclosed quote to its end, and no row in the text of a person', async () => {
    const rows = 'admin,1\n'.repeat(5)
    for (const [given, ...expected] of [
      [`a,"open\n${rows}`, { line: 2, to: 7, fault: 'line-unreadable' }],
      [`a,"open\n${rows}b,"2"\n`, { line: 2, to: 8, fault: 'line-unreadable' }],
      [
        `a,"open\nb,"x\n"\nc,3\n`,
        { line: 2, to: 4, fault: 'line-unreadable' },
        { line: 5, fields: { username: 'c', email: '3' } },
      ],
      [
        `a,"o"k"\nb,2\n`,
        { line: 2, to: 2, fault: 'line-unreadable' },
        { line: 3, fields: { username: 'b', email: '2' } },
      ],
      [
        `a,6" pipe\nb,2\n`,
        { line: 2, to: 2, fault: 'line-unreadable' },
        { line: 3, fields: { username: 'b', email: '2' } },
      ],
      [`a, "spaces" \r\n`, { line: 2, fields: { username: 'a', email: 'spaces' } }],
      [`a\radmin,1\n`, { line: 2, fields: { username: 'a\radmin', email: '1' } }],
    ] as const) {
      const lines = await linesOf('csv', `username,email\n${given}`)
      expect(lines, given).to.deep.equal(expected)
      const names = lines.map((line) => 'fields' in line && line.fields['username'])
      expect(names).not.to.include('admin')
    }
  })

  it('of CSV is read as it was written, whatever the people have typed', async () => {
    const cell = fc.oneof(
      fc.string({
        unit: fc.constantFrom('"', ',', ';', '\n', '\r\n', 'a', 'é', ' ', '\t'),
        maxLength: 8,
      }),
      fc.string(),
    )
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { maxLength: 8 }),
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n'),
        async (rows, delimiter, end) => {
          const text = [['username', 'email'], ...rows]
            .map((row) => row.map(quoted).join(delimiter))
            .join(end)
          const read = (await linesOf('csv', text)).map((line) => 'fields' in line && line.fields)
          expect(read).to.deep.equal(rows.map(([username, email]) => ({ username, email })))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('of CSV may have semicolons or tabs, and the line ends of every system', async () => {
    for (const [delimiter, end] of [';', '\t', ','].flatMap((delimiter) =>
      ['\n', '\r\n', '\r'].map((end) => [delimiter, end] as const),
    )) {
      const rows = [
        ['username', 'email', 'backup_codes', 'groups'],
        ['a', '', `"x${delimiter}y"`, ''],
        ['b', '2', 'z', 'staff'],
      ]
      const text = rows.map((row) => row.join(delimiter)).join(end)
      const lines = await linesOf('csv', text)
      expect(lines.map((line) => 'fields' in line && line.fields)).to.deep.equal([
        { username: 'a', email: '', backup_codes: `x${delimiter}y`, groups: '' },
        { username: 'b', email: '2', backup_codes: 'z', groups: 'staff' },
      ])
    }
  })

  it('refuses the line that has bytes which are not UTF-8, and no other', async () => {
    const windows1252 = Buffer.from('Zo\u00eb', 'latin1')
    const good = Buffer.from('Zo\u00eb €')
    const csv = Buffer.concat([
      Buffer.from('username,email\n'),
      good,
      Buffer.from(',1\n'),
      windows1252,
      Buffer.from(',2\n"x\n'),
      windows1252,
      Buffer.from('",3\nc,4\n'),
    ])
    expect(await linesOf('csv', csv)).to.deep.equal([
      { line: 2, fields: { username: 'Zo\u00eb €', email: '1' } },
      { line: 3, fault: 'line-encoding' },
      { line: 4, to: 5, fault: 'line-encoding' },
      { line: 6, fields: { username: 'c', email: '4' } },
    ])
    const jsonl = Buffer.concat([
      Buffer.from('{"a":"'),
      good,
      Buffer.from('"}\n{"a":"'),
      windows1252,
      Buffer.from('"}\n{"a":1}'),
    ])
    expect(await linesOf('jsonl', jsonl)).to.deep.equal([
      { line: 1, fields: { a: 'Zo\u00eb €' } },
      { line: 2, fault: 'line-encoding' },
      { line: 3, fields: { a: 1 } },
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
