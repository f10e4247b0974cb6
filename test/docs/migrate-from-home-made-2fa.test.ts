import { expect } from 'chai'
import { parseFactorChange } from '../../src/domain/factor-change.ts'
import { createMfa, totp } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { readText } from './page.ts'

const PAGE = 'docs/guides/migrate-from-home-made-2fa.md'

/** The rows of the table of routes, each with its counterpart. */
function rows(): readonly (readonly [string, string])[] {
  const [, section = ''] = readText(PAGE).split('## The routes of your settings\n')
  const [table = ''] = section.split('\n## ')
  return table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, route = '', counterpart = '']) => [route, counterpart] as const)
}

describe('the table of a home-made second factor’s routes', () => {
  it('has a counterpart for each route that such an application has', () => {
    const routes = rows().map(([route]) => route)
    for (const route of ['settings', 'set up', 'verify', 'disable', 'show the backup codes'])
      expect(routes.join('\n')).to.include(route)
    expect(routes.join('\n')).to.include('regenerate')
    for (const [route, counterpart] of rows()) expect(counterpart, route).not.to.equal('')
  })

  it('names changes that can be asked for', () => {
    const named = rows().flatMap(([, text]) => [...text.matchAll(/mfa_action=([\w:-]+)/g)])
    const changes = named.map(([, change = '']) =>
      change.replace(/ID$/, 'x_1').replace(/HASH$/, 'h'.repeat(43)),
    )
    expect(changes.length).to.be.at.least(6)
    for (const change of changes) expect(parseFactorChange(change), change).to.be.an('object')
  })

  it('names functions of the plugin', () => {
    const { accounts } = createMfa({
      issuerName: 'Acme',
      storage: memoryStorage(),
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp()],
      firstEnrolment: 'password',
    })
    const named = rows().flatMap(([, text]) => [...text.matchAll(/mfa\.accounts\.(\w+)/g)])
    expect(named.length).to.be.at.least(3)
    for (const [, name = ''] of named) expect(accounts).to.have.property(name)
  })
})
