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
 * The paths that a schema does not select, those of its sub-documents and of all that is derived from any of them too.
 * As in Mongoose, a schema inside itself is not looked into again. No path contains another: MongoDB accepts no
 * projection with both.
 */
export function unselected(schema: Selecting): string[] {
  const paths = [...new Set(unselectedIn(schema, []))]
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}.`)))
}

function unselectedIn(schema: Selecting, above: readonly Selecting[]): string[] {
  if (above.includes(schema)) return []
  const kinds = [schema, ...Object.values(schema.discriminators ?? {})]
  return kinds.flatMap(({ paths }) =>
    Object.entries(paths).flatMap(([path, type]) => {
      if (type.selected === false || type.getEmbeddedSchemaType()?.selected === false)
        // A value in a map has no path that a projection could name.
        return [path.replace(/\.\$\*$/, '')]
      if (type.schema === undefined) return []
      return unselectedIn(type.schema, [...above, ...kinds]).map((below) => `${path}.${below}`)
    }),
  )
}
