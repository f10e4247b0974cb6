import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const NAME = 'oidc-provider-mfa'

/** Files of a clone that git does not track. */
const NOT_COPIED = /^(node_modules|\.git|\.ci|dist|data|coverage|screenshots|secrets)$/

export interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
  readonly bin: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
  readonly engines: { readonly node: string }
  readonly main: string
  readonly types: string
  readonly typesVersions: Record<string, Record<string, [string]>>
}

export interface Packed {
  readonly tarball: string
  /** The paths of the files in it, sorted. */
  readonly files: readonly string[]
  readonly manifest: Manifest
  /** Its files, unpacked, as a person finds them below `node_modules`. */
  readonly unpacked: string
  /** A folder for what a suite makes of it, gone at the end of the run. */
  folder(name: string): string
}

let made: Packed | undefined

/**
 * The package as `npm publish` would make it, once for a run. It is made in a copy: a build must not touch the tree that
 * others work in.
 */
export function packPackage(): Packed {
  made ??= pack()
  return made
}

function pack(): Packed {
  const folder = mkdtempSync(join(tmpdir(), `${NAME}-pack-`))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const copy = join(folder, 'clone')
  mkdirSync(copy)
  for (const entry of readdirSync(ROOT))
    if (!NOT_COPIED.test(entry)) cpSync(join(ROOT, entry), join(copy, entry), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const answer = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  const [report] = JSON.parse(answer.slice(answer.indexOf('[\n'))) as [
    { filename: string; files: { path: string }[] },
  ]
  const tarball = join(folder, report.filename)
  execFileSync('tar', ['-xzf', tarball, '-C', folder])
  const unpacked = join(folder, 'package')
  return {
    tarball,
    files: report.files.map(({ path }) => path).toSorted(),
    manifest: JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as Manifest,
    unpacked,
    folder: (name) => join(folder, name),
  }
}
