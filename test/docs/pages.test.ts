import { expect } from 'chai'
import { globSync } from 'node:fs'
import { MfaError, type ErrorCode } from '../../src/domain/errors.ts'
import { answerError } from '../../src/http/errors.ts'
import { enrolPageOf, offerPageOf, verifyPageOf } from '../../src/http/factor-views.ts'
import { parsePage } from '../pages/markup.ts'
import { PAGES, SAMPLES } from '../pages/samples.ts'
import { OUR_FACTORS, ourViews, show } from '../pages/stage.ts'
import { type Element } from '../support/html.ts'
import { codeIn, parseSource, readText, ROOT, rowsOf, sectionOf, unionOf } from './page.ts'

const page = readText('docs/reference/pages.md')
const pages = rowsOf(sectionOf(page, 2, 'Names of pages'))
const [fields = '', everywhere = ''] = sectionOf(page, 2, 'Fields and elements').split(
  'These selectors work on every page:',
)

describe('docs/reference/pages.md', () => {
  const rendered = new Map<string, Element[]>()
  const found = (documents: readonly Element[], selector: string) =>
    documents.flatMap((document) => [...document.querySelectorAll(selector)])

  before(async () => {
    const views = ourViews()
    for (const sample of SAMPLES)
      rendered.set(sample.page, [
        ...(rendered.get(sample.page) ?? []),
        parsePage(await show(views, sample)),
      ])
  })

  it('names every page, each once, and no other', () => {
    expect(pages.map(([name]) => name)).to.have.members(PAGES.map((name) => `\`${name}\``))
    for (const [name, what = ''] of pages) expect(what.length, name).to.be.greaterThan(8)
  })

  it('says whose each is: the pages of the plugin are in interactions/, src/import/ and src/account/, the others in the server', () => {
    const textOf = (pattern: string) => globSync(pattern, { cwd: ROOT }).map(readText).join('\n')
    const plugin = textOf('{interactions,src/plugin,src/import,src/account}/**/*.ts')
    const server = textOf('src/{server,account}/**/*.ts')
    const ofFactors: readonly string[] = OUR_FACTORS.flatMap((factor) => [
      enrolPageOf(factor),
      verifyPageOf(factor),
      offerPageOf(factor),
    ])
    for (const [cell = '', , , owner] of pages) {
      const name = codeIn(cell)[0] ?? ''
      if (owner === 'plugin')
        expect(ofFactors.includes(name) || plugin.includes(`'${name}'`), name).to.equal(true)
      if (owner === 'server') expect(server.includes(`'${name}'`), name).to.equal(true)
      if (owner === 'both')
        expect([
          'answered',
          'busy',
          'expired',
          'forbidden',
          'not-found',
          'unavailable',
          'error',
        ]).to.include(name)
      else expect(owner).to.be.oneOf(['plugin', 'server'])
    }
  })

  it('gives the pages of an error the statuses that they are answered with', () => {
    const answered = new Map<string, Set<string>>()
    for (const code of unionOf(parseSource('src/domain/errors.ts'), 'ErrorCode')) {
      const answer = answerError(new MfaError(code as ErrorCode, ''), { requestId: '' })
      const statuses = answered.get(answer.page) ?? new Set<string>()
      answered.set(answer.page, statuses.add(String(answer.status)))
    }
    for (const [name = '', , statuses = ''] of pages) {
      const expected = answered.get(codeIn(name)[0] ?? '')
      if (expected !== undefined)
        expect(statuses.match(/\d{3}/g), name).to.have.members([...expected])
    }
  })

  it('lists fields and elements that are on their page', () => {
    const rows = rowsOf(fields)
    expect(rows.length).to.be.greaterThan(10)
    for (const [name = '', selector = ''] of rows) {
      const documents = rendered.get(codeIn(name)[0] ?? '') ?? []
      expect(found(documents, codeIn(selector)[0] ?? ''), `${name} ${selector}`).to.not.be.empty
    }
  })

  it('lists attributes that some page has', () => {
    const documents = [...rendered.values()].flat()
    for (const [selector = ''] of rowsOf(everywhere)) {
      const any = (codeIn(selector)[0] ?? '').replace('=F]', ']')
      expect(found(documents, any), selector).to.not.be.empty
    }
  })

  it('lists the name of every field and button, but for those of a refusal', () => {
    const documented = [...page.matchAll(/\[name=(\w+)\]/g)].map((match) => match[1])
    const named = ':is(input, button)[name]:not([data-refuse], [name=xsrf])'
    const used = found([...rendered.values()].flat(), named).map((each) =>
      each.getAttribute('name'),
    )
    expect([...new Set(documented)]).to.have.members([...new Set(used)])
  })
})
