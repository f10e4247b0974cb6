import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const PROGRAM = `
  import { registerHooks } from 'node:module'
  const asked = []
  registerHooks({ resolve: (name, context, next) => (asked.push(name), next(name, context)) })
  const isLoaded = () => asked.some((name) => name.startsWith('@simplewebauthn/'))
  const { passkeys } = await import('${ROOT}src/factors/passkey/index.ts')
  await import('${ROOT}src/server/index.ts')
  passkeys()
  const before = isLoaded()
  const { loadLibrary } = await import('${ROOT}src/factors/passkey/library.ts')
  await loadLibrary()
  console.log(JSON.stringify([before, isLoaded()]))`

describe('the library of passkeys', () => {
  it('is loaded when a response needs it, and neither with the factor nor with the server', () => {
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(JSON.parse(said.toString())).to.deep.equal([false, true])
  })
})
