import { globSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'

const FACTORS = fileURLToPath(new URL('../../src/factors/', import.meta.url))

describe('the modules of the factors', () => {
  it('load by themselves, named exports only', async () => {
    const files = globSync('**/*.ts', { cwd: FACTORS })
    expect(files).to.include.members(['factor.ts', 'totp/index.ts', 'backup-codes/index.ts'])
    for (const file of files) {
      const module: object = (await import(pathToFileURL(FACTORS + file).href)) as object
      expect(module, file).not.to.have.property('default')
    }
  })
})
