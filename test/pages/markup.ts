/** An opening tag of a page, as written. */
export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** What stands between this tag and its end, for the elements that tests ask about. */
  readonly content: string
  readonly at: number
}

const TAG = /<([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*\/?>/g

/** The opening tags of our own well-formed HTML. Throws for a tag that is not written the way ours are. */
export function tagsOf(html: string): readonly Tag[] {
  const tags = [...html.matchAll(TAG)].map(([tag, name = '', written = ''], index, all) => {
    const at = all[index]?.index ?? 0
    const end = html.indexOf(`</${name}>`, at)
    return {
      name,
      attributes: new Map(
        [...written.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [
          key,
          unescape(value),
        ]),
      ),
      content: end === -1 ? '' : html.slice(at + tag.length, end),
      at,
    }
  })
  const opened = [...html.matchAll(/<[a-z]/g)].length
  if (opened !== tags.length) throw new Error(`${opened - tags.length} tags are not well-formed`)
  return tags
}

export function textOf(html: string): string {
  return unescape(html.replaceAll(/<[^>]*>/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim()
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

function unescape(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)
}
