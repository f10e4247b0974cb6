import { expect } from 'chai'
import ts from 'typescript'
import { globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import manifest from '../../package.json' with { type: 'json' }
import { anchorsOf, brokenLinks, linksIn, withoutFences } from './links.ts'
import { codeIn, parseSource, readText, ROOT } from './page.ts'

const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('{docs,examples,bench}/**/*.md', { cwd: ROOT }),
].sort()

/** A path of this repository that a page writes as code, such as `src/domain/policy/levels.ts` or `test/docs`. */
const OWN_PATH = /^(?:bench|bin|config|docs|examples|interactions|src|test|views)\/[\w./*{},-]*$/

/** A document that a message names, with its heading if it names one: `docs/guides/operating.md#stop`. */
const DOCUMENT = /(?:[\w.-]+\/)*[\w.-]+\.md(?:#[\w-]+)?|\b(?:bench|examples|test)\/[\w./-]+/g

/** The texts of a source, in which a message may stand: strings and templates, without comments and imports. */
function textsOf(file: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
    )
      texts.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(parseSource(file))
  return texts
}

/** Whether the published package has the file. npm adds README.md by itself. */
function isPublished(path: string): boolean {
  const files = [...manifest.files, 'README.md'].flatMap((entry) => [entry, `${entry}/**`])
  return globSync(files, { cwd: ROOT }).includes(path)
}

describe('what the messages of the product refer to', () => {
  const sources = globSync('{src,interactions,config}/**/*.ts', { cwd: ROOT })
  const named = sources.flatMap((file) =>
    textsOf(file).flatMap((text) =>
      (text.match(DOCUMENT) ?? []).map((document) => ({ file, document })),
    ),
  )

  it('is a document of the published package, with the heading that is named', () => {
    expect(named.map(({ document }) => document)).to.include.members([
      'docs/guides/mongodb-in-production.md',
      'docs/reference/configuration.md',
    ])
    const missing = named.filter(({ document }) => {
      const [path = '', heading] = document.split('#')
      if (!isPublished(path)) return true
      return heading !== undefined && !anchorsOf(readText(path)).includes(heading)
    })
    expect(missing).to.deep.equal([])
  })
})

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
