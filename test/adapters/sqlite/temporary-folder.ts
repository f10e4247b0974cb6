import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a folder before each test of the calling suite and removes it after the test. */
export function temporaryFolder(): { readonly path: string; file(name: string): string } {
  let path = ''
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'mfa-sqlite-'))
  })
  afterEach(() => {
    rmSync(path, { recursive: true, force: true })
  })
  return {
    get path() {
      return path
    },
    file: (name) => join(path, name),
  }
}
