import { expect } from 'chai'
import { networkOf, networksOf } from '../../../src/server/accounts/network.ts'

describe('R4 the party behind an address', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['010.0.0.1', '010.0.0.1'],
    ['1', '1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['not an address', 'not an address'],
  ])
    it(`of ${String(address)} is ${String(network)}`, () => {
      expect(networkOf(String(address))).to.equal(network)
    })
})

describe('R43 the networks around an address', () => {
  it('are the /64, the /56 and the /48 of IPv6, and none of IPv4', () => {
    expect(networksOf('2001:db8:1:abcd::1')).to.deep.equal([
      '2001:db8:1:abcd::/64',
      '2001:db8:1:ab00::/56',
      '2001:db8:1:0::/48',
    ])
    expect(networksOf('192.0.2.1')).to.deep.equal(['192.0.2.1'])
    expect(networksOf('::ffff:192.0.2.1')).to.deep.equal(['192.0.2.1'])
  })
})
