import { expect } from 'chai'
import { globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { brokenLinks, linksIn, withoutFences } from './links.ts'
import { codeIn, readText, ROOT } from './page.ts'

const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('{docs,examples,bench}/**/*.md', { cwd: ROOT }),
].sort()

/** A path of this repository that a page writes as code, such as `src/domain/policy.ts` or `test/docs`. */
const OWN_PATH = /^(?:bench|bin|config|docs|examples|interactions|src|test|views)\/[\w./*{},-]*$/

describe('what the documentation refers to', () => {
  it('has a page and a heading behind every link within the repository', () => {
    expect(brokenLinks(ROOT, PAGES)).to.deep.equal([])
  })

  it('names no file of the repository that is not there', () => {
    const missing = PAGES.flatMap((page) =>
      codeIn(withoutFences(readText(page)))
        .filter((code) => OWN_PATH.test(code))
        .filter((path) => globSync(path, { cwd: ROOT }).length === 0)
        .map((path) => `${page}: ${path}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('has no page that no other page leads to', () => {
    const linked = new Set(
      PAGES.flatMap((page) =>
        linksIn(readText(page)).map((link) =>
          normalize(join(dirname(page), link.split('#')[0] ?? '')),
        ),
      ),
    )
    const guides = PAGES.filter((page) => page.startsWith('docs/'))
    expect(guides.filter((page) => !linked.has(page))).to.deep.equal([])
  })
})
