import { expect } from 'chai'
import { globSync } from 'node:fs'
import { readText, ROOT } from './page.ts'

const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('{docs,examples,bench}/**/*.md', { cwd: ROOT }),
].sort()
const MESSAGES = globSync('views/messages/en.json', { cwd: ROOT })
const SOURCES = [
  ...globSync('*.js', { cwd: ROOT }),
  ...globSync('{src,interactions,config,bench,bin,.ci,examples,views,test}/**/*.{ts,js,mjs}', {
    cwd: ROOT,
  }),
]
  .filter((file) => file !== 'test/docs/plain-words.test.ts')
  .sort()

/**
 * Words and phrases that are old, or that hide the subject of a sentence. A reader whose English is a second language
 * has to stop at each. "A person who ..." and "A value that ..." say the same.
 */
const PHRASES = [
  /\bwho(?:so|m)?ever\b/i,
  /\bwhat is none\b/i,
  /\bsuch is\b/i,
  /\b(?:whereof|whereby|wherein|thereby|thereof|therein)\b/i,
  /\b(?:for want of|as it were|of old|to be had|is had)\b/i,
  /\b(?:the|its|their) like\b(?! \w)/i,
  /\bbesides\./i,
  /\bnobody[’']s business\b/i,
]
/** A sentence of a page whose subject is "what ...". A question may begin so. */
const HEADLESS = /^(?:[-|] )?(?:\*\*)?what (?:is|was|has|had|stands|belongs|follows) [^?]*$/i
/** A sentence of a comment that begins so. There it stands for the name of the thing that the comment describes. */
const HEADLESS_COMMENT = /(?:^|[.;] )(?:What|Whom|Whose) [^?]*$/

/** Text without code, and without the titles of tests, which have their own words. */
function sentencesOf(page: string): string[] {
  return readText(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`]*`: "[^"]*"/g, '')
    .split(/\n|(?<=[.:;!?]) /)
    .map((sentence) => sentence.trim())
}

/** The comments of a source, each as one line. A comment begins a line or follows code and a space. */
function commentsOf(source: string): string[] {
  return Array.from(
    source.matchAll(/\/\*[\s\S]*?\*\/|(?:(?:^|\s)\/\/ .*(?:\n|$))+/gm),
    ([comment]) =>
      comment
        .replaceAll(/^\s*(?:\/\*\*?|\/\/|\*(?!\/))|\*\/$/gm, ' ')
        .replaceAll(/\s\/\/ |\s+/g, ' ')
        .trim(),
  )
}

/** The unclear places of a text, each with the words before it. */
function phrasesIn(text: string): string[] {
  return PHRASES.flatMap((phrase) => phrase.exec(text)?.[0] ?? [])
}

describe('the words of the documentation', () => {
  it('find a riddle where there is one', () => {
    const riddles = ['What is none ends the chain.', '- What was weak ends.', 'Whoever has it.']
    for (const riddle of riddles)
      expect(HEADLESS.test(riddle) || phrasesIn(riddle).length > 0, riddle).to.equal(true)
    expect(HEADLESS.test('What is a factor?')).to.equal(false)
    expect(phrasesIn('It is skipped for want of a tool.')).to.deep.equal(['for want of'])
    expect(phrasesIn('Each looks the like of it, or like its neighbour.')).to.deep.equal([])
  })

  it('name their subject', () => {
    const found = PAGES.flatMap((page) =>
      sentencesOf(page)
        .filter((sentence) => HEADLESS.test(sentence) || phrasesIn(sentence).length > 0)
        .map((sentence) => `${page}: ${sentence}`),
    )
    expect(found).to.deep.equal([])
  })
})

describe('the words of the sources', () => {
  it('find a riddle in a comment', () => {
    const source = [
      'const a = 1 // What a page shows.',
      '/** Undefined: none. What is',
      ' * none ends the chain. */',
      '// What can it be?',
      "const b = 'What a string says.'",
    ].join('\n')
    expect(commentsOf(source).filter((comment) => HEADLESS_COMMENT.test(comment))).to.deep.equal([
      'What a page shows.',
      'Undefined: none. What is none ends the chain.',
    ])
  })

  it('name their subject in comments', () => {
    const found = SOURCES.flatMap((file) =>
      commentsOf(readText(file))
        .filter((comment) => HEADLESS_COMMENT.test(comment))
        .map((comment) => `${file}: ${comment}`),
    )
    expect(found).to.deep.equal([])
  })

  it('are plain in comments, messages and the titles of tests', () => {
    const found = [...SOURCES, ...MESSAGES].flatMap((file) =>
      phrasesIn(readText(file).replaceAll(/\n\s*(?:\*|\/\/) /g, ' ')).map(
        (phrase) => `${file}: ${phrase}`,
      ),
    )
    expect(found).to.deep.equal([])
  })
})
