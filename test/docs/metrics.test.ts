import { expect } from 'chai'
import {
  prometheusName,
  PLUGIN_INSTRUMENTS,
  type Instrument,
} from '../../src/observe/instruments.ts'
import { REASONS } from '../../src/observe/steps.ts'
import { SERVER_INSTRUMENTS } from '../../src/server/observe/instruments.ts'
import { codeIn, readText, rowsOf, sectionOf } from './page.ts'

const page = readText('docs/reference/metrics.md')

describe('the reference of the metrics', () => {
  const tables: Readonly<Record<string, Readonly<Record<string, Instrument>>>> = {
    'Instruments of the plugin': PLUGIN_INSTRUMENTS,
    'Instruments of the server': SERVER_INSTRUMENTS,
  }
  for (const [heading, instruments] of Object.entries(tables))
    it(`has each instrument with its type, unit and labels: ${heading}`, () => {
      const rows = rowsOf(sectionOf(page, 2, heading)).map((cells) => cells.slice(0, 6))
      expect(rows).to.deep.equal(
        Object.entries(instruments).map(([name, instrument]) => [
          `\`${name}\``,
          `\`${prometheusName(name, instrument)}\``,
          instrument.kind,
          `\`${instrument.unit}\``,
          instrument.labels.map((label) => `\`${label}\``).join(', '),
          instrument.description,
        ]),
      )
    })

  it('has every reason of a step', () => {
    const rows = rowsOf(sectionOf(page, 2, 'Reasons'))
    expect(rows.flatMap(([reason = '']) => codeIn(reason)).toSorted()).to.deep.equal(
      [...REASONS].toSorted(),
    )
  })
})
