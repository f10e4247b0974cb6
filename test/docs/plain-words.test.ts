import { expect } from 'chai'
import { globSync } from 'node:fs'
import { readText, ROOT } from './page.ts'

const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('{docs,examples,bench}/**/*.md', { cwd: ROOT }),
].sort()

/**
 * Turns of phrase that hide the subject of a sentence. A reader whose English is a second language has to stop at each.
 * "A person who ..." and "A value that ..." say the same.
 */
const RIDDLES = [
  /\bwhoever\b/i,
  /\bwhat is none\b/i,
  /\bsuch is\b/i,
  /^(?:[-|] )?(?:\*\*)?what (?:is|was|has|had|stands|belongs|follows) [^?]*$/i,
]

/** Text without code, and without the titles of tests, which have their own words. */
function sentencesOf(page: string): string[] {
  return readText(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`]*`: "[^"]*"/g, '')
    .split(/\n|(?<=[.:;!?]) /)
    .map((sentence) => sentence.trim())
}

describe('the words of the documentation', () => {
  it('find a riddle where there is one', () => {
    const riddles = ['What is none ends the chain.', '- What was weak ends.', 'Whoever has it.']
    for (const riddle of riddles)
      expect(
        RIDDLES.some((each) => each.test(riddle)),
        riddle,
      ).to.equal(true)
    expect(RIDDLES.some((each) => each.test('What is a factor?'))).to.equal(false)
  })

  it('name their subject', () => {
    const found = PAGES.flatMap((page) =>
      sentencesOf(page)
        .filter((sentence) => RIDDLES.some((each) => each.test(sentence)))
        .map((sentence) => `${page}: ${sentence}`),
    )
    expect(found).to.deep.equal([])
  })
})
