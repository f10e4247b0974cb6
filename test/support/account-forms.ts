import { formOf, type Element } from './html.ts'
import type { HttpClient, Page } from './http-client.ts'

/** The deeds of an account page in order, each with its subject, such as `add:totp`, `remove:ID` or `end-all`. */
export function deedsOf(page: Page): string[] {
  return page.all('form').flatMap((form) => deedsIn(form))
}

/** Presses the button of a deed, as `deedsOf` names it. Throws if the page has no such button. */
export function press(browser: HttpClient, page: Page, deed: string): Promise<Page> {
  const form = page.all('form').find((each) => deedsIn(each).includes(deed))
  if (form === undefined) throw new Error(`No button for ${deed} on ${page.name}`)
  const { action, fields } = formOf(form)
  return browser.post(new URL(action, page.url), { ...fields, do: deed.split(':')[0] ?? '' })
}

function deedsIn(form: Element): string[] {
  const { factor, id } = formOf(form).fields
  const subject = factor ?? id
  return [...form.querySelectorAll('button[data-do]')].map((button) => {
    const name = button.getAttribute('data-do') ?? ''
    return subject === undefined ? name : `${name}:${subject}`
  })
}
