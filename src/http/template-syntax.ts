import nunjucks from 'nunjucks'

/**
 * The syntax tree of a template. Nunjucks exports its parser without documentation, so this module alone uses it, and
 * says so if it is missing or answers something else.
 */
export interface TemplateNode {
  readonly typename: string
  readonly fields: readonly string[]
  /** Begins with 0; the nodes that Nunjucks adds by itself have none. */
  readonly lineno?: number
}

interface Parser {
  parse(source: string, extensions: readonly never[], options: object): unknown
}

/** Throws Nunjucks' own error for a template that does not parse. */
export function parseTemplate(source: string): TemplateNode {
  const { parser } = nunjucks as unknown as { parser?: Partial<Parser> }
  const root = parser?.parse?.(source, [], { trimBlocks: true, lstripBlocks: true })
  if (!isNode(root)) throw new Error('This version of nunjucks has no parser.parse(source)')
  return root
}

function isNode(value: unknown): value is TemplateNode {
  return typeof value === 'object' && value !== null && 'typename' in value && 'fields' in value
}

/** A member of a node, if it is a node. */
export function part(node: TemplateNode, field: string): TemplateNode | undefined {
  const value = (node as unknown as Record<string, unknown>)[field]
  return isNode(value) ? value : undefined
}

/** All nodes directly below a node, in the order of the source. */
export function partsOf(node: TemplateNode): readonly TemplateNode[] {
  const members = node as unknown as Record<string, unknown>
  // The text between `{% set x %}` and `{% endset %}` is in a member that is no field.
  const names = node.typename === 'Set' ? [...node.fields, 'body'] : node.fields
  return names.flatMap((name) => {
    const member = members[name]
    return Array.isArray(member) ? member.filter(isNode) : isNode(member) ? [member] : []
  })
}

/** The name of a Symbol, or the text of a Literal that is text. */
export function textOf(node: TemplateNode | undefined): string | undefined {
  if (node === undefined || !['Symbol', 'Literal'].includes(node.typename)) return undefined
  const { value } = node as unknown as { value: unknown }
  return typeof value === 'string' ? value : undefined
}

/** The names in a list of Symbols: the variables of a loop, the targets of a `set`, the parameters of a macro. */
export function namesIn(node: TemplateNode | undefined): readonly string[] {
  if (node === undefined) return []
  if (node.typename === 'Symbol') return [textOf(node) ?? '']
  return partsOf(node).flatMap((each) =>
    namesIn(each.typename === 'Pair' ? part(each, 'key') : each),
  )
}

/** Every node of a tree. */
export function* everyNode(node: TemplateNode): Generator<TemplateNode> {
  yield node
  for (const each of partsOf(node)) yield* everyNode(each)
}

/** The line of a node in its file, from 1; undefined: Nunjucks has added the node. */
export function lineOf({ lineno }: TemplateNode): number | undefined {
  return lineno === undefined ? undefined : lineno + 1
}
