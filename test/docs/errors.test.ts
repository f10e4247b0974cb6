import { expect } from 'chai'
import { MfaError, type ErrorCode } from '../../src/domain/errors.ts'
import { answerError } from '../../src/http/errors.ts'
import { parseSource, readText, sectionsOf, unionOf } from './page.ts'

const sections = sectionsOf(readText('docs/reference/errors.md'), 3)
const codes = unionOf(parseSource('src/domain/errors.ts'), 'ErrorCode')

/** The text that the page must have under an error code, made from the response for that code. */
function answerLine(code: ErrorCode): string {
  const { status, page, headers } = answerError(new MfaError(code, ''), { requestId: '' })
  const wait = headers['Retry-After']
  return `${status}, page \`${page}\`${wait === undefined ? '' : `, \`Retry-After: ${wait}\``}`
}

describe('docs/reference/errors.md', () => {
  it('explains every error code, each once, and no other', () => {
    expect(codes.length).to.be.greaterThan(10)
    expect(sections.map(({ heading }) => heading)).to.have.members(codes)
  })

  it('says of each what a browser gets', () => {
    for (const { heading, body } of sections)
      expect(body.split('\n')[0], heading).to.equal(answerLine(heading as ErrorCode))
  })

  it('says of each what it means and what mends it', () => {
    for (const { heading, body } of sections) {
      const [, meaning = '', ...rest] = body.split('\n\n')
      expect(meaning.length, heading).to.be.greaterThan(40)
      expect(rest.join('\n\n'), heading).to.match(/^To mend: \S/)
    }
  })
})
