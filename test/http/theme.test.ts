import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { builtInViews } from '../../src/http/templates.ts'
import { SHEETS, contrastRatio, themeCss, themeName, themeNamed } from '../../src/http/theme.ts'

const colour = fc.integer({ min: 0, max: 0xffffff }).map((value) => {
  return `#${value.toString(16).padStart(6, '0')}`
})

/** The properties of a theme in the light and in the dark colour scheme. */
function schemes(css: string | undefined): readonly Readonly<Record<string, string>>[] {
  return (css ?? '')
    .split('@media')
    .map((part) =>
      Object.fromEntries(
        [...part.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', hex = '']) => [
          name,
          hex,
        ]),
      ),
    )
}

describe("a client's theme", () => {
  it('meets WCAG AA in light and in dark, whatever the accent and the ink', () => {
    fc.assert(
      fc.property(colour, colour, (accent, ink) => {
        const [light = {}, dark = {}] = schemes(themeCss(accent, ink))
        for (const [theme, sheet] of [
          [light, SHEETS.light],
          [dark, SHEETS.dark],
        ] as const) {
          expect(contrastRatio(theme['--accent'] ?? '', sheet)).to.be.at.least(3)
          expect(contrastRatio(theme['--link'] ?? '', sheet)).to.be.at.least(4.5)
          expect(contrastRatio(theme['--accent-ink'] ?? '', theme['--accent'] ?? '')) //
            .to.be.at.least(4.5)
        }
      }),
    )
  })

  it('keeps colours that are good as they are', () => {
    const [light] = schemes(themeCss('#0f766e', '#ffffff'))
    expect(light).to.deep.equal({
      '--accent': '#0f766e',
      '--accent-ink': '#ffffff',
      '--link': '#0f766e',
    })
  })

  it('chooses the ink where none is given', () => {
    expect(schemes(themeCss('#0f766e'))[0]?.['--accent-ink']).to.equal('#ffffff')
    expect(schemes(themeCss('#ffb020'))[1]?.['--accent-ink']).to.equal('#000000')
  })

  it('takes short colours too', () => {
    expect(themeCss('#0af')).to.equal(themeCss('00aaff'))
  })

  it('R30 is made of hexadecimal colours only, so that metadata cannot add a rule', () => {
    for (const accent of ['red', 'url(x)', '#1234', '#12345g', '#fff;}body{display:none', ''])
      expect(themeCss(accent), accent).to.equal(undefined)
    expect(themeCss('#0f766e', '#fff}*{color:red')).to.equal(themeCss('#0f766e'))
    expect(themeName('#fff;}', '#000')).to.equal(undefined)
    expect(themeName('../../x')).to.equal(undefined)
  })

  it('has a name from which it is made again', () => {
    expect(themeName('#0AF', '#fff')).to.equal('theme-00aaff-ffffff.css')
    expect(themeName('#0AF', 'nonsense')).to.equal('theme-00aaff.css')
    expect(themeName(undefined)).to.equal(undefined)
    expect(themeNamed('theme-00aaff-ffffff.css')).to.equal(themeCss('#00aaff', '#ffffff'))
    expect(themeNamed('theme-00aaff.css')).to.equal(themeCss('#00aaff'))
    expect(themeNamed('style.css')).to.equal(undefined)
  })

  it('is measured against the sheet that pages have', () => {
    const css = readFileSync(join(builtInViews(), 'style.css'), 'utf8')
    const sheets = [...css.matchAll(/--sheet: (#[0-9a-f]{6});/g)].map(([, hex]) => hex)
    expect(sheets).to.deep.equal([SHEETS.light, SHEETS.dark])
  })
})

describe('contrast', () => {
  it('is what WCAG says it is', () => {
    expect(contrastRatio('#000000', '#ffffff')).to.equal(21)
    expect(contrastRatio('#777777', '#ffffff')).to.be.closeTo(4.478, 0.001)
    expect(() => contrastRatio('red', '#fff')).to.throw('red')
  })
})
