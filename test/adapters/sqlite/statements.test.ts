import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

const ROOT = join(import.meta.dirname, '..', '..', '..')

describe('the statements for SQLite', () => {
  it('have no numbered parameter, which Node 22 cannot bind', () => {
    const files = globSync('src/adapters/sqlite/*.ts', { cwd: ROOT })
    expect(files).to.include('src/adapters/sqlite/counters.ts')
    const numbered = files.flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        // A comment may name such a parameter.
        .filter((line) => /\?\d/.test(line) && !/^\s*(?:\/?\*|\/\/)/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    )
    expect(numbered).to.deep.equal([])
  })
})
