import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))

describe('the command line as a process', () => {
  it('writes nothing but JSON where JSON was asked for, to standard error either', () => {
    const ran = spawnSync(process.execPath, [PROGRAM, 'user', 'list', '--json'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, STORAGE_URL: 'nothing:that/is' },
    })
    expect({ status: ran.status, out: ran.stdout }).to.deep.equal({ status: 1, out: '' })
    expect(JSON.parse(ran.stderr)).to.have.nested.property('error.code', 'configuration')
  })
})
