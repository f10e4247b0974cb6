import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { createViews } from '../../src/http/views.ts'
import { temporaryFolder } from '../adapters/sqlite/temporary-folder.ts'
import { SAMPLES } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

const SHEET = `
@font-face { font-family: Own; src: url(own.woff2) }
body { font-family: Own; background: url("own.svg") }`

describe('a style sheet of the application’s own, in Chromium', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  let stage: Stage
  afterEach(async () => stage?.close())

  it('loads its typeface and its picture under the content security policy', async function () {
    writeFileSync(folder.file('style.css'), SHEET)
    writeFileSync(folder.file('own.woff2'), 'no glyphs: that it is asked for is enough')
    writeFileSync(folder.file('own.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    stage = await openStage(this, createViews({ views: folder.path }))
    const page = await stage.browser.newPage()
    const loaded: string[] = []
    const blocked: string[] = []
    page.on('response', (response) => {
      if (response.status() === 200) loaded.push(new URL(response.url()).pathname)
    })
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text())
    })
    const sample = SAMPLES.find(({ page: name }) => name === 'not-found')!
    await page.goto(stage.show(sample), { waitUntil: 'networkidle' })
    expect(blocked).to.deep.equal([])
    for (const name of [/\/own\.[0-9a-f]{16}\.woff2$/, /\/own\.[0-9a-f]{16}\.svg$/])
      expect(
        loaded.filter((path) => name.test(path)),
        String(name),
      ).to.have.length(1)
  })
})
