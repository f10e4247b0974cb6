import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import nunjucks from 'nunjucks'
import { templates, viewFolders } from '../../src/http/templates.ts'

describe('the templates of a process', () => {
  let folder: string
  const { precompileString } = nunjucks

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'templates-'))
    write('page.njk', '{{ name }}{% include "./parts/end.njk" %}')
    write('parts/end.njk', '.')
  })
  afterEach(() => {
    nunjucks.precompileString = precompileString
    rmSync(folder, { recursive: true })
  })

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  function shown(autoescape = true, name = 'page.njk'): string {
    const environment = templates({ folders: viewFolders(folder), mounts: [] }, { autoescape })
    return environment.render(name, { name: 'Mira & Ole' })
  }

  it('are compiled once, and every environment escapes as it was told', () => {
    expect(shown()).to.equal('Mira &amp; Ole.')
    nunjucks.precompileString = () => {
      throw new Error('compiled again')
    }
    expect(shown(false)).to.equal('Mira & Ole.')
    expect(shown()).to.equal('Mira &amp; Ole.')
  })

  it('are compiled anew where their text has changed', () => {
    expect(shown()).to.equal('Mira &amp; Ole.')
    write('parts/end.njk', '!')
    expect(shown()).to.equal('Mira &amp; Ole!')
  })

  it('say what is wrong, and where, each time that one does not compile', () => {
    write('broken.njk', 'a\n{% if %}')
    for (const time of [1, 2])
      expect(() => shown(true, 'broken.njk'), `${time}`).to.throw(/broken\.njk\)? \[Line 2/)
  })
})
