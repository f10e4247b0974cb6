import { expect } from 'chai'
import { globSync } from 'node:fs'
import { readText, ROOT, rowsOf, sectionsOf } from './page.ts'

const files = globSync('docs/adr/[0-9]*.md', { cwd: ROOT }).sort()

describe('docs/adr', () => {
  it('has one numbered page for each decision, and an index of all', () => {
    const numbers = files.map((file) => Number(/\/(\d{4})-/.exec(file)?.[1]))
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1))
    const index = rowsOf(readText('docs/adr/README.md')).map(([link, title]) => `${link} ${title}`)
    expect(index).to.deep.equal(
      files.map((file) => {
        const [, number = '', name = ''] = /\/((\d{4})-.*)$/.exec(file) ?? []
        const [title] = readText(file).split('\n')
        return `[${name}](${number}) ${title?.replace(`# ${name}: `, '')}`
      }),
    )
  })

  it('says in each what the situation was, what was decided and what was given up', () => {
    for (const file of files)
      expect(
        sectionsOf(readText(file), 2).map(({ heading }) => heading),
        file,
      ).to.deep.equal(['Context', 'Decision', 'What was given up'])
  })

  it('keeps each to one page', () => {
    for (const file of files)
      expect(readText(file).split(/\s+/).length, file).to.be.within(100, 500)
  })
})
