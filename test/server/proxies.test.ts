import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { cidrList } from '../../config/values.ts'
import { addressNormaliser } from '../../src/server/boot/proxies.ts'

function headersAfter(
  trusted: string,
  socket: string,
  headers: IncomingHttpHeaders,
): IncomingHttpHeaders {
  const request = { headers: { ...headers }, socket: { remoteAddress: socket } }
  addressNormaliser(cidrList.parse(trusted))(request as IncomingMessage)
  return request.headers
}

describe('R23 forwarded headers', () => {
  const addressFor = (trusted: string, socket: string, chain?: string): unknown =>
    headersAfter(trusted, socket, chain === undefined ? {} : { 'x-forwarded-for': chain })[
      'x-forwarded-for'
    ]

  for (const [what, trusted, socket, chain, address] of [
    ['of a stranger are his own address', '', '192.0.2.9', '198.51.100.1', '192.0.2.9'],
    [
      'of a stranger beside a proxy as well',
      '10.0.0.0/8',
      '192.0.2.9',
      '198.51.100.1',
      '192.0.2.9',
    ],
    ['of a proxy name who asked it', '10.0.0.0/8', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    [
      'of a proxy keep nothing that the sender had put before',
      '10.0.0.0/8',
      '10.0.0.1',
      '1.2.3.4, 198.51.100.1',
      '198.51.100.1',
    ],
    [
      'of proxies in a row lead to the first that is none',
      '10.0.0.0/8',
      '10.0.0.1',
      '1.2.3.4, 198.51.100.1, 10.0.0.2',
      '198.51.100.1',
    ],
    [
      'of proxies alone are the farthest',
      '10.0.0.0/8',
      '10.0.0.1',
      '10.0.0.3, 10.0.0.2',
      '10.0.0.3',
    ],
    ['of a proxy without any are its own address', '10.0.0.0/8', '10.0.0.1', undefined, '10.0.0.1'],
    [
      'with nonsense at the end are the proxy',
      '10.0.0.0/8',
      '10.0.0.1',
      '198.51.100.1, unknown',
      '10.0.0.1',
    ],
    [
      'with nonsense before are read up to it',
      '10.0.0.0/8',
      '10.0.0.1',
      'x, 198.51.100.1',
      '198.51.100.1',
    ],
    ['may carry a port', '10.0.0.0/8', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['may carry a port, IPv6', '::1', '::1', '[2001:db8::1]:4711', '2001:db8::1'],
    [
      'on a socket of both families are IPv4',
      '10.0.0.0/8',
      '::ffff:10.0.0.1',
      '::ffff:198.51.100.1',
      '198.51.100.1',
    ],
    [
      'on a socket of both families are IPv4 in the hexadecimal form as well',
      '10.0.0.0/8',
      '::ffff:a00:1',
      '::ffff:c633:6401',
      '198.51.100.1',
    ],
    [
      'with an address in the octal form at the end are the proxy',
      '10.0.0.0/8',
      '10.0.0.1',
      '198.51.100.1, 012.0.0.1',
      '10.0.0.1',
    ],
  ] as const)
    it(what, () => {
      expect(addressFor(trusted, socket, chain)).to.equal(address)
    })

  for (const socket of ['10.0.0.1', '192.0.2.9'])
    it(`say nothing of scheme and host, from ${socket}`, () => {
      const headers = headersAfter('10.0.0.0/8', socket, {
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-port': '1',
        forwarded: 'for=1.2.3.4;host=evil.example',
        'x-real-ip': '1.2.3.4',
        accept: 'text/html',
      })
      expect(Object.keys(headers)).to.have.members(['accept', 'x-forwarded-for'])
    })
})
