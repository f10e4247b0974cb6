import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError } from '../../config/environment.ts'
import { keepOnce, loadConfig } from '../../config/load.ts'
import { isDemonstrationKey } from '../../config/values.ts'

describe('keys of a demonstration', () => {
  let folder: string
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'mfa-config-')), 'data')
  })
  afterEach(() => {
    rmSync(join(folder, '..'), { recursive: true })
  })

  it('are made once, kept, and readable by their owner alone', () => {
    const first = loadConfig({}, folder)
    const second = loadConfig({}, folder)
    expect(second.encryptionKeys).to.deep.equal(first.encryptionKeys)
    expect(second.cookieKeys).to.deep.equal(first.cookieKeys)
    expect(first.cookieKeys).not.to.deep.equal(first.encryptionKeys)
    expect(first.encryptionKeys.every(isDemonstrationKey)).to.equal(true)
    expect(statSync(join(folder, 'keys.json')).mode & 0o777).to.equal(0o600)
    expect(readdirSync(folder)).to.deep.equal(['keys.json'])
  })

  it('stand aside for keys that are given', () => {
    const given = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5)).toString('base64')
    const config = loadConfig({ ENCRYPTION_KEYS: given }, folder)
    expect(Buffer.from(config.encryptionKeys[0] ?? []).toString('base64')).to.equal(given)
    expect(config.cookieKeys.every(isDemonstrationKey)).to.equal(true)
  })

  it('are neither made nor used in production', () => {
    loadConfig({}, folder)
    expect(() => loadConfig({ NODE_ENV: 'production' }, folder)).to.throw(
      ConfigError,
      /ENCRYPTION_KEYS is missing/,
    )
  })

  it('stay what the first of two processes wrote', () => {
    const path = join(folder, 'x.json')
    expect(keepOnce(path, 'first')).to.equal('first')
    expect(keepOnce(path, 'second')).to.equal('first')
    expect(readFileSync(path, 'utf8')).to.equal('first')
  })
})
