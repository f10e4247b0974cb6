import { expect } from 'chai'
import { table } from '../../../src/server/cli/terminal.ts'

describe('a table of the command line', () => {
  it('is as wide as its longest cell, with as many rows as there are people', () => {
    const rows = Array.from({ length: 200_000 }, (_, nth) => [
      nth === 199_999 ? 'ada-ada' : 'x',
      'y',
    ])
    const lines = table(['NAME', 'STATE'], rows).split('\n')
    expect(lines).to.have.length(200_002)
    expect(lines[0]).to.equal('NAME     STATE')
    expect(lines[1]).to.equal('x        y')
    expect(lines.at(-2)).to.equal('ada-ada  y')
  })
})
