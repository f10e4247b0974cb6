import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'

export function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The targets of links and pictures as they are written, in Markdown and in the HTML in it. */
export function linksIn(text: string): string[] {
  return [
    ...withoutFences(text).matchAll(/\]\(([^)\s]+)\)|<(?:img|a)\b[^>]*?\b(?:src|href)="([^"]+)"/g),
  ].map(([, markdown, html]) => markdown ?? html ?? '')
}

/** The anchors of a page's headings, made by the same rule as on the site that shows the page. */
export function anchorsOf(text: string): string[] {
  return [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

/** The links of pages in a folder whose file or heading does not exist in that folder, each as `page: link`. */
export function brokenLinks(folder: string, pages: readonly string[]): string[] {
  const read = (page: string): string => readFileSync(join(folder, page), 'utf8')
  return pages.flatMap((page) =>
    linksIn(read(page))
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : normalize(join(dirname(page), path))
        if (target.startsWith('..') || !existsSync(join(folder, target))) return true
        return anchor !== undefined && !anchorsOf(read(target)).includes(anchor)
      })
      .map((link) => `${page}: ${link}`),
  )
}
