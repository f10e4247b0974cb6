import { expect } from 'chai'
import { changed } from '../examples/changed.ts'
import { examplesOf, exampleWith } from './examples.ts'
import { readText } from './page.ts'

const GUIDE = 'docs/guides/add-to-your-provider.md'

/** The lines of an example in their order, without indentation, empty lines and comments. */
function linesOf(code: string): string[] {
  return code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'))
}

function added(example: string): string[] {
  const [before, after] = ['before', 'after'].map((variant) =>
    readText(`examples/${example}/${variant}/app.ts`),
  )
  return changed(before!, after!).added.map((line) => line.trim())
}

describe(GUIDE, () => {
  it('has the very lines by which the example in Koa differs, and at most ten', () => {
    const lines = linesOf(exampleWith(GUIDE, 'js', 'createMfa('))
    expect(lines).to.deep.equal(added('existing-provider'))
    expect(lines.length).to.be.at.most(10)
  })

  it('has the line of the JSON front end as the example in Express has it', () => {
    const line = added('existing-provider-express').at(-1)!
    expect(line).to.contain('mfa.interactionResult(')
    const shown = examplesOf(GUIDE, 'js').flatMap(linesOf)
    expect(shown.filter((each) => each.includes('interactionResult'))).to.deep.equal([line])
  })
})
