import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { readFactorViews } from '../../src/http/factor-views.ts'
import { TEMPLATES } from '../../src/http/render.ts'
import { builtInViews } from '../../src/http/templates.ts'
import { OUR_FACTORS } from './stage.ts'

const read = (path: string) => readFileSync(join(builtInViews(), path), 'utf8')
const guide = read('../docs/guides/theming.md')
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found)

/** The rows of the table whose first column has this heading. */
function table(column: string): string {
  const [, rows] = guide.split(new RegExp(`^\\| ${column} .*\\n\\|[- |]+\\n`, 'm'))
  return rows?.split('\n\n')[0] ?? ''
}

describe('the guide to looks and words', () => {
  it('names every block of the frame, and no other', () => {
    expect(all(table('Block'), /^\| `(\w+)`/gm).sort()).to.deep.equal(
      all(read('layouts/page.njk'), /\{% block (\w+) %\}/g).sort(),
    )
  })

  it('names every style property, and no other', () => {
    const properties = new Set(all(read('style.css'), /^ +(--[\w-]+):/gm))
    expect(all(table('Property'), /`(--[\w-]+)`/g).sort()).to.deep.equal([...properties].sort())
  })

  it('names the template of every page, and no other', () => {
    const rows = [...table('Page').matchAll(/^\| `([\w-]+)` +\| `([\w/.-]+)`/gm)]
    const ofFactors = readFactorViews(OUR_FACTORS, { pages: [], mails: [], words: {} }).flatMap(
      ({ pages }) => pages,
    )
    expect(Object.fromEntries(rows.map(([, page, template]) => [page, template]))).to.deep.equal(
      Object.fromEntries([
        ...Object.entries(TEMPLATES).map(([page, { template }]) => [page, template]),
        ...ofFactors.map(({ name, template }) => [name, template]),
      ]),
    )
  })
})
