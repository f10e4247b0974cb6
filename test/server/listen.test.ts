import { createServer } from 'node:http'
import { expect } from 'chai'
import { ConfigError } from '../../config/environment.ts'
import { listenOn } from '../../src/server/listen.ts'

describe('an address that nobody can listen on', () => {
  // The second is the address of a link, which needs the name of one.
  for (const host of ['host.invalid', 'fe80::1'])
    it(`is a fault of the setting that names it: ${host}`, async () => {
      const address = { host, port: 0, settings: { host: 'METRICS_HOST', port: 'METRICS_PORT' } }
      const error: unknown = await listenOn(createServer(), address).catch(
        (fault: unknown) => fault,
      )
      expect(error).to.be.instanceOf(ConfigError)
      const [{ setting, problem } = {}] = (error as ConfigError).faults as {
        setting?: string
        problem?: string
      }[]
      expect(setting).to.equal('METRICS_HOST')
      expect(problem).to.match(/^.*:0 is not ours to listen on \(E[A-Z_]+\)$/)
    })
})
