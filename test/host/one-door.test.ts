import { expect } from 'chai'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Members of the host's objects that its documentation does not name. Our own objects must not use these names, so that
 * every use of such a name is a use of the host's member.
 */
const INTERNAL = [
  'IN_PAYLOAD',
  'OIDCContext',
  'RotatedRefreshToken',
  'addOIDCClaims',
  'addOIDCScope',
  'authTime',
  'authorizations',
  'cid',
  'compareClientSecret',
  'clientUri',
  'cookieName',
  'createContext',
  'deviceCode',
  'entities',
  'entity',
  'generateTokenId',
  'getOIDCClaims',
  'getOIDCScope',
  'gty',
  'initiateLoginUri',
  'lastSubmission',
  'loginAccount',
  'loginTs',
  'mfaEpoch',
  'oldId',
  'pathFor',
  'promptPending',
  'resetIdentifier',
  'returnTo',
  'symmetricKeyStore',
  'touched',
  'transient',
  'trusted',
]

/** The members that a file names: `a.name`, `a['name']`, `{ name } = a`, `{ name: value }` and members of types. */
function membersOf(text: string): Set<string> {
  const found = new Set<string>()
  const add = (name: ts.Node | undefined): void => {
    if (name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)))
      found.add(name.text)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      add(node.name)
      if (node.expression.getText() === 'Provider') found.add(`Provider.${node.name.text}`)
    } else if (ts.isElementAccessExpression(node)) add(node.argumentExpression)
    else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent))
      add(node.propertyName ?? node.name)
    else if (
      ts.isPropertyAssignment(node) ||
      ts.isShorthandPropertyAssignment(node) ||
      ts.isPropertySignature(node) ||
      ts.isMethodSignature(node) ||
      ts.isMethodDeclaration(node)
    )
      add(node.name)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true))
  return found
}

describe('what the product uses of the host beyond its documentation', () => {
  it('is used in src/host alone', () => {
    const files = ['interactions', 'src'].flatMap((folder) =>
      globSync(`${folder}/**/*.ts`, { cwd: ROOT }),
    )
    const outside = files
      // The suites for adapters store rows with the members that the host gives them.
      .filter((file) => !/^src\/(?:host|testing)\//.test(file))
      .flatMap((file) => {
        const members = membersOf(readFileSync(`${ROOT}/${file}`, 'utf8'))
        return [...INTERNAL, 'Provider.ctx']
          .filter((name) => members.has(name))
          .map((name) => `${file}: ${name}`)
      })
    expect(files.length).to.be.greaterThan(200)
    expect(outside).to.deep.equal([])
  })
})
