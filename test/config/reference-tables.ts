import type { Option } from '../../config/option.ts'
import { environmentOptions, fileOptionList } from '../../config/schema.ts'

/** The two tables of docs/reference/configuration.md; a test holds the page to them. */
export function environmentTable(): string {
  return table(
    ['Name', 'Type', 'Default', 'Values', 'What it says'],
    Object.entries(environmentOptions as Record<string, Option<unknown>>).map(([name, option]) => [
      option.secret ? `\`${name}\` or \`${name}_FILE\`` : `\`${name}\``,
      ...cells(option),
    ]),
  )
}

export function fileTable(): string {
  return table(
    ['Name', 'Type', 'Default', 'Values', 'What it says'],
    fileOptionList().map(({ name, option }) => [`\`${name}\``, ...cells(option)]),
  )
}

function cells(option: Option<unknown>): string[] {
  const type = option.unit === undefined ? option.type : `${option.type}, ${option.unit}`
  return [type, option.default, option.bounds ?? '', option.doc]
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
