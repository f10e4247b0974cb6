/** The elements that a QR code needs. None of them can load, link, run or style anything. */
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
 * Checks a drawing that a factor made before it is put into a page unescaped. Accepts only elements and attributes that
 * draw, and throws for anything else: neither a third party's factor nor a label in the markup may run a script on our
 * pages.
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
