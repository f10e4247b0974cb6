import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { nodePackage } from '../support/node-versions.ts'

interface Locked {
  readonly version: string
  readonly integrity?: string
  readonly link?: boolean
  readonly os?: string | readonly string[]
  readonly cpu?: string | readonly string[]
  readonly hasInstallScript?: boolean
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = <T>(path: string) => JSON.parse(readFileSync(`${ROOT}${path}`, 'utf8')) as T
const { packages } = read<{ packages: Record<string, Locked> }>('package-lock.json')
const manifest = read<{ allowScripts: Record<string, boolean> }>('package.json')
const pinned = read<{ version: string; optionalDependencies: Record<string, string> }>(
  '.ci/node/package.json',
)

const PLATFORMS = [
  ['darwin', 'arm64'],
  ['darwin', 'x64'],
  ['linux', 'arm64'],
  ['linux', 'x64'],
  ['win32', 'x64'],
] as const

describe('what a clone installs', () => {
  it('is pinned by its content in package-lock.json, every package', () => {
    const fromRegistry = Object.entries(packages).filter(
      ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
    )
    expect(fromRegistry.length).to.be.greaterThan(300)
    const loose = fromRegistry.filter(
      ([, { integrity = '' }]) => !/^sha512-\S{88}$/.test(integrity),
    )
    expect(loose.map(([path]) => path)).to.deep.equal([])
  })

  it('has the Node of each platform among these packages, in one version', () => {
    const names = PLATFORMS.map(([os, cpu]) => nodePackage(os, cpu))
    expect(Object.keys(pinned.optionalDependencies).sort()).to.deep.equal([...names].sort())
    expect(new Set(Object.values(pinned.optionalDependencies))).to.deep.equal(
      new Set([pinned.version]),
    )
    for (const [os, cpu] of PLATFORMS) {
      const locked = packages[`node_modules/${nodePackage(os, cpu)}`]
      const is = [locked?.version, [locked?.os].flat(), [locked?.cpu].flat()]
      expect(is, `${os} ${cpu}`).to.deep.equal([pinned.version, [os], [cpu]])
    }
    expect(packages['node_modules/node']).to.equal(undefined)
  })

  it('runs no script of a package', () => {
    const withScript = Object.entries(packages).filter(([, one]) => one.hasInstallScript === true)
    const names = withScript.map(([path]) => path.replace(/^.*node_modules\//, ''))
    expect(names).to.not.be.empty
    for (const name of names) expect(manifest.allowScripts[name], name).to.equal(false)
    expect(Object.values(manifest.allowScripts)).to.not.include(true)
  })

  it('is the Node that npm puts first', () => {
    const program = realpathSync(`${ROOT}node_modules/.bin/node`).replaceAll('\\', '/')
    expect(program).to.include(`/node_modules/${nodePackage()}/bin/node`)
  })
})
