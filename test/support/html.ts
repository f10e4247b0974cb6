/** A form as a browser without JavaScript would send it. */
export interface HtmlForm {
  /** As written; empty: the page's own address. */
  readonly action: string
  readonly method: 'get' | 'post'
  /** Hidden fields, and what text fields and ticked boxes hold already. */
  readonly fields: Readonly<Record<string, string>>
  readonly buttons: readonly {
    readonly name?: string
    readonly value: string
    readonly text: string
  }[]
  /** The attributes of every input, in order. */
  readonly inputs: readonly Readonly<Record<string, string>>[]
  readonly html: string
}

/** Reads what tests ask of our own pages. No parser of the web's HTML. */
export function formsOf(html: string): HtmlForm[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map((match) => {
    const attributes = attributesOf(match[1] ?? '')
    const inside = match[2] ?? ''
    const inputs = tagsOf(inside, 'input')
    return {
      action: attributes['action'] ?? '',
      method: attributes['method']?.toLowerCase() === 'post' ? 'post' : 'get',
      fields: fieldsOf(inputs),
      buttons: [...inside.matchAll(/<button\b([^>]*)>(.*?)<\/button>/gis)].map((button) => {
        const { name, value = '' } = attributesOf(button[1] ?? '')
        return { value, text: textOf(button[2] ?? ''), ...(name === undefined ? {} : { name }) }
      }),
      inputs,
      html: match[0],
    }
  })
}

function fieldsOf(inputs: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const input of inputs) {
    const { name, type = 'text', value } = input
    if (name === undefined || type === 'submit') continue
    if (type !== 'checkbox' && type !== 'radio') fields[name] = value ?? ''
    else if ('checked' in input) fields[name] = value ?? 'on'
  }
  return fields
}

/** The attributes of each such tag, in order. */
export function tagsOf(html: string, tag: string): Record<string, string>[] {
  return [...html.matchAll(new RegExp(`<${tag}\\b((?:"[^"]*"|'[^']*'|[^>"'])*)>`, 'gi'))].map(
    (match) => attributesOf(match[1] ?? ''),
  )
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const match of text.matchAll(
    /([^\s=/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  ))
    attributes[(match[1] ?? '').toLowerCase()] = decode(match[2] ?? match[3] ?? match[4] ?? '')
  return attributes
}

/** What is read of it: tags gone, entities decoded, white space as one space. */
export function textOf(html: string): string {
  return decode(
    html
      .replaceAll(/<(script|style)\b.*?<\/\1>/gis, ' ')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' '),
  ).trim()
}

function decode(text: string): string {
  const named: Record<string, string> = {
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: ' ',
  }
  return text.replaceAll(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, body: string) => {
    if (/^#x/i.test(body)) return String.fromCodePoint(parseInt(body.slice(2), 16))
    if (body.startsWith('#')) return String.fromCodePoint(parseInt(body.slice(1), 10))
    return named[body] ?? whole
  })
}
