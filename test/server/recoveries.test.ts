import { expect } from 'chai'
import { memorySettings } from '../../src/adapters/memory/server-ports.ts'
import { noteRecovery, tellRecoveries } from '../../src/server/upkeep/recoveries.ts'

describe('the recoveries that each node looks at', () => {
  it('R9 are told what is due until they are over, and one that fails holds back no other', async () => {
    const settings = memorySettings()
    const running = new Map([
      ['mira', [true, true, false]],
      ['noor', [true, false]],
    ])
    const asked: string[] = []
    const faults: unknown[] = []
    const mfa = {
      accounts: {
        tellRecovery: async (id: string) => {
          asked.push(id)
          if (id === 'lost') throw new Error('unreadable')
          return running.get(id)?.shift() ?? false
        },
        status: async (id: string) => ({
          recovery: (running.get(id)?.length ?? 0) > 0 ? { state: 'waiting' } : undefined,
        }),
      },
    } as unknown as Parameters<typeof tellRecoveries>[1]
    for (const id of ['lost', 'mira', 'noor', 'mira']) await noteRecovery(settings, id)
    const look = async (): Promise<string[]> => {
      await tellRecoveries(settings, mfa, (error) => faults.push(error))
      return asked.splice(0)
    }
    expect(await look()).to.deep.equal(['lost', 'mira', 'noor'])
    expect(await look()).to.deep.equal(['lost', 'mira', 'noor'])
    expect(await look()).to.deep.equal(['lost', 'mira'])
    expect(await look()).to.deep.equal(['lost'])
    expect(faults).to.have.length(4)
  })
})
