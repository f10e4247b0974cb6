import { expect } from 'chai'
import { execFileSync } from 'node:child_process'

const PROGRAM = `
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ resolve(specifier, context, next) {
    if (!context.parentURL?.includes('/node_modules/') && !/^[.]/.test(specifier)) loaded.push(specifier)
    return next(specifier, context)
  } })
  const entry = process.argv[1]
  await import(entry)
  console.log(JSON.stringify(loaded.filter((name) => name !== entry)))`

describe('oidc-provider-mfa/resource-server', () => {
  it('loads jose and nothing else: no framework, and no part of the provider', () => {
    const entry = new URL('../../src/resource-server/index.ts', import.meta.url).href
    const output = execFileSync(
      process.execPath,
      ['--input-type=module', '--eval', PROGRAM, entry],
      { encoding: 'utf8' },
    )
    expect([...new Set(JSON.parse(output) as string[])]).to.deep.equal(['jose'])
  })
})
