import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { themeNamed } from './theme.ts'

/** A file that pages refer to: a style sheet, a script, a picture, a typeface. */
export interface Asset {
  readonly bytes: Buffer
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Assets {
  /** The URL path of a file by its name (`style.css`), the hash of its content within. Throws for an unknown one. */
  href(name: string): string
  /** The asset with this URL path; undefined: there is none. */
  get(path: string): Asset | undefined
  /** The names of all files; the style sheets of themes are made when they are asked for. */
  readonly names: readonly string[]
  /** The path that all of them begin with, `/` at the end. */
  readonly base: string
}

/** Only files of these types are served, and never a template, a catalogue or another file of a views folder. */
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/**
 * Reads the static files of views folders, once: those at the top of each folder, the first folder's before the
 * others', so that an application's own style.css takes the place of ours. `brought`: files of factors by the name
 * that they are served under; a file of that name in a folder takes their place.
 *
 * A path names the content, so a browser may keep it for a year. While two nodes run two versions, one of them is asked
 * for a file with the hash of the other: it answers with its own file and tells the browser not to keep it.
 */
export function loadAssets(
  folders: readonly string[],
  options: { base?: string; brought?: readonly (readonly [name: string, bytes: Buffer])[] } = {},
): Assets {
  const base = `${(options.base ?? '/assets').replace(/\/+$/, '')}/`
  const files = readFiles(folders, options.brought ?? [])

  function find(name: string): File | undefined {
    const file = files.get(name)
    if (file !== undefined) return file
    const theme = themeNamed(name)
    return theme === undefined ? undefined : fileOf(Buffer.from(theme), 'text/css; charset=utf-8')
  }

  return {
    base,
    names: [...files.keys()],
    href(name) {
      const file = find(name)
      if (file === undefined) throw new Error(`No asset "${name}"`)
      return base + servedName(name, file)
    },
    get(path) {
      if (!path.startsWith(base)) return undefined
      const [, stem, hash, extension] =
        /^([\w-][\w.-]*)\.([0-9a-f]{16})(\.\w+)$/.exec(path.slice(base.length)) ?? []
      const file = find(`${stem}${extension}`)
      if (file === undefined) return undefined
      const { bytes, type } = file
      return { bytes, type, headers: headersOf(file, hash === file.hash) }
    },
  }
}

interface File {
  readonly bytes: Buffer
  readonly type: string
  readonly hash: string
}

function readFiles(
  folders: readonly string[],
  brought: readonly (readonly [name: string, bytes: Buffer])[],
): ReadonlyMap<string, File> {
  const files = new Map<string, File>()
  const add = (name: string, read: () => Buffer) => {
    const type = TYPES[extname(name)]
    if (type !== undefined && !files.has(name)) files.set(name, fileOf(read(), type))
  }
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isFile()) add(entry.name, () => readFileSync(join(folder, entry.name)))
  }
  for (const [name, bytes] of brought) add(name, () => bytes)
  for (const [name, file] of files) if (isSheet(name)) files.set(name, withServedNames(file, files))
  return files
}

/** The name of a file with the hash of its content: `style.0123456789abcdef.css`. */
function servedName(name: string, file: File): string {
  const extension = extname(name)
  return `${name.slice(0, -extension.length)}.${file.hash}${extension}`
}

function isSheet(name: string): boolean {
  return extname(name) === '.css'
}

/**
 * A style sheet names a picture or a typeface as its file is called, `url(own.woff2)`; it is served under a name with a
 * hash. A name without such a file in the folder of the sheet stays as it is, and so does the name of another sheet.
 */
function withServedNames(sheet: File, files: ReadonlyMap<string, File>): File {
  const text = sheet.bytes
    .toString()
    .replaceAll(/url\((["']?)([\w-][\w.-]*)\1\)/g, (reference, quote: string, name: string) => {
      const file = isSheet(name) ? undefined : files.get(name)
      return file === undefined ? reference : `url(${quote}${servedName(name, file)}${quote})`
    })
  return fileOf(Buffer.from(text), sheet.type)
}

function fileOf(bytes: Buffer, type: string): File {
  return { bytes, type, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16) }
}

function headersOf(file: File, current: boolean): Readonly<Record<string, string>> {
  return {
    'Content-Type': file.type,
    'Content-Length': String(file.bytes.length),
    'Cache-Control': current ? 'public, max-age=31536000, immutable' : 'no-cache',
    // A picture of the application's, opened by itself, is a document of this origin: it runs nothing.
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
  }
}
