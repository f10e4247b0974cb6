import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { matches, messageUses, patternsOf, type MessageUse, type Pattern } from './message-uses.ts'
import type { TemplateMount } from './templates.ts'
import {
  everyNode,
  lineOf,
  namesIn,
  parseTemplate,
  part,
  textOf,
  type TemplateNode,
} from './template-syntax.ts'

/** A template, and the names that it makes and uses. */
export interface TemplateFile {
  /** As other templates refer to it: `layouts/page.njk`. */
  readonly name: string
  readonly path: string
  readonly root: TemplateNode
  /** The templates that it extends, includes and imports. */
  readonly references: readonly Reference[]
  /** The names that it gives a value in any way, those of loops and macros included. */
  readonly bound: ReadonlySet<string>
  /** The names that are valid everywhere in it: those that it sets, imports, or gives to a macro. */
  readonly own: ReadonlySet<string>
  /** Those that a template gets that imports it. */
  readonly exported: ReadonlySet<string>
  readonly blocks: ReadonlySet<string>
  readonly shown: readonly MessageUse[]
  readonly asked: readonly Pattern[]
}

export interface Reference {
  readonly kind: 'Extends' | 'Include' | 'Import' | 'FromImport'
  readonly name: Pattern
  /** `ignore missing` */
  readonly optional: boolean
  readonly line: number | undefined
  readonly node: TemplateNode
}

/** The templates of all folders, as Nunjucks finds them. */
export interface TemplateFiles {
  /** Those of the application alone. */
  readonly applications: ReadonlySet<TemplateFile>
  /** Those of the application and of factors that bring their own: the first of each name. */
  readonly brought: readonly TemplateFile[]
  readonly all: readonly TemplateFile[]
  /** All that a reference can mean. */
  find(name: Pattern): readonly TemplateFile[]
  /** The names that a reference may have, for suggestions. */
  readonly names: readonly string[]
  /** Templates of the application that do not parse, as `PATH:LINE: ...`. */
  readonly faults: readonly string[]
}

const REPLACED = 'default/'

/** Reads the templates. A factor's template that does not parse is left out, because it is refused elsewhere. */
export function readTemplates(
  folders: readonly string[],
  mounts: readonly TemplateMount[],
): TemplateFiles {
  const faults: string[] = []
  const ours = ownTemplates(folders.at(-1) ?? '')
  const ofFactors = mounts.flatMap(({ folder, prefix }) => fromFolder(folder, prefix, []))
  const applications = folders.slice(0, -1).flatMap((folder) => fromFolder(folder, '', faults))

  const byName = new Map<string, TemplateFile>()
  for (const file of [...applications, ...ofFactors, ...ours])
    if (!byName.has(file.name)) byName.set(file.name, file)
  const brought = [...byName.values()].filter((file) => !ours.includes(file))
  for (const file of [...ofFactors, ...ours])
    if (!byName.has(REPLACED + file.name)) byName.set(REPLACED + file.name, file)

  return {
    applications: new Set(applications),
    brought,
    all: [...new Set(byName.values())],
    find: (name) => [...byName].filter(([known]) => matches(name, known)).map(([, file]) => file),
    names: [...byName.keys()],
    faults,
  }
}

const parsed = new Map<string, readonly TemplateFile[]>()

/** This product's own templates. They do not change while the process runs, and to parse them is half of this check. */
function ownTemplates(folder: string): readonly TemplateFile[] {
  const known = parsed.get(folder) ?? fromFolder(folder, '', [])
  parsed.set(folder, known)
  return known
}

/** The templates below a folder that parse; the others are added to `faults`. */
function fromFolder(folder: string, prefix: string, faults: string[]): readonly TemplateFile[] {
  return templatesIn(folder).flatMap((path) => read(join(folder, path), prefix + path, faults))
}

/** The paths of the templates below a folder, with `/` on every system. */
function templatesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.njk'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}

function read(path: string, name: string, faults: string[]): readonly TemplateFile[] {
  try {
    return [templateFile(name, path, parseTemplate(readFileSync(path, 'utf8')))]
  } catch (error) {
    const { lineno, message } = error as Error & { lineno?: number }
    const line = lineno === undefined ? '' : `:${lineno}`
    faults.push(`${path}${line}: ${message.split('\n').at(-1)?.trim() ?? ''}`)
    return []
  }
}

function templateFile(name: string, path: string, root: TemplateNode): TemplateFile {
  const nodes = [...everyNode(root)]
  const ofType = (...types: string[]) => nodes.filter(({ typename }) => types.includes(typename))
  const targets = ofType('Set').flatMap(targetsOf)
  const macros = ofType('Macro').flatMap((node) => textOf(part(node, 'name')) ?? [])
  const imported = ofType('Import', 'FromImport').flatMap(importedNames)
  const loops = ofType('For', 'AsyncEach', 'AsyncAll').flatMap((node) =>
    namesIn(part(node, 'name')),
  )
  const parameters = ofType('Macro', 'Caller').flatMap(parametersOf)
  const own = [...targets, ...macros, ...imported]
  return {
    name,
    path,
    root,
    references: ofType('Extends', 'Include', 'Import', 'FromImport').flatMap((node) =>
      referencesOf(node, root),
    ),
    bound: new Set([...own, ...loops, ...parameters, 'loop', 'caller']),
    own: new Set(own),
    exported: new Set([...targets, ...macros]),
    blocks: new Set(ofType('Block').flatMap((node) => textOf(part(node, 'name')) ?? [])),
    ...messageUses(root),
  }
}

function targetsOf(node: TemplateNode): readonly string[] {
  const { targets } = node as unknown as { targets: readonly TemplateNode[] }
  return targets.flatMap(namesIn)
}

/** The names of a macro's parameters. */
export function parametersOf(node: TemplateNode): readonly string[] {
  return namesIn(part(node, 'args'))
}

function importedNames(node: TemplateNode): readonly string[] {
  if (node.typename === 'Import') return namesIn(part(node, 'target'))
  return importedPairs(node).map(([, name]) => name)
}

/** The names in `{% from "x" import a, b as c %}`: as the other template has them, and as this one calls them. */
export function importedPairs(node: TemplateNode): readonly (readonly [string, string])[] {
  const { children } = part(node, 'names') as unknown as { children: readonly TemplateNode[] }
  return children.map((each) => {
    const name = textOf(each.typename === 'Pair' ? part(each, 'key') : each) ?? ''
    return [name, textOf(part(each, 'value')) ?? name]
  })
}

function referencesOf(node: TemplateNode, root: TemplateNode): readonly Reference[] {
  const template = part(node, 'template')
  const { ignoreMissing } = node as unknown as { ignoreMissing?: boolean | null }
  const names = template === undefined ? [] : patternsOf(template, root)
  return names.map((name) => ({
    kind: node.typename as Reference['kind'],
    name,
    optional: ignoreMissing === true,
    line: lineOf(node),
    node,
  }))
}
