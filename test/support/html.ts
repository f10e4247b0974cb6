import { parseHTML } from 'linkedom'

/** The part of the DOM that tests use. The compiler's own types would give every source file a `window`. */
export interface Element {
  readonly localName: string
  readonly nodeType: number
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>
  readonly childNodes: Iterable<Element>
  readonly textContent: string
  getAttribute(name: string): string | null
  hasAttribute(name: string): boolean
  matches(selector: string): boolean
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): readonly Element[]
}

/** A form as a browser without JavaScript would send it. */
export interface HtmlForm {
  /** The attribute as it is written; empty for the page's own address. */
  readonly action: string
  readonly method: 'get' | 'post'
  /** The values of hidden fields, text fields and ticked boxes. */
  readonly fields: Readonly<Record<string, string>>
  readonly buttons: readonly {
    readonly name?: string
    readonly value: string
    readonly text: string
  }[]
}

export function parse(html: string): Element {
  return (parseHTML(html) as unknown as { document: Element }).document
}

export function formOf(form: Element): HtmlForm {
  const inputs = [...form.querySelectorAll('input[name]')]
    .filter(
      (input) => !input.matches('[type=submit], :is([type=checkbox], [type=radio]):not([checked])'),
    )
    .map((input) => [input.getAttribute('name'), valueOf(input)])
  return {
    action: form.getAttribute('action') ?? '',
    method: form.getAttribute('method')?.toLowerCase() === 'post' ? 'post' : 'get',
    fields: Object.fromEntries(inputs) as Record<string, string>,
    buttons: [...form.querySelectorAll('button')].map((button) => {
      const name = button.getAttribute('name')
      const value = button.getAttribute('value') ?? ''
      return { value, text: textOf(button), ...(name === null ? {} : { name }) }
    }),
  }
}

function valueOf(input: Element): string {
  const isTicked = input.matches('[type=checkbox], [type=radio]')
  return input.getAttribute('value') ?? (isTicked ? 'on' : '')
}

export function attributesOf({ attributes }: Element): Record<string, string> {
  return Object.fromEntries([...attributes].map(({ name, value }) => [name, value]))
}

/** The visible text without scripts and styles. Each tag and each run of white space becomes one space. */
export function textOf(element: Element): string {
  return textIn(element).replaceAll(/\s+/g, ' ').trim()
}

const TEXT_NODE = 3

/** The text with a space for each tag. The parser splits a text at entities, where no space may be added. */
function textIn({ nodeType, localName, childNodes, textContent }: Element): string {
  if (nodeType === TEXT_NODE) return textContent
  if (/^(script|style)$/.test(localName)) return ' '
  return ` ${[...childNodes].map(textIn).join('')} `
}
