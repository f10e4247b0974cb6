import { argumentsOf, calledFunction, isAnything, patternsOf } from './message-uses.ts'
import { suggestion } from '../domain/nearest-name.ts'
import { elementOf, membersOf, type Members, type Shape } from './page-values.ts'
import {
  importedPairs,
  parametersOf,
  type TemplateFile,
  type TemplateFiles,
} from './template-files.ts'
import { lineOf, namesIn, part, partsOf, textOf, type TemplateNode } from './template-syntax.ts'

/** The names that exist for a template. */
export interface Vocabulary {
  /** The values that it gets; undefined: it may get any. */
  readonly values: Members | undefined
  /** The names that other templates around it may have set. */
  readonly around: ReadonlySet<string>
  /** The names of all files that pages refer to. */
  readonly assets: readonly string[]
  readonly files: TemplateFiles
  isFilter(name: string): boolean
  isTest(name: string): boolean
  isGlobal(name: string): boolean
}

type Scope = ReadonlyMap<string, Shape>
type Report = (node: TemplateNode, fault: string) => void

/** Filters and tests under which a name that has no value does no harm. */
const FORGIVING: ReadonlySet<string> = new Set(['default', 'd', 'defined', 'undefined'])

/**
 * The names in a template that mean nothing: variables, members of values, filters, tests, files of `asset(...)`, and
 * names that it imports. Each fault is reported with its line. A name counts as known wherever the template sets it,
 * because Nunjucks decides that at run time; so a right template is never refused.
 */
export function unknownNames(file: TemplateFile, words: Vocabulary): readonly string[] {
  const faults: string[] = []
  const report: Report = (node, fault) => {
    const line = lineOf(node)
    faults.push(`${file.path}${line === undefined ? '' : `:${line}`}: ${fault}`)
  }
  const scope = new Map<string, Shape>([...file.own].map((name) => [name, 'any']))
  for (const { kind, node, name } of file.references) {
    const exports = exportsOf(words.files.find(name))
    if (exports === undefined) continue
    if (kind === 'Import')
      for (const target of namesIn(part(node, 'target'))) scope.set(target, exports)
    if (kind !== 'FromImport') continue
    for (const [exported] of importedPairs(node))
      if (!Object.hasOwn(exports, exported))
        report(
          node,
          `the imported template has no "${exported}"${suggestion(exported, Object.keys(exports))}`,
        )
  }
  read({ words, report, root: file.root }, file.root, scope)
  return faults
}

function exportsOf(files: readonly TemplateFile[]): Members | undefined {
  if (files.length === 0) return undefined
  return Object.fromEntries(
    files.flatMap(({ exported }) => [...exported].map((name) => [name, 'any'])),
  )
}

interface Reading {
  readonly words: Vocabulary
  readonly report: Report
  readonly root: TemplateNode
}

/** Reads a node and those below it; answers the shape of the node's value. */
function read(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  switch (node.typename) {
    case 'Symbol':
      return readVariable(reading, node, scope)
    case 'LookupVal':
      return readMember(reading, node, scope)
    case 'Literal':
    case 'TemplateData':
      return 'value'
    case 'Group': {
      const shapes = partsOf(node).map((each) => read(reading, each, scope))
      return shapes.length === 1 ? (shapes[0] ?? 'any') : 'any'
    }
    case 'FunCall':
      return readCall(reading, node, scope)
    case 'Filter':
    case 'FilterAsync':
      return readFilter(reading, node, scope)
    case 'Is':
      return readTest(reading, node, scope)
    default:
      return readStatement(reading, node, scope)
  }
}

/** Nodes of which some parts are names and not variables. */
function readStatement(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  switch (node.typename) {
    case 'For':
    case 'AsyncEach':
    case 'AsyncAll':
      return readLoop(reading, node, scope)
    case 'Macro':
    case 'Caller':
      return readMacro(reading, node, scope)
    case 'Set':
      return readParts(reading, node, ['value', 'body'], scope)
    case 'Block':
      return readParts(reading, node, ['body'], new Map([...scope, ['super', 'any']]))
    case 'Pair':
      return readPair(reading, node, scope)
    case 'Import':
    case 'FromImport':
      return readParts(reading, node, ['template'], scope)
    default:
      for (const each of partsOf(node)) read(reading, each, scope)
      return 'any'
  }
}

function readParts(
  reading: Reading,
  node: TemplateNode,
  fields: readonly string[],
  scope: Scope,
): Shape {
  for (const field of fields) {
    const below = part(node, field)
    if (below !== undefined) read(reading, below, scope)
  }
  return 'any'
}

function readVariable({ words, report }: Reading, node: TemplateNode, scope: Scope): Shape {
  const name = textOf(node) ?? ''
  const shape = scope.get(name)
  if (shape !== undefined) return shape
  if (words.around.has(name) || words.values === undefined) return 'any'
  if (Object.hasOwn(words.values, name)) return words.values[name] ?? 'any'
  if (words.isGlobal(name)) return 'any'
  const known = [...scope.keys(), ...Object.keys(words.values)]
  report(node, `there is no value "${name}"${suggestion(name, known)}`)
  return 'any'
}

function readMember(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  const [target, key] = [part(node, 'target'), part(node, 'val')]
  const shape = target === undefined ? 'any' : read(reading, target, scope)
  const computed = key !== undefined && key.typename !== 'Literal'
  if (computed) read(reading, key, scope)
  const [name, members] = [computed ? undefined : textOf(key), membersOf(shape)]
  if (name === undefined) return elementOf(shape) ?? 'any'
  if (members === undefined) return 'any'
  if (Object.hasOwn(members, name)) return members[name] ?? 'any'
  reading.report(
    node,
    `there is no value "${pathOf(node)}"${suggestion(name, Object.keys(members))}`,
  )
  return 'any'
}

