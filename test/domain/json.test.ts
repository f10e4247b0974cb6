import { expect } from 'chai'
import { objectIn } from '../../src/domain/json.ts'

describe('the members of a value', () => {
  it('are those of an object, or of JSON text of one', () => {
    for (const given of [{ a: 1 }, '{"a":1}']) expect(objectIn(given)).to.deep.equal({ a: 1 })
  })

  it('are none of anything else', () => {
    for (const given of [undefined, null, 1, 'text', '{', 'null', '"a"'])
      expect(objectIn(given), String(given)).to.equal(undefined)
  })
})
