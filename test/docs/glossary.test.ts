import { expect } from 'chai'
import { globSync } from 'node:fs'
import { readText, ROOT, rowsOf } from './page.ts'

const rows = rowsOf(readText('docs/glossary.md'))
const terms = rows.map(([term]) => term ?? '')

/** The text of the sources in separate words: `KeptChallenge` becomes "kept challenge". */
function wordsOfSources(): string {
  const files = globSync('{src,interactions,config}/**/*.ts', { cwd: ROOT })
  return files
    .map((file) => readText(file))
    .join('\n')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[\s*_-]+/g, ' ')
    .toLowerCase()
}

describe('docs/glossary.md', () => {
  it('lists each term once, in alphabetical order', () => {
    expect(terms.length).to.be.greaterThan(15)
    expect(terms).to.deep.equal([...new Set(terms)].toSorted())
  })

  it('says in a line what each term means', () => {
    for (const [term, meaning = ''] of rows) expect(meaning.length, term).to.be.within(20, 180)
  })

  it('has no term that the sources do not use', () => {
    const words = wordsOfSources()
    expect(terms.filter((term) => !words.includes(term.replaceAll('-', ' ')))).to.deep.equal([])
  })
})
