import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { startServer, stopServers } from './support.ts'

describe('the adapter that the server gives to the host', () => {
  afterEach(stopServers)

  it('R21 says for every model that it is used once, so that the server starts without a warning', async () => {
    const seen: Error[] = []
    const note = (warning: Error): unknown => warning.name === 'MfaWarning' && seen.push(warning)
    process.on('warning', note)
    try {
      await startServer()
      await turn()
      expect(seen).to.deep.equal([])
    } finally {
      process.off('warning', note)
    }
  })
})
