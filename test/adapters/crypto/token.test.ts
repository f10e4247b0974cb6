import { expect } from 'chai'
import { hashToken, randomToken } from '../../../src/adapters/crypto/index.ts'

describe('tokens', () => {
  const asked: number[] = []
  const random = {
    bytes(length: number) {
      asked.push(length)
      return new Uint8Array(length).fill(255)
    },
  }

  it('R4 are 256 random bits unless told otherwise, and never fewer than 128', () => {
    expect(randomToken(random)).to.equal(Buffer.alloc(32, 255).toString('base64url'))
    expect(randomToken(random, 16)).to.equal('_____________________w')
    expect(asked).to.deep.equal([32, 16])
    expect(() => randomToken(random, 15)).to.throw(RangeError)
  })

  it('are stored as their SHA-256 in base64url', () => {
    // FIPS 180-2, appendix B.1: "abc"
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(hashToken('abc')).to.equal(Buffer.from(digest, 'hex').toString('base64url'))
  })
})
