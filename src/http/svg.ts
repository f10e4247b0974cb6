/** What a QR code is drawn with. Nothing here can load, link, run or style anything. */
const ELEMENTS = new Set(['svg', 'g', 'path', 'rect'])
const ATTRIBUTES = new Set([
  'xmlns',
  'viewBox',
  'width',
  'height',
  'shape-rendering',
  'fill',
  'stroke',
  'stroke-width',
  'd',
  'x',
  'y',
])
/** No parentheses: `url(...)` in a fill would fetch. */
const VALUE = /^[\w\s.,:/#+-]*$/

/**
 * Checks a drawing that a factor made before it is put into a page unescaped. Takes only elements and attributes
 * that draw; throws for anything else, since a factor of another maker, or a label that found its way into the
 * markup, must not become a script of ours.
 */
export function inlineSvg(svg: unknown): string {
  if (typeof svg !== 'string') throw new TypeError('A drawing is a string')
  const markup = svg.trim()
  if (!markup.startsWith('<svg')) throw new TypeError('A drawing begins with <svg')
  const rest = markup.replaceAll(
    /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z-]+="[^"<>]*")*)\s*\/?>/g,
    checkTag,
  )
  if (rest.trim() !== '') throw new TypeError('A drawing holds elements only')
  return markup
}

function checkTag(_tag: string, closing: string, element: string, attributes: string): string {
  if (!ELEMENTS.has(element)) throw new TypeError(`A drawing holds no <${element}>`)
  if (closing !== '' && attributes !== '') throw new TypeError('A closing tag has no attributes')
  for (const [, name = '', value = ''] of attributes.matchAll(/([a-zA-Z-]+)="([^"]*)"/g))
    if (!ATTRIBUTES.has(name) || !VALUE.test(value))
      throw new TypeError(`A drawing has no attribute ${name} of this kind`)
  return ''
}
