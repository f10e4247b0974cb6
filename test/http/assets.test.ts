import { createHash } from 'node:crypto'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAssets } from '../../src/http/assets.ts'
import { builtInViews } from '../../src/http/templates.ts'
import { themeCss } from '../../src/http/theme.ts'

describe('the files that pages refer to', () => {
  let own: string
  beforeEach(() => {
    own = mkdtempSync(join(tmpdir(), 'own-'))
  })
  afterEach(() => rmSync(own, { recursive: true }))
  const load = () => loadAssets([own, builtInViews()], { base: '/mfa/assets' })

  it('have a path that names their content, and may be kept for a year', () => {
    writeFileSync(join(own, 'own.css'), 'b{}')
    const assets = load()
    const hash = createHash('sha256').update('b{}').digest('hex').slice(0, 16)
    expect(assets.href('own.css')).to.equal(`/mfa/assets/own.${hash}.css`)
    const asset = assets.get(assets.href('own.css'))
    expect(asset?.bytes.toString()).to.equal('b{}')
    expect(asset?.type).to.equal('text/css; charset=utf-8')
    expect(asset?.headers).to.include({
      'Cache-Control': 'public, max-age=31536000, immutable',
      'X-Content-Type-Options': 'nosniff',
    })
  })

  it("of the application's own take the place of ours", () => {
    const ours = load().href('style.css')
    writeFileSync(join(own, 'style.css'), 'b{}')
    expect(load().href('style.css')).to.not.equal(ours)
    expect(load().get(load().href('style.css'))?.bytes.toString()).to.equal('b{}')
  })

  it('are style, script, pictures and typefaces: no template, catalogue or hidden file', () => {
    writeFileSync(join(own, 'secret.njk'), 'x')
    writeFileSync(join(own, '.env'), 'x')
    writeFileSync(join(own, 'notes.txt'), 'x')
    mkdirSync(join(own, 'folder.css'))
    for (const name of ['secret.njk', '.env', 'notes.txt', 'folder.css', 'messages/en.json'])
      expect(() => load().href(name), name).to.throw(name)
  })

  it('are nothing under any other path', () => {
    const assets = load()
    for (const path of [
      '/',
      '/mfa/assets/',
      '/mfa/assets/style.css',
      '/style.0123456789abcdef.css',
      '/mfa/assets/../package.0123456789abcdef.json',
      '/mfa/assets/no.0123456789abcdef.css',
      '/mfa/assets/messages/en.0123456789abcdef.json',
      '/mfa/assets/x/style.0123456789abcdef.css',
    ])
      expect(assets.get(path), path).to.equal(undefined)
  })

  it('have their hash where a style sheet refers to them', () => {
    writeFileSync(join(own, 'own.woff2'), 'glyphs')
    writeFileSync(join(own, 'own.svg'), '<svg></svg>')
    const sheet = (text: string) => {
      writeFileSync(join(own, 'own.css'), text)
      const assets = load()
      return assets.get(assets.href('own.css'))?.bytes.toString()
    }
    const named = (name: string) => load().href(name).replace('/mfa/assets/', '')
    expect(sheet(`a{src:url(own.woff2)}b{background:url("own.svg") url('own.svg')}`)).to.equal(
      `a{src:url(${named('own.woff2')})}b{background:url("${named('own.svg')}") url('${named('own.svg')}')}`,
    )
    const others = 'url(gone.svg) url(own.css) url(data:image/png;base64,AA) url(/x/own.svg)'
    expect(sheet(others)).to.equal(others)
    // Browsers cache the style sheet for a year, so its name must change when the typeface in it changes.
    sheet('a{src:url(own.woff2)}')
    const before = load().href('own.css')
    writeFileSync(join(own, 'own.woff2'), 'other glyphs')
    expect(load().href('own.css')).not.to.equal(before)
  })

  it('of another version are answered with what is there, not to be kept', () => {
    const asset = load().get('/mfa/assets/style.0123456789abcdef.css')
    expect(asset?.bytes.toString()).to.include('--accent')
    expect(asset?.headers['Cache-Control']).to.equal('no-cache')
  })

  it("include each client's theme, made from its name", () => {
    const assets = load()
    const asset = assets.get(assets.href('theme-00aaff-ffffff.css'))
    expect(asset?.bytes.toString()).to.equal(themeCss('#00aaff', '#ffffff'))
    expect(asset?.headers['Cache-Control']).to.include('immutable')
    expect(() => assets.href('theme-red.css')).to.throw('theme-red.css')
  })

  it('are under /assets where nothing else is said, and a slash too many does no harm', () => {
    expect(loadAssets([builtInViews()]).href('page.js')).to.match(/^\/assets\/page\./)
    expect(loadAssets([builtInViews()], { base: '/x/' }).base).to.equal('/x/')
    expect(loadAssets([join(own, 'gone')], { base: '' }).base).to.equal('/')
  })
})
