import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { environmentTable, fileTable } from './reference-tables.ts'

/** Rows without the padding that a formatter adds. */
function rows(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^[|\s-]+$/.test(line))
    .map((line) => line.replaceAll(/\s*\|\s*/g, '|').trim())
}

describe('docs/reference/configuration.md', () => {
  it('has each option of the schema as the schema describes it, and no other', () => {
    const page = readFileSync(
      new URL('../../docs/reference/configuration.md', import.meta.url),
      'utf8',
    )
    expect(rows(page)).to.deep.equal(rows(`${environmentTable()}\n${fileTable()}`))
  })
})
