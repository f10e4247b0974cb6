import { expect } from 'chai'
import { maskAddress } from '../../src/domain/masked-address.ts'

describe('the address that a page shows of a code that was sent', () => {
  it('is masked but for its first letter and its domain', () => {
    expect(maskAddress('alice@example.com')).to.equal('a•••@example.com')
    expect(maskAddress('😀x@example.com')).to.equal('😀•••@example.com')
  })

  it('tells no more of a text that is no address', () => {
    expect(maskAddress('alice')).to.equal('a•••')
    expect(maskAddress('')).to.equal('•••')
  })
})