/** An expression as it is written in a template: `methods[].name`. */
function pathOf(node: TemplateNode | undefined): string {
  if (node?.typename !== 'LookupVal') return textOf(node) ?? '(...)'
  const key = part(node, 'val')
  const name = key?.typename === 'Literal' ? textOf(key) : undefined
  return pathOf(part(node, 'target')) + (name === undefined ? '[]' : `.${name}`)
}

function readCall(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  if (calledFunction(node) === 'asset') checkAssets(reading, node)
  for (const each of partsOf(node)) read(reading, each, scope)
  return 'any'
}

function checkAssets({ words, report, root }: Reading, node: TemplateNode): void {
  const [file] = argumentsOf(node)
  for (const { start, exact } of file === undefined ? [] : patternsOf(file, root))
    if (exact && !words.assets.includes(start))
      report(node, `there is no file "${start}" for asset(...)${suggestion(start, words.assets)}`)
}

function readFilter(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  const name = textOf(part(node, 'name')) ?? ''
  if (!reading.words.isFilter(name)) reading.report(node, `there is no filter "${name}"`)
  const [value, ...others] = argumentsOf(node)
  if (value !== undefined) read(FORGIVING.has(name) ? forgiving(reading) : reading, value, scope)
  for (const each of others) read(reading, each, scope)
  return 'any'
}

/** `x is defined`; the name of a test may have arguments: `x is divisibleby(3)`. */
function readTest(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  const [left, right] = [part(node, 'left'), part(node, 'right')]
  const name = textOf(right) ?? textOf(right === undefined ? undefined : part(right, 'name')) ?? ''
  // `none` and the truth values are literals for the parser.
  if (name !== '' && !reading.words.isTest(name)) reading.report(node, `there is no test "${name}"`)
  if (left !== undefined) read(FORGIVING.has(name) ? forgiving(reading) : reading, left, scope)
  if (right !== undefined) for (const each of argumentsOf(right)) read(reading, each, scope)
  return 'any'
}

function forgiving(reading: Reading): Reading {
  return { ...reading, report: () => undefined }
}

function readLoop(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  const [list, names] = [part(node, 'arr'), namesIn(part(node, 'name'))]
  const shape = list === undefined ? 'any' : read(reading, list, scope)
  const element = names.length === 1 ? (elementOf(shape) ?? 'any') : 'any'
  const inner = new Map(scope).set('loop', 'any')
  for (const name of names) inner.set(name, element)
  readParts(reading, node, ['body'], inner)
  return readParts(reading, node, ['else_'], scope)
}

function readMacro(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  for (const each of argumentsOf(node))
    if (each.typename === 'KeywordArgs') read(reading, each, scope)
  const inner = new Map(scope).set('caller', 'any')
  for (const name of parametersOf(node)) inner.set(name, 'any')
  return readParts(reading, node, ['body'], inner)
}

/** A key is a name unless it is computed. */
function readPair(reading: Reading, node: TemplateNode, scope: Scope): Shape {
  const key = part(node, 'key')
  const computed = key !== undefined && !['Symbol', 'Literal'].includes(key.typename)
  return readParts(reading, node, computed ? ['key', 'value'] : ['value'], scope)
}

/** References to templates that do not exist, and blocks that no template above has: Nunjucks shows nothing of them. */
export function unknownReferences(file: TemplateFile, files: TemplateFiles): readonly string[] {
  const missing = file.references.flatMap(({ name, optional, line }) => {
    if (!name.exact || optional || files.find(name).length > 0) return []
    const near = suggestion(name.start, files.names)
    return [`${file.path}${at(line)}: there is no template "${name.start}"${near}`]
  })
  const above = blocksAbove(file, files)
  if (above === undefined) return missing
  const lost = outerBlocks(file.root).flatMap((node) => {
    const name = textOf(part(node, 'name')) ?? ''
    if (above.has(name)) return []
    const near = suggestion(name, above)
    return [`${file.path}${at(lineOf(node))}: no template above has a block "${name}"${near}`]
  })
  return [...missing, ...lost]
}

function at(line: number | undefined): string {
  return line === undefined ? '' : `:${line}`
}

/** The blocks of the templates that this one extends; undefined: it extends none, or one that is not known. */
function blocksAbove(
  file: TemplateFile,
  files: TemplateFiles,
  seen: ReadonlySet<TemplateFile> = new Set(),
): ReadonlySet<string> | undefined {
  const parents = file.references
    .filter(({ kind }) => kind === 'Extends')
    .map(({ name }) => (isAnything(name) ? [] : files.find(name)))
  if (parents.length === 0 || parents.some((each) => each.length === 0)) return undefined
  const blocks = new Set<string>()
  for (const parent of parents.flat()) {
    for (const block of parent.blocks) blocks.add(block)
    if (seen.has(parent)) continue
    const higher = blocksAbove(parent, files, new Set([...seen, file]))
    if (higher === undefined && parent.references.some(({ kind }) => kind === 'Extends'))
      return undefined
    for (const block of higher ?? []) blocks.add(block)
  }
  return blocks
}

/** A block within a block of the same template is shown with it. */
function outerBlocks(node: TemplateNode): readonly TemplateNode[] {
  return node.typename === 'Block' ? [node] : partsOf(node).flatMap(outerBlocks)
}
