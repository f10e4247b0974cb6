import { expect } from 'chai'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { reloadOnHangup } from '../../src/server/boot/reload.ts'

describe('SIGHUP', () => {
  it('reads the policy again although the file may not have changed, until it is let go', async () => {
    const looks: unknown[] = []
    const errors: unknown[] = []
    const log = { info: () => {}, error: (about: unknown) => void errors.push(about) }
    const failing = new Error('away')
    const reload = {
      look: async (anew?: boolean) => {
        looks.push(anew)
        if (looks.length > 1) throw failing
      },
    }
    const letGo = reloadOnHangup(reload, log)
    try {
      for (const count of [1, 2]) {
        const told = once(process, 'SIGHUP')
        process.kill(process.pid, 'SIGHUP')
        await told
        await turn()
        expect(looks).to.deep.equal(Array.from({ length: count }, () => true))
      }
      expect(errors).to.deep.equal([{ error: failing }])
      expect(process.listenerCount('SIGHUP')).to.equal(1)
    } finally {
      letGo()
    }
    expect(process.listenerCount('SIGHUP')).to.equal(0)
  })
})
