import { globSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'

const DOMAIN = fileURLToPath(new URL('../../src/domain/', import.meta.url))

describe('the modules of the domain', () => {
  it('load by themselves, named exports only', async () => {
    const files = globSync('**/*.ts', { cwd: DOMAIN })
    expect(files).to.include.members(['mfa-record.ts', 'throttle.ts', 'policy/decide.ts'])
    for (const file of files) {
      const module: object = (await import(pathToFileURL(DOMAIN + file).href)) as object
      expect(module, file).not.to.have.property('default')
    }
  })
})
