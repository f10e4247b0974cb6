import { expect } from 'chai'
import { shownNetwork } from '../../src/domain/shown-network.ts'

describe('the network of an address', () => {
  const cases: Readonly<Record<string, string | undefined>> = {
    '203.0.113.77': '203.0.113.0/24',
    '::ffff:203.0.113.77': '203.0.113.0/24',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1::/48',
    '2001:DB8::1': '2001:db8::/48',
    'fe80::1%eth0': 'fe80::/48',
    '::1': '::/48',
    '::': '::/48',
    '2001:0:7::': '2001:0:7::/48',
    '203.0.113.256': undefined,
    '203.0.113': undefined,
    '1:2:3:4:5:6:7': undefined,
    '1:2:3:4:5:6:7:8::': undefined,
    '1::2::3': undefined,
    '1:2:3:4:5:6:7:g': undefined,
    'anna@example.com': undefined,
    '': undefined,
  }
  for (const [address, network] of Object.entries(cases))
    it(`of "${address}" is ${network ?? 'none'}`, () => {
      expect(shownNetwork(address)).to.equal(network)
    })
})
