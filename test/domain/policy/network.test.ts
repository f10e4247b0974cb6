import { BlockList, isIP } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  commonOf,
  contains,
  parseAddress,
  parseNetwork,
} from '../../../src/domain/policy/network.ts'
import { networkTest } from '../../../src/plugin/networks.ts'

const addresses = fc.oneof(fc.ipV4(), fc.ipV6())
const nearlyAddresses = fc.oneof(
  addresses,
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefg:./%'), maxLength: 20 }),
)

describe('networks in rules', () => {
  it('are read exactly where Node reads an address', () => {
    fc.assert(
      fc.property(nearlyAddresses, (text) => {
        const isAddress = isIP(text) !== 0 && !text.includes('%')
        expect(parseNetwork(text) !== undefined, text).to.equal(isAddress || isCidr(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('are no addresses if they have a prefix', () => {
    expect(parseAddress('10.0.0.1/8')).to.equal(undefined)
    expect(parseAddress('fe80::1%eth0')).to.deep.equal(parseAddress('fe80::1'))
    expect(parseAddress('')).to.equal(undefined)
  })

  it('contain the addresses that Node finds in them', () => {
    const network = fc.record({ address: addresses, prefix: fc.nat(128) })
    fc.assert(
      fc.property(network, addresses, ({ address, prefix }, other) => {
        const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
        const bits = family === 'ipv4' ? Math.min(prefix, 32) : prefix
        const list = new BlockList()
        list.addSubnet(address, bits, family)
        for (const each of [address, other]) {
          if (isMapped(each) || isMapped(address) || (isIP(each) === 4) !== (family === 'ipv4'))
            continue
          const isWithin = networkTest(each)?.(`${address}/${bits}`)
          expect(isWithin).to.equal(list.check(each, isIP(each) === 4 ? 'ipv4' : 'ipv6'))
        }
      }),
      { numRuns: 500 },
    )
  })

  for (const [network, address, isWithin] of [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.9.9.9/8', '10.0.0.1', true],
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7', '203.0.113.8', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['::/0', '192.0.2.1', false],
    ['::/0', '2001:db8::1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['not a network', '10.0.0.1', false],
  ] as const)
    it(`${network} ${isWithin ? 'contains' : 'does not contain'} ${address}`, () => {
      expect(networkTest(address)?.(network)).to.equal(isWithin)
    })

  it('are not tested without an address, so that an unknown one matches', () => {
    expect(networkTest(undefined)).to.equal(undefined)
    expect(networkTest('')).to.equal(undefined)
    expect(networkTest('unknown')).to.equal(undefined)
  })

  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/08000',
    '010.0.0.1',
    '10.0.0.0/8/8',
    '1.2.3',
    '1::2::3',
    '1:2:3:4::5:6:7:8::9',
    '10.0.0.256',
    '::ffff:10.0.0.256',
    '::g',
    '::12345',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::8',
    '',
  ])
    it(`"${text}" is none`, () => expect(parseNetwork(text)).to.equal(undefined))

  it('have addresses in common if one contains the other', () => {
    const [wide, narrow, apart] = ['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8'].map((text) =>
      parseNetwork(text)!,
    )
    expect(commonOf(wide!, narrow!)).to.deep.equal(narrow)
    expect(commonOf(narrow!, wide!)).to.deep.equal(narrow)
    expect(commonOf(wide!, apart!)).to.equal(undefined)
    expect(contains(wide!, parseAddress('10.2.0.1')!)).to.equal(true)
    const sameFirst = parseNetwork('10.0.0.0/16')!
    expect(contains(sameFirst, wide!)).to.equal(false)
    expect(commonOf(sameFirst, wide!)).to.deep.equal(sameFirst)
  })
})

function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0 || !/^\d{1,3}$/.test(prefix))
    return false
  return Number(prefix) <= (family === 4 ? 32 : 128)
}

function isMapped(text: string): boolean {
  return isIP(text) === 6 && parseAddress(text)?.family === 4
}
