import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readText, ROOT } from './page.ts'

/** The fenced code blocks of a page in one language, in the order of the page. */
export function examplesOf(path: string, language: string): string[] {
  const fences = readText(path).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)
  return [...fences].filter(([, name]) => name === language).map(([, , code = '']) => code)
}

/** The only example of a page that contains `text`. Throws if there is none or more than one. */
export function exampleWith(path: string, language: string, text: string): string {
  const found = examplesOf(path, language).filter((code) => code.includes(text))
  if (found.length !== 1) throw new Error(`${found.length} examples of ${path} have ${text}`)
  return found[0] ?? ''
}

/** The entries of the package, as an application imports them, with the sources that they are built from. */
export const ENTRIES: Readonly<Record<string, string>> = {
  'oidc-provider-mfa': 'src/index.ts',
  'oidc-provider-mfa/mongoose': 'src/adapters/mongoose/index.ts',
  'oidc-provider-mfa/passkeys': 'src/factors/passkey/index.ts',
  'oidc-provider-mfa/resource-server': 'src/resource-server/index.ts',
  'oidc-provider-mfa/sqlite': 'src/adapters/sqlite/index.ts',
  'oidc-provider-mfa/testing': 'src/testing/index.ts',
}

/** The code with the package's entries replaced by the sources in this repository. */
export function onSources(code: string): string {
  return code.replaceAll(/from '(oidc-provider-mfa(?:\/[\w-]+)?)'/g, (_, entry: string) => {
    const file = ENTRIES[entry]
    if (file === undefined) throw new Error(`the package has no entry ${entry}`)
    return `from '${pathToFileURL(join(ROOT, file)).href}'`
  })
}

/** Runs `work` with a temporary folder, which is deleted afterwards. */
export function withFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-docs-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Imports code as a module, with the package's entries replaced by the sources in this repository. */
export async function importCode<Module>(code: string): Promise<Module> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-docs-'))
  try {
    const file = join(folder, 'example.mjs')
    writeFileSync(file, onSources(code))
    return (await import(pathToFileURL(file).href)) as Module
  } finally {
    rmSync(folder, { recursive: true })
  }
}
