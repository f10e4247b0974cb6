import { expect } from 'chai'
import { isOver, lacksOf, type Held } from '../../src/domain/protection.ts'

const NOW = 1_800_000_000
const device: Held = { lasting: true }
const codes: Held = { lasting: false, remaining: 7 }

describe('the parts of its protection that an account lacks', () => {
  const lacks = (held: readonly Held[], issues = true) => lacksOf(held, { issues, now: NOW })

  it('are none where it has two devices and codes that are left', () => {
    expect(lacks([device, device, codes])).to.deep.equal([])
  })

  it('are codes where all are used, or none were made', () => {
    expect(lacks([device, device, { ...codes, remaining: 0 }])).to.deep.equal(['codes'])
    expect(lacks([device, device])).to.deep.equal(['codes'])
    expect(lacks([device, device], false)).to.deep.equal([])
  })

  it('are a second device where one is the only one', () => {
    expect(lacks([device, codes])).to.deep.equal(['second'])
    expect(lacks([codes])).to.deep.equal(['second'])
    expect(lacks([device])).to.deep.equal(['codes', 'second'])
  })

  it('include the place of what has ended, and not of what will end', () => {
    const weak = (endsAt: number) => [device, { ...device, endsAt }, { ...codes, endsAt }]
    expect(lacks(weak(NOW + 1))).to.deep.equal([])
    expect(lacks(weak(NOW))).to.deep.equal(['codes', 'second'])
    expect([isOver(undefined, NOW), isOver(NOW + 1, NOW), isOver(NOW, NOW)]).to.deep.equal([
      false,
      false,
      true,
    ])
  })

  it('are not told where there is no factor: everything is missing then', () => {
    expect(lacks([])).to.deep.equal([])
  })
})
