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

/** The entries of a clone that are not copied, because git does not track them. */
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
  /** The paths of the files in the tarball, sorted. */
  readonly files: readonly string[]
  readonly manifest: Manifest
  /** The folder with the unpacked files, as they are below `node_modules` after an installation. */
  readonly unpacked: string
  /** A folder in which a suite can use the package. It is deleted at the end of the run. */
  folder(name: string): string
}

let made: Packed | undefined

/**
 * Makes the package as `npm publish` would, once for each run. The build runs in a copy, because it must not change the
 * working tree.
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
