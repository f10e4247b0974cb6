/** The members of a schema that are used here. Mongoose's own types differ with each schema. */
export interface Selecting {
  readonly paths: Readonly<Record<string, SelectingPath>>
  readonly discriminators?: Readonly<Record<string, Selecting>>
}

interface SelectingPath {
  readonly selected?: boolean
  /** The schema of a sub-document, or of the documents in an array. */
  readonly schema?: Selecting
  /**
   * The type of the elements of an array or a map. The property that holds it has another name in each version of
   * Mongoose.
   */
  getEmbeddedSchemaType(): SelectingPath | undefined
}

/**
 * All paths that a schema does not select, if a schema that is derived from it, or from one inside of it, does not
 * select some of them. None otherwise: then Mongoose itself leaves out all that the schema does not select. As in
 * Mongoose, a schema inside itself is not looked into again. No path contains another: MongoDB accepts no projection
 * with both.
 */
export function unselectedByDerived(schema: Selecting): string[] {
  const own = new Set(unselectedIn(schema, [], () => []))
  const paths = [...new Set(unselectedIn(schema, [], derivedFrom))]
  if (paths.every((path) => own.has(path))) return []
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}.`)))
}

type Derived = (schema: Selecting) => readonly Selecting[]

const derivedFrom: Derived = ({ discriminators }) => Object.values(discriminators ?? {})

function unselectedIn(schema: Selecting, above: readonly Selecting[], derived: Derived): string[] {
  if (above.includes(schema)) return []
  const kinds = [schema, ...derived(schema)]
  return kinds.flatMap(({ paths }) =>
    Object.entries(paths).flatMap(([path, type]) => {
      if (type.selected === false || type.getEmbeddedSchemaType()?.selected === false)
        // A value in a map has no path that a projection could name.
        return [path.replace(/\.\$\*$/, '')]
      if (type.schema === undefined) return []
      return unselectedIn(type.schema, [...above, ...kinds], derived).map(
        (below) => `${path}.${below}`,
      )
    }),
  )
}
