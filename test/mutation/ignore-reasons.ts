import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/*
 * Leaves out of a mutation run the texts of errors: they are for the log, and no program reads them. The code and the
 * status of an error are not left out.
 */

/** Functions and classes whose argument of this index is such a text. */
const TEXTS: ReadonlyMap<string, number> = new Map([
  ['MfaError', 1],
  ['Error', 0],
  ['TypeError', 0],
  ['expired', 0],
  ['given', 1],
])

/** A place in the syntax tree, as far as this module reads it. */
interface Place {
  readonly node: { readonly type: string }
  readonly parent?: { readonly type: string; readonly callee?: { readonly name?: string } }
  readonly parentPath?: Place | null
  readonly listKey?: string
  readonly key?: number | string
}

function isReason(place: Place): boolean {
  const { parent, listKey, key } = place
  if (parent?.type === 'BinaryExpression' && place.parentPath) return isReason(place.parentPath)
  if (parent?.type !== 'NewExpression' && parent?.type !== 'CallExpression') return false
  return listKey === 'arguments' && TEXTS.get(parent.callee?.name ?? '') === key
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'reasons', {
    shouldIgnore(path: unknown) {
      const place = path as Place
      const isText = ['StringLiteral', 'TemplateLiteral'].includes(place.node.type)
      return isText && isReason(place) ? 'the text of an error, for the log' : undefined
    },
  }),
]
