import { everyNode, lineOf, part, partsOf, textOf, type TemplateNode } from './template-syntax.ts'

/** A text of which a template computes the middle: `'factor.' + id + '.name'`. `exact`: nothing is computed. */
export interface Pattern {
  readonly start: string
  readonly end: string
  readonly exact: boolean
}

/** A call of `t` or `rich` in a template. */
export interface MessageUse {
  readonly key: Pattern
  /** The names of the values that it passes; undefined: it passes an object that is not written there. */
  readonly values: readonly string[] | undefined
  readonly line: number | undefined
}

const ICONS: readonly Pattern[] = [
  { start: 'factors/', end: '/icon.njk', exact: false },
  { start: 'layouts/icon.njk', end: '', exact: true },
]
const ANYTHING: Pattern = { start: '', end: '', exact: false }

/** The messages that a template shows, and those of which it asks whether they exist. */
export function messageUses(root: TemplateNode): {
  readonly shown: readonly MessageUse[]
  readonly asked: readonly Pattern[]
} {
  const shown: MessageUse[] = []
  const asked: Pattern[] = []
  for (const node of everyNode(root)) {
    const called = calledFunction(node)
    const [key] = argumentsOf(node)
    if (called === undefined || key === undefined) continue
    const patterns = patternsOf(key, root)
    if (called === 'has') asked.push(...patterns)
    if (called !== 't' && called !== 'rich') continue
    const values = namedArguments(node)
    shown.push(...patterns.map((pattern) => ({ key: pattern, values, line: lineOf(node) })))
  }
  return { shown, asked }
}

/** The name of the function that a node calls; undefined: it calls none, or a member of something. */
export function calledFunction(node: TemplateNode): string | undefined {
  return node.typename === 'FunCall' ? textOf(part(node, 'name')) : undefined
}

export function argumentsOf(node: TemplateNode): readonly TemplateNode[] {
  const args = part(node, 'args')
  return args === undefined ? [] : partsOf(args)
}

/** The names in `t('key', name=value)` and in `t('key', { name: value })`. */
function namedArguments(node: TemplateNode): readonly string[] | undefined {
  const [, values] = argumentsOf(node)
  if (values === undefined) return []
  if (!['KeywordArgs', 'Dict'].includes(values.typename)) return undefined
  return partsOf(values).map((pair) => textOf(part(pair, 'key')) ?? '')
}

/** The texts that an expression may have. A variable that the template sets once has the texts of its value. */
export function patternsOf(node: TemplateNode, root: TemplateNode, depth = 0): readonly Pattern[] {
  const inner = (field: string) => {
    const below = part(node, field)
    return below === undefined ? [] : patternsOf(below, root, depth + 1)
  }
  switch (node.typename) {
    case 'Literal': {
      const text = textOf(node)
      return text === undefined ? [ANYTHING] : [{ start: text, end: '', exact: true }]
    }
    case 'Group':
      return partsOf(node).flatMap((each) => patternsOf(each, root, depth + 1))
    case 'InlineIf':
      return [...inner('body'), ...inner('else_')]
    case 'Or':
    case 'And':
      return [...inner('left'), ...inner('right')]
    case 'Add':
    case 'Concat':
      return inner('left').flatMap((left) => inner('right').map((right) => joined(left, right)))
    case 'Filter':
      // The filter for the picture of a factor answers one of two.
      return textOf(part(node, 'name')) === 'iconOf' ? ICONS : [ANYTHING]
    case 'Symbol': {
      const value = depth > 8 ? undefined : onlyValueOf(textOf(node), root)
      return value === undefined ? [ANYTHING] : patternsOf(value, root, depth + 1)
    }
    default:
      return [ANYTHING]
  }
}

function joined(left: Pattern, right: Pattern): Pattern {
  if (left.exact && right.exact) return { ...left, start: left.start + right.start }
  return {
    start: left.exact ? left.start + right.start : left.start,
    end: right.exact ? left.end + right.start : right.end,
    exact: false,
  }
}

function onlyValueOf(name: string | undefined, root: TemplateNode): TemplateNode | undefined {
  const setters = [...everyNode(root)].filter(
    (node) => node.typename === 'Set' && partsOf(node).some((each) => isTarget(node, each, name)),
  )
  const [setter] = setters
  return setters.length === 1 && setter !== undefined ? part(setter, 'value') : undefined
}

function isTarget(set: TemplateNode, node: TemplateNode, name: string | undefined): boolean {
  return node.typename === 'Symbol' && node !== part(set, 'value') && textOf(node) === name
}

export function matches({ start, end, exact }: Pattern, text: string): boolean {
  if (exact) return text === start
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end)
}

/** Whether nothing of the text is known. */
export function isAnything({ start, end, exact }: Pattern): boolean {
  return !exact && start === '' && end === ''
}

export function isSame(one: Pattern, other: Pattern): boolean {
  return one.start === other.start && one.end === other.end && one.exact === other.exact
}
