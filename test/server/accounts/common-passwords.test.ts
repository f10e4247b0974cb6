import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const PROGRAM = `
  import { createRequire } from 'node:module'
  const { cache } = createRequire('${ROOT}')
  const isLoaded = () => Object.keys(cache).some((file) => file.includes('/language-common/'))
  await import('${ROOT}src/server/index.ts')
  const { commonPasswords } = await import('${ROOT}src/server/accounts/common-passwords.ts')
  const before = isLoaded()
  const { size } = await commonPasswords()
  console.log(JSON.stringify({ before, after: isLoaded(), size }))`

describe('the list of common passwords', () => {
  it('is loaded when it is first asked for, not with the server', () => {
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { before, after, size } = JSON.parse(said.toString()) as Record<string, unknown>
    expect([before, after]).to.deep.equal([false, true])
    expect(size).to.be.greaterThan(50_000)
  })
})
