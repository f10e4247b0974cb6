import { expect } from 'chai'
import { existsSync, globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { codeIn, readText, ROOT } from './page.ts'

const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('{docs,examples,bench}/**/*.md', { cwd: ROOT }),
].sort()

/** A path of this repository, written as code: `src/domain/policy.ts`, `test/docs`. */
const OWN_PATH = /^(?:bench|bin|config|docs|examples|interactions|src|test|views)\/[\w./*{},-]*$/

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The targets of links and pictures, as written. */
function linksIn(text: string): string[] {
  return [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
}

/** The anchors of a page's headings, as they are made where it is shown. */
function anchorsOf(text: string): string[] {
  return [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

describe('what the documentation refers to', () => {
  it('has a page and a heading behind every link within the repository', () => {
    const broken = PAGES.flatMap((page) =>
      linksIn(readText(page))
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path = '', anchor] = link.split('#')
          const target = path === '' ? page : normalize(join(dirname(page), path))
          if (!existsSync(`${ROOT}/${target}`)) return true
          return anchor !== undefined && !anchorsOf(readText(target)).includes(anchor)
        })
        .map((link) => `${page}: ${link}`),
    )
    expect(broken).to.deep.equal([])
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
